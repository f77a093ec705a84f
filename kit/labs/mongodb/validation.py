"""The validator: a schema switched on, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets
from pymongo.errors import CollectionInvalid, PyMongoError, WriteError

from kit.errors import KitError
from kit.labs.mongodb import source as sources
from kit.labs.mongodb import spelling
from kit.labs.mongodb.refusal import refused
from kit.labs.mongodb.source import Document, Source
from kit.widgets import units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server


@dataclass(frozen=True)
class Trial:
    """A document that was tried: by its `_id`, taken or refused, and each rule that it broke."""

    key: str
    reasons: Sequence[str] = ()


def validate(
    server: Server | str,
    validator: Document,
    documents: Sequence[Document],
    *,
    collection: str = "checked",
    catalog: str = "",
) -> Validation:
    """Give a collection a validator, try each document on it, and show which it refuses and why.

    What it takes stays in the collection, which is emptied before.
    """
    source = sources.read(server, catalog=catalog)
    return Validation(source, collection, validator, documents)


def broken(details: Any, path: str = "") -> Iterator[str]:
    """Return each broken rule in words, read from a refusal's `errInfo`."""
    for rule in details.get("schemaRulesNotSatisfied", ()):
        operator = rule.get("operatorName", "")
        if "missingProperties" in rule:
            yield from (f"{_at(path, name)} is missing" for name in rule["missingProperties"])
        elif "propertiesNotSatisfied" in rule:
            for part in rule["propertiesNotSatisfied"]:
                inner = _at(path, part["propertyName"])
                for one in part.get("details", ()):
                    nested = {"schemaRulesNotSatisfied": [one]}
                    yield from broken(nested, inner)
        elif "details" in rule and not isinstance(rule["details"], str):
            nested = rule["details"]
            rules = nested if isinstance(nested, list) else [nested]
            yield from broken({"schemaRulesNotSatisfied": rules}, path)
        else:
            wanted = rule.get("specifiedAs", {}).get(operator, "")
            found = rule.get("consideredType", rule.get("consideredValue", ""))
            said = wanted if isinstance(wanted, str) else spelling.one_line(wanted, 80)
            yield f"{path} is {found}, and its {operator} must be {said}"


class Validation(Panel):
    """A table of documents and the rules that they broke; `trials` holds them."""

    def __init__(
        self,
        source: Source,
        collection: str,
        validator: Document,
        documents: Sequence[Document],
    ) -> None:
        self.source, self.collection = source, collection
        self.validator, self.documents = validator, documents
        self.trials: list[Trial] = []
        self.table = Table("Documents and the rules they broke")
        self.go = ipywidgets.Button(
            description="Try again", tooltip="Try the documents anew", button_style="primary"
        )
        self.go.on_click(lambda _button: self.background(self.run))
        super().__init__(
            "Validator",
            note=f"{source.title} · {source.catalog}.{collection}",
            accent=source.accent,
            controls=[self.go],
            body=[self.table],
            strip=Code("Python that ran", language="python"),
        )
        self.run()

    def run(self) -> list[Trial]:
        """Switch the validator on, try every document, and show and return what became of each."""
        self.start()
        try:
            with self.source.open() as catalog:
                self._prepare(catalog)
                self.trials = [_try(catalog[self.collection], one) for one in self.documents]
        except (PyMongoError, KitError) as error:
            why = refused(error, self.source)
            self.fail(why.message, why.hint)
            return self.trials
        self.table.show(_grid(self.trials))
        bad = sum(bool(one.reasons) for one in self.trials)
        self.done(f"{len(self.trials) - bad} taken · {units.plural(bad, 'refused', 'refused')}")
        return self.trials

    def _prepare(self, catalog: Any) -> None:
        try:
            catalog.create_collection(self.collection)
        except CollectionInvalid:
            catalog[self.collection].delete_many({})
        catalog.command("collMod", self.collection, validator=self.validator)
        if self.strip is not None:
            place = f'client["{self.source.catalog}"]'
            rules = spelling.to_python(self.validator)
            self.strip.show(
                f'{place}.command("collMod", "{self.collection}", validator={rules})\n'
                f'{place}["{self.collection}"].insert_one(document)'
            )


def _try(collection: Any, document: Document) -> Trial:
    key = str(document.get("_id", ""))
    try:
        collection.insert_one(dict(document))
    except WriteError as error:
        details: Mapping[str, Any] = error.details or {}
        info = details.get("errInfo", {}).get("details", {})
        return Trial(key, list(broken(info)) or [str(details.get("errmsg", error))])
    return Trial(key)


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else str(name)


def _grid(trials: Sequence[Trial]) -> Grid:
    return Grid(
        columns=["document", "", "why"],
        rows=[
            [one.key, "✗ refused" if one.reasons else "✓ taken", Shown(" · ".join(one.reasons), "")]
            for one in trials
        ],
    )
