"""The pages that `help` prints: what a command takes, as the server itself documents it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Ask = Callable[..., Any]

_GENERAL = """\
To get help about Redis commands type:
      "help @<group>" to get a list of commands in <group>
      "help <command>" for help on <command>"""


def page(ask: Ask, words: list[bytes]) -> str:
    """Return the page for a command or an @group; `ask` sends a command and returns its reply."""
    if not words:
        return _GENERAL
    if words[0].startswith(b"@"):
        return _group(ask, words[0][1:].lower().decode(errors="replace"))
    found = _pairs(ask(b"COMMAND", b"DOCS", b"|".join(words).lower()))
    pages = [_entry(name, _pairs(docs)) for name, docs in found.items()]
    return "\n\n".join(pages) or "Nothing is known of it."


def _group(ask: Ask, group: str) -> str:
    everything = _pairs(ask(b"COMMAND", b"DOCS"))
    docs = {name: _pairs(text) for name, text in everything.items()}
    chosen = sorted(name for name, text in docs.items() if _text(text.get("group")) == group)
    if not chosen:
        groups = sorted({_text(text.get("group")) for text in docs.values()})
        return "The groups are " + ", ".join(f"@{name}" for name in groups if name)
    return "\n".join(f"{name.upper()}: {_text(docs[name].get('summary'))}" for name in chosen)


def _entry(name: str, docs: dict[str, Any]) -> str:
    shape = " ".join(_argument(_pairs(one)) for one in docs.get("arguments", []))
    lines = [f"{name.replace('|', ' ').upper()} {shape}".rstrip()]
    lines += [
        f"{what}: {_text(docs[what])}" for what in ("summary", "since", "group") if what in docs
    ]
    return "\n".join(lines)


def _argument(argument: dict[str, Any]) -> str:
    """Spell one argument by the rules of COMMAND DOCS: oneof, block, optional, multiple, token."""
    kind = _text(argument["type"])
    inner = [_argument(_pairs(one)) for one in argument.get("arguments", [])]
    token = _text(argument.get("token"))
    named = _text(argument.get("display_text") or argument["name"])
    body = {"oneof": "|".join(inner), "block": " ".join(inner), "pure-token": ""}.get(kind, named)
    flags = {_text(flag) for flag in argument.get("flags", [])}
    if "multiple" in flags:
        again = f"{token} {body}" if "multiple_token" in flags else body
        body = f"{body} [{again} ...]"
    shown = f"{token} {body}".strip() if token else body
    return f"[{shown}]" if "optional" in flags else shown


def _pairs(flat: Any) -> dict[str, Any]:
    """Read protocol 2's flat list of names and values; an error or nothing gives nothing."""
    if not isinstance(flat, list):
        return {}
    return {_text(name): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
