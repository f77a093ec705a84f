"""The words of PromQL at one server: metrics, functions, labels and their values."""

from __future__ import annotations

import json
from typing import Any

from kit.errors import KitError
from kit.labs.prometheus.api import Api

MOST = 2000
_VALUES = 100
_AGGREGATIONS = (
    *("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"),
    *("quantile", "topk", "bottomk", "count_values"),
)
_KEYWORDS = ("by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset")
_FUNCTIONS = (
    *("abs", "absent", "absent_over_time", "avg_over_time", "ceil", "changes", "clamp"),
    *("clamp_max", "clamp_min", "count_over_time", "day_of_week", "delta", "deriv", "exp"),
    *("floor", "histogram_quantile", "hour", "idelta", "increase", "irate"),
    *("label_join", "label_replace", "last_over_time", "ln", "log2", "max_over_time", "minute"),
    *("min_over_time", "predict_linear", "present_over_time", "quantile_over_time", "rate"),
    *("resets", "round", "scalar", "sgn", "sort", "sort_desc", "sqrt", "stddev_over_time"),
    *("sum_over_time", "time", "timestamp", "vector"),
)


def vocabulary(api: Api) -> dict[str, Any]:
    """Return what an editor may offer: words with a note each, labels, and each label's values.

    A server that does not answer offers PromQL's own words.
    """
    words = dict.fromkeys(_AGGREGATIONS, "aggregation")
    words |= dict.fromkeys(_KEYWORDS, "keyword")
    words |= dict.fromkeys(_FUNCTIONS, "function")
    try:
        metrics = api.metrics()
        labels = {name: api.values(name)[:_VALUES] for name in api.labels() if name != "__name__"}
    except KitError:
        metrics, labels = {}, {}
    for name in sorted(metrics)[:MOST]:
        words[name] = metrics[name] or "metric"
    return {
        "outside": [[name, note] for name, note in words.items()],
        "within": {
            name: [json.dumps(value, ensure_ascii=False) for value in found]
            for name, found in labels.items()
        },
    }
