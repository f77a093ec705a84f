"""The exercises of `07_influxdb.ipynb`; what is right is asked of the server, each time anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kit.exercises.exercise import Exercise, Section

if TYPE_CHECKING:
    from kit.launch.server import Server

_WEEK = {"168h0m0s", "7d", "1w"}


def _is_best(server: Server, answer: object) -> str | None:
    """Look whether no other run ever reached a higher accuracy."""
    best = _grouped(server, "SELECT max(accuracy) AS found FROM training_metrics GROUP BY run_id")
    if answer not in best:
        return f"No run in training_metrics is called {answer!r}."
    if best[str(answer)] < max(best.values()):
        return "Another run reached a higher accuracy."
    return None


def _busy(server: Server) -> dict[str, float]:
    """Return the mean use of each run in gpu_use."""
    return _grouped(server, "SELECT mean(percent) AS found FROM gpu_use GROUP BY run_id")


def _silent(server: Server) -> int:
    """Count the ten-minute windows between first and last point that hold none of run-a."""
    asked = "SELECT count(percent) FROM gpu_use WHERE run_id = 'run-a' GROUP BY time(10m)"
    times = [int(point["time"]) for point in _points(server, f"{asked} fill(none)", epoch="s")]
    return (times[-1] - times[0]) // 600 + 1 - len(times)


def _series(server: Server) -> int:
    """Count the series of training_metrics."""
    return len(list(_points(server, "SHOW SERIES FROM training_metrics")))


def _deployed(server: Server, _answer: object) -> str | None:
    """Look at the point that was to be written, and at the types of its fields."""
    points = list(_points(server, "SELECT * FROM deployments"))
    if not points:
        return "The measurement deployments holds no point."
    types = {
        row["fieldKey"]: row["fieldType"]
        for row in _points(server, "SHOW FIELD KEYS FROM deployments")
    }
    tags = {row["tagKey"] for row in _points(server, "SHOW TAG KEYS FROM deployments")}
    if "model" not in tags:
        return "model is not a tag there: a query could not group by it quickly."
    if types.get("version") != "integer":
        return f"version is kept as {types.get('version', 'nothing')}, not as an integer."
    if all(point["version"] != 3 for point in points):
        return "No point says version 3."
    return None


def _keeps_a_week(server: Server, answer: object) -> str | None:
    """Look at the policy that the answer names."""
    policies = {row["name"]: row for row in _points(server, "SHOW RETENTION POLICIES")}
    if not isinstance(answer, str) or answer not in policies:
        return f"There is no policy of that name; there are {', '.join(sorted(policies))}."
    if policies[answer]["duration"] not in _WEEK:
        return f"It keeps points for {policies[answer]['duration']}, not for seven days."
    if policies[answer]["default"]:
        return "It has become the default policy: points would be written there unasked."
    return None


def _grouped(server: Server, query: str) -> dict[str, float]:
    client = server.connect()
    try:
        found = client.query(query).items()
        return {tags["run_id"]: float(next(rows)["found"]) for (_, tags), rows in found}
    finally:
        client.close()


def _points(server: Server, query: str, **options: Any) -> list[dict[str, Any]]:
    client = server.connect()
    try:
        return list(client.query(query, **options).get_points())
    finally:
        client.close()


SECTION = Section(
    notebook="07_influxdb",
    title="InfluxDB",
    database="influxdb",
    exercises=(
        Exercise(
            id="ix-1",
            title="The best run",
            verify=_is_best,
            hints=(
                "One query: the highest accuracy of each run, grouped by the tag run_id.",
                "SELECT max(accuracy) FROM training_metrics GROUP BY run_id; then look for the "
                "largest.",
            ),
        ),
        Exercise(
            id="ix-2",
            title="How busy was each",
            expected=_busy,
            hints=(
                "A mean over all time: GROUP BY the tag alone, without time(…).",
                "SELECT mean(percent) FROM gpu_use GROUP BY run_id; result.items() gives the tags "
                "of each series with its points.",
            ),
        ),
        Exercise(
            id="ix-3",
            title="Silence",
            expected=_silent,
            hints=(
                "Count the points in windows of ten minutes. What does count give for an empty "
                "one, and what with fill(none)?",
                "Without fill, an empty window counts 0, up to now: bound the time by that of the "
                "first and of the last point.",
            ),
        ),
        Exercise(
            id="ix-4",
            title="A whole number",
            verify=_deployed,
            hints=(
                "In JSON, 3 is written as the integer 3i, and 3.0 as a float.",
                'client.write_points([{"measurement": "deployments", "tags": {"model": …}, '
                '"fields": {"version": 3}}])',
            ),
        ),
        Exercise(
            id="ix-5",
            title="A week, no more",
            verify=_keeps_a_week,
            hints=(
                "client.create_retention_policy(name, duration, replication).",
                'The duration is "7d", the replication "1"; leave default= alone.',
            ),
        ),
        Exercise(
            id="ix-6",
            title="Counting series",
            expected=_series,
            hints=(
                "A series is one combination of a measurement and its tags' values.",
                "SHOW SERIES FROM training_metrics lists them, one in a row.",
            ),
        ),
    ),
)
