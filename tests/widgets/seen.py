"""What can be seen of a widget: by a browser, by a reader, and in a notebook that is saved."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>`;--"


class Tags(HTMLParser):
    """Collect the tags and attributes that a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def inert(html: str) -> bool:
    """Tell whether HTML holds neither scripts, nor handlers, nor the hostile image."""
    seen = Tags(html)
    handlers = {name for name in seen.attributes if name.startswith("on")}
    return "script" not in seen.tags and not handlers and "img" not in seen.tags


def states(widget: Any) -> str:
    """Return all that a widget and its children would save into a notebook."""
    own = {key: value for key, value in widget.get_state().items() if key not in ("_esm", "_css")}
    return str(own) + "".join(states(child) for child in getattr(widget, "children", ()))
