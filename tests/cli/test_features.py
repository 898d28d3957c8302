"""`tidemill features` names what differs, and does not start what can not end."""

from dataclasses import replace

import pytest

from cli.commands.features import entity_note
from cli.commands.views import view_differences
from projects.flights import project
from tests.cli.given import Given
from tidemill.features.definitions import ViewDefinition, define

VIEWS = {view.name: define(view) for view in project.views}
PLANE = VIEWS["plane"]


def declared(**changed: ViewDefinition) -> dict[str, ViewDefinition]:
    """Return two views as the project declares them, but for those that changed."""
    return {"plane": PLANE, "origin_delays": VIEWS["origin_delays"], **changed}


def in_service(*views: ViewDefinition) -> list[tuple[str, ViewDefinition]]:
    """Return views as the first version of the model has them."""
    return [("late_arrival@1", view) for view in views]


def test_nothing_differs_where_what_is_declared_is_in_service() -> None:
    assert view_differences(declared(), in_service(*declared().values())) == []


def test_a_view_that_changed_is_named_with_its_model_and_what_was_and_is() -> None:
    """Each feature that differs is a line, for each model in service that has the old one."""
    (view,) = [view for view in project.views if view.name == "plane"]
    (first, _), *others = view.features.items()
    changed = define(replace(view, features=dict(others)))
    found = view_differences(declared(plane=changed), in_service(*declared().values()))
    assert [(one["view"], one["model"], one["what"], one["after"]) for one in found] == [
        ("plane", "late_arrival@1", first, None)
    ]
    assert first in str(found[0]["before"])


def test_a_declared_view_that_no_model_in_service_has_is_said_to_be_new() -> None:
    """Before the first training that is every view: nothing of what is declared is in service."""
    found = view_differences(declared(), [])
    assert [(one["view"], one["model"], one["after"]) for one in found] == [
        ("plane", None, PLANE.reference),
        ("origin_delays", None, VIEWS["origin_delays"].reference),
    ]


def test_a_view_that_is_declared_no_more_is_named_with_who_has_it() -> None:
    gone = replace(PLANE, name="hangar")
    [one] = view_differences(declared(), in_service(gone, *declared().values()))
    assert (one["view"], one["model"], one["before"], one["after"]) == (
        "hangar",
        "late_arrival@1",
        gone.reference,
        None,
    )


def test_a_view_of_a_source_without_data_is_not_filled() -> None:
    """The state machine would fail, and say less."""
    result = Given().call("features", "backfill", "plane")
    assert result.exit_code == 1
    assert "`tidemill upload planes FILE` makes the first commit" in result.stderr


@pytest.mark.parametrize(
    ("behind", "freshness", "says"),
    [
        (0, "2013-02-25T04:53:00Z", None),
        (0, None, "saw no row"),
        (7, None, "is 7 commits behind; `tidemill features backfill plane` fills it now"),
        (1, "2013-02-25T04:53:00Z", "is 1 commit behind"),
        (None, "2013-02-25T04:53:00Z", "answers as before"),
    ],
)
def test_a_null_or_a_zero_is_explained_by_what_the_view_has_seen(
    behind: int | None, freshness: str | None, says: str | None
) -> None:
    """Of a view that was just declared nothing is known, which is not to say that nothing happened."""
    note = entity_note({"view": "plane", "commits_behind": behind, "freshness": freshness})
    assert (note is None) if says is None else (note is not None and says in note)


def test_an_entity_that_can_not_be_answered_says_why() -> None:
    """Its nulls are none of an entity that nobody saw."""
    answer = {"view": "plane", "commits_behind": 0, "freshness": None, "unanswered": "too little is kept"}
    assert entity_note(answer) == "plane: too little is kept"
