"""A saved notebook shows pictures where its kernel is gone, and loses nothing else."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

from nbformat import v4

from kit.saving import keep_pictures

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


def saved(*bundles: dict[str, object]) -> Any:
    outputs = [v4.new_output("display_data", data=dict(bundle)) for bundle in bundles]
    content = v4.new_notebook(cells=[v4.new_code_cell("panel", outputs=outputs)])
    content.metadata["widgets"] = {STATE: {"state": {"a": 1}}}
    model = {"type": "notebook", "content": content}
    keep_pictures(model=model, path="x.ipynb", contents_manager=None)
    return content


def test_a_view_with_a_picture_beside_it_is_not_saved() -> None:
    content = saved({VIEW: {"model_id": "a"}, "text/html": "<p>1</p>", "text/plain": "1"})
    assert content.cells[0].outputs[0].data == {"text/html": "<p>1</p>", "text/plain": "1"}
    assert STATE not in content.metadata["widgets"]


def test_a_learners_own_widget_stays_as_it_is() -> None:
    own = {VIEW: {"model_id": "a"}, "text/plain": "IntSlider()"}
    content = saved(own, {VIEW: {"model_id": "b"}, "text/html": "<p>1</p>"})
    assert content.cells[0].outputs[0].data == own
    assert content.metadata["widgets"][STATE]


def test_what_is_no_notebook_is_left_alone() -> None:
    for model in ({"type": "file", "content": "{}"}, {"type": "notebook", "content": None}):
        before = copy.deepcopy(model)
        keep_pictures(model=model)
        assert model == before


def test_installing_the_kit_switches_the_extension_on() -> None:
    file = Path(sys.prefix, "etc/jupyter/jupyter_server_config.d/kit.json")
    assert json.loads(file.read_text())["ServerApp"]["jpserver_extensions"] == {"kit.saving": True}
