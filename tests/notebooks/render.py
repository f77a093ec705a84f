"""Run the notebooks and write their outputs: `python -m tests.notebooks.render [names]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import nbformat
from papermill.exceptions import PapermillExecutionError

from tests.notebooks import book
from tests.notebooks.clean import Unfit, clean
from tests.notebooks.leaks import Leak
from tests.notebooks.run import desk, execute


def rendered(path: Path) -> book.Notebook:
    """Run one notebook with nothing remembered from before and return it as it is committed."""
    with desk() as at:
        return clean(execute(book.load(path), at))


def differing(one: book.Notebook, other: book.Notebook) -> list[str]:
    """Name the cells that two versions of a notebook do not share."""
    here, there = ({cell.id: cell for cell in version.cells} for version in (one, other))
    return sorted(name for name in here | there if here.get(name) != there.get(name))


def render(path: Path, *, check: bool) -> bool:
    """Write one notebook's outputs, or only compare them; return whether all is well."""
    committed = book.load(path)
    try:
        fresh = rendered(path)
    except (PapermillExecutionError, Unfit, Leak) as error:
        print(f"✗ {path.stem}: {error}", file=sys.stderr)
        return False
    changed = differing(committed, fresh)
    if check:
        print(f"{'✗' if changed else '✓'} {path.stem}: {', '.join(changed) or 'as committed'}")
        return not changed
    nbformat.write(fresh, path)
    print(f"✓ {path.stem}: {len(changed)} cells changed")
    return True


def main(arguments: list[str] | None = None) -> int:
    """Render the notebooks whose names begin as given, all of them without a name."""
    parser = argparse.ArgumentParser(prog="python -m tests.notebooks.render", description=__doc__)
    parser.add_argument("names", nargs="*", help="how the notebooks' names begin, such as 01")
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    given = parser.parse_args(arguments)
    chosen = [
        path
        for path in book.everything()
        if not given.names or path.stem.startswith(tuple(given.names))
    ]
    if not chosen:
        parser.error(f"no notebook's name begins with {' or '.join(given.names)}")
    failed = [path for path in chosen if not render(path, check=given.check)]
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
