"""A table that is not there is told apart from a name that is wrong."""

import pytest

from projects.flights import project
from tidemill import Project
from tidemill.client.known_tables import check_table, has_table
from tidemill.datasets.arrow import arrow_schema
from tidemill.errors import NotFound
from tidemill.memory.tables import MemoryTables


def test_a_table_is_there_from_the_moment_it_is_made_also_when_it_is_declared_no_longer() -> None:
    tables = MemoryTables()
    for name in ("planes", "airlines_of_old"):
        tables.ensure(name, arrow_schema(project.source("planes").schema))
        assert has_table(tables, not_at_hand, name)
        check_table(tables, not_at_hand, name)


def not_at_hand() -> Project:
    """Fail as a checkout does that has not the deployed project."""
    raise NotFound("there is no project `flights`")


def test_a_declared_source_without_data_is_no_wrong_name() -> None:
    tables = MemoryTables()
    assert not has_table(tables, lambda: project, "planes")
    with pytest.raises(NotFound, match="nothing came to `planes` yet; `tidemill upload planes FILE` makes"):
        check_table(tables, lambda: project, "planes")


def test_predictions_that_nobody_asked_for_are_not_recorded() -> None:
    with pytest.raises(NotFound, match="predictions of late_arrival are recorded as they are asked for"):
        check_table(MemoryTables(), lambda: project, "predictions_late_arrival")


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="has no source `flihgts`; did you mean `flights`"):
        has_table(MemoryTables(), lambda: project, "flihgts")
