"""A line in the running cell that says what is being done, and then is gone."""

from __future__ import annotations

import traitlets

from kit.widgets.parts import HERE, Part


class ProgressLine(Part):
    """Show `text` beneath the cell that runs, nothing where it is empty; it needs no display."""

    _esm = HERE / "progress.js"
    text = traitlets.Unicode("").tag(sync=True)
