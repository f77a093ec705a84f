"""Making a notebook that has run into the one that is committed: the same every time."""

from __future__ import annotations

import copy
from typing import Any

import nbformat

from tests.notebooks import leaks
from tests.notebooks.book import Notebook, code_cells, tags

WIDGET = "application/vnd.jupyter.widget-view+json"
_METADATA = ("tags", "jupyter", "editable", "deletable")
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


class Unfit(AssertionError):
    """An output cannot be committed as it is."""


def clean(notebook: Notebook) -> Notebook:
    """Return a copy fit to be committed; raise `Unfit` or `Leak` where only its author can help."""
    tidy = copy.deepcopy(notebook)
    tidy.metadata = nbformat.from_dict({"kernelspec": _KERNEL, "language_info": {"name": "python"}})
    tidy.nbformat_minor = 5
    tidy.cells = [cell for cell in tidy.cells if "injected-parameters" not in tags(cell)]
    for cell in tidy.cells:
        metadata = {name: cell.metadata[name] for name in _METADATA if cell.metadata.get(name)}
        cell.metadata = nbformat.from_dict(metadata)
    for count, cell in enumerate(code_cells(tidy), start=1):
        cell.execution_count = count
        kept = [output for old in cell.outputs if (output := _output(old, cell))]
        cell.outputs = _joined(kept)
    for cell_id, text in leaks.texts(tidy):
        if problems := list(leaks.found(text)):
            raise leaks.Leak(f"the output of cell {cell_id} shows a {', '.join(problems)}")
    nbformat.validate(tidy)
    return tidy


def _output(output: Any, cell: Any) -> Any:
    """Return an output without what differs from run to run, None when nothing is left."""
    if output.output_type == "error" or output.get("name") == "stderr":
        raise Unfit(f"cell {cell.id} wrote an error:\n{output.get('text') or output.get('evalue')}")
    if output.output_type == "stream":
        output.text = leaks.masked(output.text)
        return output if output.text else None
    if WIDGET in output.data:
        del output.data[WIDGET]
        if set(output.data) <= {"text/plain"}:
            raise Unfit(f"the panel of cell {cell.id} has no static picture or table beside it")
    for kind, content in output.data.items():
        if isinstance(content, str) and not kind.startswith("image/p"):
            output.data[kind] = leaks.masked(content)
    output.metadata = nbformat.from_dict({})
    if output.output_type == "execute_result":
        output.execution_count = cell.execution_count
    return output if output.data else None


def _joined(outputs: list[Any]) -> list[Any]:
    """Join what was written in several pieces: where a text is cut depends on the moment."""
    joined: list[Any] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if output.output_type == "stream" and last and last.get("name") == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined
