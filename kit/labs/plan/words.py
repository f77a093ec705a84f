"""What each step does, in a sentence."""

from __future__ import annotations

import re

from kit.labs.plan.node import Node

_JOINED = "Left|Right|Full|Semi|Anti|Right Anti|Right Semi|LASJ"
_DECORATION = re.compile(r"^(Parallel|Partial|Finalize) | Backward$")

# PostgreSQL's steps as its text format names them (manual, "Using EXPLAIN"), then those that the
# kit names for MariaDB and MySQL.
_WORDS = {
    "Seq Scan": "Reads the whole table from its first page to its last.",
    "Sample Scan": "Reads a random sample of the table.",
    "Index Scan": "Follows the index to the rows it wants, and fetches each from the table.",
    "Index Only Scan": "Answers from the index alone; it visits the table only for rows of which "
    "the server does not know yet that everyone may see them (heap fetches).",
    "Bitmap Index Scan": "Collects from the index which pages of the table hold the rows.",
    "Bitmap Heap Scan": "Fetches the pages that the step below has listed, each page once.",
    "BitmapAnd": "Keeps the pages that all lists below have in common.",
    "BitmapOr": "Puts the lists of pages below together.",
    "Tid Scan": "Fetches rows by their physical address.",
    "Subquery Scan": "Passes on the rows of a subquery.",
    "Function Scan": "Calls a function that returns rows.",
    "Values Scan": "Reads the rows that stand in the statement itself.",
    "CTE Scan": "Reads the rows that a WITH query has collected.",
    "WorkTable Scan": "Reads what the last round of a recursive query has found.",
    "Foreign Scan": "Asks another server.",
    "Result": "Works out values without reading a table.",
    "ProjectSet": "Calls a function that returns several rows, for each row that comes in.",
    "Nested Loop": "Takes each row of the first input and looks for its partners in the second.",
    "Hash Join": "Looks each row of the first input up in a hash table of the second.",
    "Merge Join": "Goes through two sorted inputs side by side.",
    "Hash": "Puts its rows into a hash table, for the join above.",
    "Materialize": "Keeps its rows, so that they can be read again and again.",
    "Memoize": "Remembers answers, so that the same question is asked only once.",
    "Sort": "Sorts its rows.",
    "Incremental Sort": "Sorts rows that come partly sorted, group by group.",
    "Aggregate": "Computes one result from all its rows.",
    "GroupAggregate": "Computes one result for each group of rows, which come in sorted.",
    "HashAggregate": "Collects the groups in a hash table, then gives out one row for each.",
    "MixedAggregate": "Computes groups in several ways, some hashed and some sorted.",
    "Group": "Gives out one row for each group of sorted rows.",
    "Unique": "Drops rows that repeat the one before.",
    "WindowAgg": "Computes a value for each row from the rows around it.",
    "Limit": "Stops as soon as enough rows have come.",
    "Append": "Gives out the rows of its inputs, one input after the other.",
    "Merge Append": "Mixes sorted inputs into one sorted stream.",
    "Recursive Union": "Runs its second part again and again, until nothing new is found.",
    "Gather": "Collects rows from parallel workers, which it had to start first.",
    "Gather Merge": "Collects sorted rows from parallel workers and keeps them sorted.",
    "LockRows": "Locks the rows, as FOR UPDATE asks.",
    "Insert": "Writes new rows.",
    "Update": "Writes new versions of the rows it is given.",
    "Delete": "Marks the rows that it is given as deleted.",
    "Merge": "Inserts, updates or deletes, row by row.",
    "Replace": "Writes new rows in place of old ones with the same key.",
    "Full table scan": "Reads the whole table (type ALL).",
    "Full index scan": "Reads a whole index from end to end (type index).",
    "Index range scan": "Reads the part of an index that lies in a range (type range).",
    "Index look-up": "Looks the key up in an index that may hold it several times (type ref).",
    "Unique look-up": "Looks the key up in a unique index: one row at most (type eq_ref).",
    "Index look-up or NULL": "Looks the key up in an index, and the NULLs too (ref_or_null).",
    "Constant row": "One row at most, read while the statement was planned (type const).",
    "Index merge": "Reads several indexes and puts what they list together.",
    "Full-text search": "Asks a full-text index.",
    "Nested loop": "Takes the tables in this order: for each row of the first it looks for "
    "partners in the next.",
    "Block nested-loop join": "Fills a buffer with rows, reads the other table once for each "
    "bufferful, and compares every pair.",
    "Block hash join": "Fills a hash table with rows, then reads the other table against it.",
    "Hash join": "Looks each row of one input up in a hash table of the other.",
    "Temporary table": "Collects rows in a temporary table.",
    "Expression cache": "Remembers what a subquery answered, by the values it was asked with.",
    "Remove duplicates": "Drops rows that are there already.",
    "Window functions": "Computes a value for each row from the rows around it.",
    "Union": "Puts the rows of several queries together.",
    "Intersect": "Keeps the rows that all its queries return.",
    "Except": "Keeps the rows of the first query that the others do not return.",
    "Order": "Puts the rows in order.",
    "No tables used": "Needs no table.",
    "Impossible WHERE": "The condition can never hold, so nothing was read.",
}


def words(node: Node) -> str:
    """Say what a step does; nothing for a step that is not known."""
    if node.kind == "trigger":
        constraint = "Constraint Name" in node.raw
        check = "Checks this foreign key" if constraint else "Runs this trigger"
        return f"{check}, once for each row that changed, after the statement itself."
    return _WORDS.get(node.name) or _WORDS.get(_plain(node.name), "")


def _plain(name: str) -> str:
    """Strip what only says how or with what outcome: parallel, partial, left, anti, backward."""
    name = re.sub(rf"^Nested Loop ({_JOINED}) Join$", "Nested Loop", name)
    name = re.sub(rf"^(Hash|Merge) ({_JOINED}) Join$", r"\1 Join", name)
    while (shorter := _DECORATION.sub("", name)) != name:
        name = shorter
    return _WORDS_FOR.get(name, name)


_WORDS_FOR = {
    "Index Scan Backward": "Index Scan",
    "HashSetOp Except": "Except",
    "SetOp Except": "Except",
    "HashSetOp Intersect": "Intersect",
    "SetOp Intersect": "Intersect",
}
