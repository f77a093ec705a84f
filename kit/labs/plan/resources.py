"""What to notice in the memory, pages and workers that a plan took; PostgreSQL tells of them."""

from __future__ import annotations

from collections.abc import Sequence

from kit.labs.plan import condition
from kit.labs.plan.node import Node, Plan
from kit.labs.plan.remark import Advice, Rule
from kit.widgets.units import plural

MANY = 100  # visits to the table from which an index-only scan is none
OFTEN = 50  # pages below which bloat does not matter
PAGE, OVERHEAD = 8192, 28  # bytes of a page; of a row, beside its columns


def _spilled(plan: Plan, node: Node, above: Sequence[Node]) -> Advice | None:
    passes = node.raws("r_sort_passes")
    if node.raw.get("Sort Space Type") != "Disk" and not passes:
        return None
    size = node.raws("Sort Space Used")
    words = (
        f"It wrote {size:,.0f} kB to disk because work_mem was too small."
        if size
        else "Its rows did not fit into the sort buffer, so it sorted pieces on disk."
    )
    setting = f"SET work_mem = '{_megabytes(3 * size)}MB'" if size else ""
    return Advice(
        node=node,
        title="Sorts on disk",
        words=f"{words} More memory helps; an index in this order spares the sort.",
        sql=setting,
    )


def _batched(plan: Plan, node: Node, above: Sequence[Node]) -> Advice | None:
    batches = max(node.raws("Hash Batches"), node.raws("HashAgg Batches"))
    if batches <= 1:
        return None
    needed = 2 * batches * max(node.raws("Peak Memory Usage"), 1)
    return Advice(
        node=node,
        title="Hashes on disk",
        words=f"Its hash table did not fit into work_mem, so it went through disk in "
        f"{batches:,.0f} batches.",
        sql=f"SET work_mem = '{_megabytes(needed)}MB'",
    )


def _fetched(plan: Plan, node: Node, above: Sequence[Node]) -> Advice | None:
    fetches = node.raws("Heap Fetches")
    if fetches < MANY or fetches < (node.came or 0) / 2:
        return None
    return Advice(
        node=node,
        title="Index-only in name",
        words=f"For {fetches:,.0f} rows it went to the table after all, to see whether they are "
        "visible. VACUUM notes which pages everyone may see.",
        sql=f"VACUUM {condition.written(plan.sql, node)}",
    )


def _lossy(plan: Plan, node: Node, above: Sequence[Node]) -> Advice | None:
    if not node.raws("Lossy Heap Blocks"):
        return None
    return Advice(
        node=node,
        title="The bitmap was too big",
        words=f"It kept {node.raws('Lossy Heap Blocks'):,.0f} pages without their rows, and read "
        "every row on them. More work_mem keeps it exact.",
        sql="SET work_mem = '16MB'",
    )


def _bloated(plan: Plan, node: Node, above: Sequence[Node]) -> Advice | None:
    if "Plan Width" not in node.raw or not node.whole or not node.loops or node.pages is None:
        return None
    pages, rows = node.pages / node.loops, node.handled / node.loops
    needed = rows * (node.raws("Plan Width") + OVERHEAD) / PAGE
    if pages < OFTEN or pages < 5 * max(needed, 1):
        return None
    return Advice(
        node=node,
        title="Many pages for few rows",
        words=f"{pages:,.0f} pages held {plural(round(rows), 'row')}. Wide rows would explain it; "
        "so would the remains of deleted and updated ones, which is called bloat. VACUUM makes "
        "their room usable again, VACUUM FULL gives it back and locks the table meanwhile.",
        sql=f"VACUUM (FULL, ANALYZE) {condition.written(plan.sql, node)}",
    )


def _short_handed(plan: Plan, node: Node, above: Sequence[Node]) -> Advice | None:
    planned, came = node.raws("Workers Planned"), node.raws("Workers Launched")
    if came >= planned:
        return None
    return Advice(
        node=node,
        title="Fewer workers than planned",
        words=f"{planned:,.0f} were planned, {came:,.0f} came: all others were busy "
        "(max_parallel_workers).",
        volatile=True,
    )


def _checked(plan: Plan, node: Node, above: Sequence[Node]) -> Advice | None:
    if node.kind != "trigger" or plan.share(node) < 0.5 or "Constraint Name" not in node.raw:
        return None
    return Advice(
        node=node,
        title="The foreign key takes the time",
        words=f"For each of {plural(round(node.loops or 0), 'row')} the server looked for rows "
        f"that refer to it ({node.raw['Constraint Name']}). An index on the referring column "
        "makes that quick; PostgreSQL does not create one by itself.",
        volatile=True,
    )


def _megabytes(kilobytes: float) -> int:
    size = 4
    while size * 1024 < kilobytes:
        size *= 2
    return size


RULES: tuple[Rule, ...] = (
    _spilled,
    _batched,
    _fetched,
    _lossy,
    _bloated,
    _short_handed,
    _checked,
)
