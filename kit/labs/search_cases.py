"""Trials with settings in JSONB and notes in words, and questions to ask of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from kit.labs.statements import split

_BUILD = """DROP SCHEMA IF EXISTS lab_search CASCADE;
CREATE SCHEMA lab_search;
CREATE TABLE lab_search.trials (
    id int PRIMARY KEY, config jsonb, note text,
    words tsvector GENERATED ALWAYS AS (to_tsvector('english', note)) STORED);
INSERT INTO lab_search.trials (id, config, note)
SELECT n,
    jsonb_build_object(
        'optimizer', CASE WHEN n % 97 = 0 THEN 'lion' WHEN n % 3 = 0 THEN 'adam' ELSE 'sgd' END,
        'layers', jsonb_build_array(8 << (n % 7), 8 << (n / 7 % 7)),
        'augment', CASE WHEN n % 5 = 0 THEN jsonb_build_object('crop', n / 5 % 40) ELSE '{}' END),
    concat_ws(' ',
        CASE WHEN n % 211 = 0 THEN 'It overfits; early stopping should cure the overfitting.'
             WHEN n % 307 = 0 THEN 'It may overfit on more epochs.' END,
        (ARRAY['A steady curve.', 'The loss falls, then rises again.', 'Training was slow.',
               'The first epochs were noisy.', 'It stopped after eight epochs.'])[1 + n * 7 % 5],
        (ARRAY['More data may help.', 'The rate was too high.', 'The seed made no difference.',
               'Worth another try with dropout.'])[1 + n * 11 % 4])
FROM generate_series(1, 20000) n;
VACUUM (ANALYZE) lab_search.trials"""
_INDEX = "CREATE INDEX trials_index ON lab_search.trials USING gin ({})"
_SETTINGS = "SELECT id, config FROM lab_search.trials WHERE {}"
_NOTES = """SELECT id, round(ts_rank(words, query)::numeric, 3) AS rank,
    ts_headline('english', note, query) AS found
FROM lab_search.trials, websearch_to_tsquery('english', '{}') AS query
WHERE words @@ query ORDER BY rank DESC, id"""


@dataclass(frozen=True)
class Question:
    """A query, the index that may serve it, and what to look for in the two plans."""

    title: str
    sql: str
    index: str
    watch: str


def _settings(title: str, condition: str, watch: str) -> Question:
    return Question(title, _SETTINGS.format(condition), _INDEX.format("config"), watch)


def _notes(title: str, words: str, watch: str) -> Question:
    return Question(title, _NOTES.format(words), _INDEX.format("words"), watch)


QUESTIONS = (
    _settings(
        "JSONB · contains",
        """config @> '{"optimizer": "lion", "layers": [512]}'""",
        "The index holds every key and value of every document, so it finds the few rows that have "
        "all of those that were asked for.",
    ),
    _settings(
        "JSONB · path",
        "config @? '$.augment ? (@.crop == 28)'",
        "A path with an equation is served by the same index as containment.",
    ),
    _settings(
        "JSONB · value taken out as text",
        "config->>'optimizer' = 'lion'",
        "Here the index is of no use: it answers @>, @?, @@ and ?, and nothing that first takes a "
        "value out. The question is the same, the spelling decides.",
    ),
    _notes(
        "Text · one word",
        "overfitting",
        "Words are indexed by their stem. The rank and the marked hits are worked out afterwards, "
        "for the rows that were found.",
    ),
    _notes(
        "Text · a phrase, and a word to leave out",
        '"may overfit" -cure',
        "Each stem is looked up in the index; that the words stand side by side is checked in the "
        "rows themselves.",
    ),
)


def build(connection: Connection) -> None:
    """Make the table anew, always with the same rows, without any index but its key's."""
    for statement in split(_BUILD):
        run(connection, statement)


def run(connection: Connection, statement: str) -> list[tuple[object, ...]]:
    """Run a statement as it stands and return its rows."""
    options = {"no_parameters": True}
    answer = connection.exec_driver_sql(statement, execution_options=options)
    return [tuple(row) for row in answer] if answer.returns_rows else []
