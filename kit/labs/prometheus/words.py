"""What a step of an expression does, in words."""

from __future__ import annotations

from kit.labs.prometheus.evaluation import Node

_CALLS = {
    "rate": "How fast each counter rose, per second, on average over the window. A fall counts "
    "as a restart from zero.",
    "irate": "How fast each counter rose between the last two values of the window, per second.",
    "increase": "How much each counter rose over the window: rate times the window's length.",
    "delta": "How much each gauge changed between the ends of the window.",
    "deriv": "The slope of a straight line through each gauge's values, per second.",
    "histogram_quantile": "The value below which the given share of observations lies, guessed "
    "along a straight line inside the bucket that holds it.",
    "absent": "One series with the value 1 if there is nothing below, and nothing otherwise.",
    "absent_over_time": "One series with the value 1 if the window is empty, nothing otherwise.",
    "label_replace": "The same series, with one label written anew.",
    "label_join": "The same series, with several labels joined into one.",
    "vector": "A single number as a series without labels.",
    "scalar": "A vector of one series as a plain number; NaN if it has more, or none.",
    "time": "The moment of the evaluation, in seconds since 1970.",
    "timestamp": "When each value was scraped, in seconds since 1970.",
    "sort": "The same series, in order of their values.",
    "sort_desc": "The same series, the largest value first.",
    "predict_linear": "What each gauge would be in the given number of seconds, along a line.",
    "changes": "How often each series changed its value within the window.",
    "resets": "How often each counter fell, that is, began anew, within the window.",
    "clamp_max": "Each value, or the limit where it lies above.",
    "clamp_min": "Each value, or the limit where it lies below.",
}
_SUMS = {
    "sum": "Adds the values up",
    "avg": "Takes the mean of the values",
    "min": "Keeps the smallest value",
    "max": "Keeps the largest value",
    "count": "Counts the series",
    "group": "Gives 1 for each group that exists",
    "stddev": "Takes the standard deviation of the values",
    "stdvar": "Takes the variance of the values",
    "quantile": "Takes a quantile of the values",
    "topk": "Keeps the series with the largest values, labels and all",
    "bottomk": "Keeps the series with the smallest values, labels and all",
    "count_values": "Counts how many series have each value",
}
_COMPARED = {"==", "!=", "<", ">", "<=", ">="}
_SETS = {
    "and": "Keeps the series of the left side that have a partner on the right.",
    "or": "All series of the left side, and those of the right side without a partner there.",
    "unless": "Keeps the series of the left side that have no partner on the right.",
}


def words(node: Node) -> str:
    """Say what a step does, and what happened to the number of series."""
    said = [_does(node)]
    if node.step.every is not None or node.step.offset:
        said.append("It stands inside a subquery: evaluated here once, for the last of its steps.")
    return " ".join(filter(None, said))


def _does(node: Node) -> str:
    step = node.step
    match step.role:
        case "selector":
            return "The last value of every series that fits, at most five minutes old."
        case "window":
            return "All values of every series that fits, as far back as the window reaches."
        case "subquery":
            return "Evaluates what is below again and again, and keeps the values as a window."
        case "call":
            return _call(step.name)
        case "sum":
            return _sum(node)
        case "pair":
            return _pair(node)
        case "number" | "text":
            return "Written out: nothing is evaluated."
    return "Evaluated as a whole." if not node.children else "Turns every value's sign."


def _call(name: str) -> str:
    tail = "_over_time"
    if name.endswith(tail) and name not in _CALLS:
        return f"For each series, {name.removesuffix(tail)} of the values in its window."
    return _CALLS.get(name, f"Applies {name} to every series.")


def _sum(node: Node) -> str:
    name, _, grouping = node.step.label.partition(" ")
    below = node.children[-1].count
    groups = {"by": "one series for each combination of", "without": "one series for all but"}
    how, _, labels = grouping.partition(" ")
    kept = f", {groups[how]} {labels.strip('()')}" if how in groups and labels != "()" else ""
    if not grouping and name not in {"topk", "bottomk", "count_values"}:
        kept = " of all series into one"
    turned = ""
    if below is not None and node.count is not None and below != node.count:
        turned = f" {below:,} series become {node.count:,}."
    return f"{_SUMS.get(name, name)}{kept}.{turned}"


def _pair(node: Node) -> str:
    name = node.step.label.partition(" ")[0]
    if name in _SETS:
        return _SETS[name]
    sides = [child.count for child in node.children]
    if None in sides and sides != [None, None]:
        each = "Keeps each series" if name in _COMPARED else "Works on each series"
        keeps = "Gives 0 or 1" if " bool" in node.step.label else each
        return (
            f"{keeps} {'that compares so with' if name in _COMPARED else 'with'} the single number."
        )
    if sides == [None, None]:
        return "Works on two single numbers."
    lost = ""
    if node.count is not None:
        lost = f" {sides[0]:,} and {sides[1]:,} series make {node.count:,}."
    return f"Pairs series of both sides whose compared labels agree.{lost}"
