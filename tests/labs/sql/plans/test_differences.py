"""Two plans of one query, before and after a change: the step that changed is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from kit.labs import plans
from kit.labs.plan import difference, matching
from kit.launch.server import Server
from tests.labs.sql.plans.tables import PARALLEL, run


@dataclass(frozen=True, kw_only=True)
class Prepared:
    id: str
    query: str
    change: str
    was: str = ""
    now: str = ""
    figures: Sequence[str] = ()
    prepare: Sequence[str] = ()
    cure: Sequence[str] = ()
    undo: Sequence[str] = ()
    rewritten: str = ""
    before: Mapping[str, str | int] = field(default_factory=dict)
    after: Mapping[str, str | int] = field(default_factory=dict)


ON_POSTGRESQL = [
    Prepared(
        id="an index on the filter",
        query="SELECT * FROM metrics WHERE run_uuid = md5('7')",
        cure=["CREATE INDEX by_run ON metrics (run_uuid)"],
        undo=["DROP INDEX by_run"],
        change="replaced",
        was="Seq Scan on metrics",
        now="on metrics",
    ),
    Prepared(
        id="an index on the order",
        query="SELECT * FROM metrics ORDER BY value DESC LIMIT 5",
        cure=["CREATE INDEX by_value ON metrics (value)"],
        undo=["DROP INDEX by_value"],
        change="replaced",
        was="Seq Scan on metrics",
        now="Index Scan Backward on metrics using by_value",
    ),
    Prepared(
        id="an index on an expression",
        query="SELECT * FROM runs WHERE lower(name) = 'run 7'",
        cure=["CREATE INDEX by_name ON runs (lower(name))", "ANALYZE runs"],
        undo=["DROP INDEX by_name"],
        change="replaced",
        was="Seq Scan on runs",
        now="Index Scan on runs using by_name",
    ),
    Prepared(
        id="memory for a sort",
        query="SELECT * FROM metrics ORDER BY value, step",
        before={"work_mem": "64kB"},
        after={"work_mem": "32MB"},
        change="figures",
        was="Sort",
        now="Sort",
        figures=["how"],
    ),
    Prepared(
        id="fresh statistics",
        prepare=[
            "CREATE TABLE fresh (kind int) WITH (autovacuum_enabled = off)",
            "INSERT INTO fresh SELECT 1 FROM generate_series(1, 5000)",
            "ANALYZE fresh",
            "INSERT INTO fresh SELECT 2 FROM generate_series(1, 5000)",
        ],
        query="SELECT * FROM fresh WHERE kind = 2",
        cure=["ANALYZE fresh"],
        undo=["DROP TABLE fresh"],
        change="figures",
        was="Seq Scan on fresh",
        now="Seq Scan on fresh",
        figures=["expected"],
    ),
    Prepared(
        id="a map of what is visible",
        prepare=[
            "CREATE TABLE dusty (n int PRIMARY KEY) WITH (autovacuum_enabled = off)",
            "INSERT INTO dusty SELECT generate_series(1, 5000)",
            "ANALYZE dusty",
        ],
        query="SELECT count(n) FROM dusty WHERE n < 2000",
        cure=["VACUUM dusty"],
        undo=["DROP TABLE dusty"],
        before={"enable_seqscan": "off", "enable_bitmapscan": "off"},
        after={"enable_seqscan": "off", "enable_bitmapscan": "off"},
        change="figures",
        was="Index Only Scan on dusty using dusty_pkey",
        now="Index Only Scan on dusty using dusty_pkey",
        figures=["heap"],
    ),
    Prepared(
        id="a subquery written as a join",
        query="SELECT name FROM runs WHERE run_uuid NOT IN (SELECT run_uuid FROM metrics)",
        rewritten="SELECT name FROM runs r WHERE NOT EXISTS "
        "(SELECT FROM metrics m WHERE m.run_uuid = r.run_uuid)",
        change="new",
        now="Anti Join",
    ),
    Prepared(
        id="workers",
        query="SELECT count(*) FROM metrics WHERE note = 'ok'",
        before={"max_parallel_workers_per_gather": 0},
        after=PARALLEL,
        change="replaced",
        was="Seq Scan on metrics",
        now="Parallel Seq Scan on metrics",
    ),
]
ON_MARIADB = [
    Prepared(
        id="an index on the filter",
        query="SELECT * FROM metrics WHERE run_uuid = md5('7')",
        cure=["CREATE INDEX by_run ON metrics (run_uuid)"],
        undo=["DROP INDEX by_run ON metrics"],
        change="replaced",
        was="Full table scan on metrics",
        now="Index look-up on metrics using by_run",
    ),
    Prepared(
        id="an index on the order",
        query="SELECT * FROM metrics ORDER BY value DESC LIMIT 5",
        cure=["CREATE INDEX by_value ON metrics (value)"],
        undo=["DROP INDEX by_value ON metrics"],
        change="replaced",
        was="Full table scan on metrics",
        now="Full index scan on metrics using by_value",
    ),
    Prepared(
        id="a column left in peace",
        prepare=["CREATE INDEX by_value ON metrics (value)"],
        query="SELECT * FROM metrics WHERE value * 2 = 14.02",
        rewritten="SELECT * FROM metrics WHERE value = 7.01",
        undo=["DROP INDEX by_value ON metrics"],
        change="replaced",
        was="Full table scan on metrics",
        now="Index look-up on metrics using by_value",
    ),
    Prepared(
        id="an index for a join",
        query="SELECT count(*) FROM runs r JOIN metrics m ON m.step = r.experiment "
        "WHERE r.name = 'Run 7'",
        cure=["CREATE INDEX by_step ON metrics (step)"],
        undo=["DROP INDEX by_step ON metrics"],
        change="replaced",
        was="Full table scan on metrics as m",
        now="Index look-up on metrics as m using by_step",
    ),
    Prepared(
        id="an index that covers",
        prepare=["CREATE INDEX by_run ON metrics (run_uuid)"],
        query="SELECT avg(value) FROM metrics WHERE run_uuid = md5('7')",
        cure=["CREATE INDEX covering ON metrics (run_uuid, value)", "DROP INDEX by_run ON metrics"],
        undo=["DROP INDEX covering ON metrics"],
        change="replaced",
        was="Index look-up on metrics using by_run",
        now="Index look-up on metrics using covering",
    ),
    Prepared(
        id="statistics on a column",
        prepare=[
            "CREATE TABLE fresh (kind int, note varchar(20))",
            "INSERT INTO fresh SELECT step, note FROM metrics",
            "ANALYZE TABLE fresh",
        ],
        query="SELECT * FROM fresh WHERE kind = 2",
        cure=["ANALYZE TABLE fresh PERSISTENT FOR ALL", "FLUSH TABLES"],
        undo=["DROP TABLE fresh"],
        change="figures",
        was="Full table scan on fresh",
        now="Full table scan on fresh",
        figures=["expected"],
    ),
    Prepared(
        id="a subquery written as a join",
        query="SELECT name, (SELECT max(value) FROM metrics m WHERE m.run_uuid = r.run_uuid) v "
        "FROM runs r WHERE experiment = 3",
        rewritten="SELECT name, max(value) v FROM runs r JOIN metrics m "
        "ON m.run_uuid = r.run_uuid WHERE experiment = 3 GROUP BY r.run_uuid, name",
        change="figures",
        was="Full table scan on metrics as m",
        now="Full table scan on metrics as m",
        figures=["loops", "discarded"],
    ),
]


def prepared(server: Server, case: Prepared) -> matching.Comparison:
    if case.prepare:
        run(server, *case.prepare)
    try:
        before = plans.explain(server, case.query, settings=case.before)
        if case.cure:
            run(server, *case.cure)
        after = plans.explain(server, case.rewritten or case.query, settings=case.after)
    finally:
        if case.undo:
            run(server, *case.undo)
    return plans.compare(before, after).comparison


def agrees(case: Prepared, main: matching.Pair | None) -> None:
    assert main is not None
    assert main.change == case.change, difference.sentence(main)
    assert (main.before is None) == (case.was == "")
    assert main.before is None or main.before.label == case.was
    assert main.after is not None
    assert case.now in main.after.label
    assert set(case.figures) <= set(main.figures)


@pytest.mark.parametrize("case", ON_POSTGRESQL, ids=lambda case: case.id)
def test_the_diff_names_the_changed_step_on_postgresql(pg: Server, case: Prepared) -> None:
    agrees(case, prepared(pg, case).main)


@pytest.mark.parametrize("case", ON_MARIADB, ids=lambda case: case.id)
def test_the_diff_names_the_changed_step_on_mariadb(my: Server, case: Prepared) -> None:
    agrees(case, prepared(my, case).main)
