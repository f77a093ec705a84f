"""What a notebook keeps when it is saved: the picture of a panel, not its live view.

JupyterLab prefers a widget's view to the picture beside it, and shows an error where the kernel
that knew the widget is gone. This is an extension of the Jupyter server, switched on by
`config/etc/jupyter` when the kit is installed.
"""

from __future__ import annotations

from typing import Any

_VIEW = "application/vnd.jupyter.widget-view+json"
_STATE = "application/vnd.jupyter.widget-state+json"


def keep_pictures(model: dict[str, Any], **_: object) -> None:
    """Drop each widget view that has a picture beside it from a notebook about to be written.

    `model` is what the Jupyter server is about to save, with its `type` and, for notebooks, its
    `content`. A widget without a picture stays as it is.
    """
    if model.get("type") != "notebook" or not isinstance(model.get("content"), dict):
        return
    outputs = [
        output for cell in model["content"].get("cells", []) for output in cell.get("outputs", [])
    ]
    bundles = [output["data"] for output in outputs if isinstance(output.get("data"), dict)]
    for bundle in bundles:
        if bundle.get("text/html"):
            bundle.pop(_VIEW, None)
    if not any(_VIEW in bundle for bundle in bundles):
        model["content"].get("metadata", {}).get("widgets", {}).pop(_STATE, None)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "kit.saving"}]


def _load_jupyter_server_extension(server: Any) -> None:
    server.contents_manager.register_pre_save_hook(keep_pictures)
