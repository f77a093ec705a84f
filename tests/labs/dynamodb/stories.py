"""Stories that are found by their names and played to their ends."""

from __future__ import annotations

from kit.labs.dynamodb.story import Story, Theatre


def played(theatre: Theatre, story: Story) -> list[tuple[int | None, str, str]]:
    theatre.story.value = story
    theatre.begin()
    theatre.play()
    return [(one.lane, one.state, one.said) for one in theatre.lanes.course.entries]


def story_of(stories: tuple[Story, ...], name: str) -> Story:
    return next(one for one in stories if one.name == name)
