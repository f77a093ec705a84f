"""A drawing whose things can be pointed at, and its still picture: both from the same lines."""

from __future__ import annotations

import base64
from html import escape

import traitlets

from kit.widgets.parts import HERE, Part


class Drawing(Part):
    """Show a drawing; a line beneath it says exactly what the pointer or the arrow keys are on.

    A derived class draws in `draw`, describes in `words` and `static_text`, and calls `redraw`.
    A `volatile` drawing holds measured values: its still picture keeps lengths, and no digits.
    """

    _esm = HERE / "drawing.js"
    _css = HERE / "drawing.css"
    svg = traitlets.Unicode("").tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)
    volatile: bool

    def draw(self, *, live: bool, digits: bool) -> str:
        """Return the drawing as SVG; nothing where there is nothing to draw."""
        raise NotImplementedError

    def words(self) -> str:
        """Say in one sentence what is drawn, without figures."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Show the page what there is now."""
        with self.hold_sync():
            self.label = self.words()
            self.svg = self.draw(live=True, digits=True)

    def static_html(self) -> str:
        """Return the drawing as an image that needs no network, described in words."""
        drawn = self.draw(live=False, digits=not self.volatile)
        if not drawn:
            return f"<p>{escape(self.words())}</p>"
        source = f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}"
        return f'<img alt="{escape(self.words())}" src="{source}" width="720">'
