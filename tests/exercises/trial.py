"""A section of three exercises to try answers on."""

from __future__ import annotations

from kit.exercises import Exercise, Section

ROWS = [("FINISHED", 3), ("FAILED", 1)]
TRIAL = Section(
    notebook="99_trial",
    title="Trial",
    exercises=(
        Exercise(
            id="tr-1",
            title="Runs by status",
            expected=ROWS,
            columns=("status", "runs"),
            hints=("Group by the status.", "SELECT status, count(*) …"),
        ),
        Exercise(id="tr-2", title="A number", expected=0.93, hints=("Look at the metrics.",)),
        Exercise(id="tr-3", title="No hint", expected={"a", "b"}, hints=()),
    ),
)
