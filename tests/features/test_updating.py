"""However few rows of a commit are laid out at a time, its items come to the same bytes."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.features.depth import examples
from tests.features.histories import Row, histories, to_columns, views
from tidemill import FeatureView
from tidemill.features import updating
from tidemill.features.materialization import materialize
from tidemill.memory.online import MemoryOnlineStore


@settings(
    deadline=None,
    max_examples=examples(15),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(view=views(), history=histories(1))
def test_rows_taken_in_one_by_one_come_to_the_same_bytes(
    view: FeatureView, history: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, one_by_one = MemoryOnlineStore(), MemoryOnlineStore()
    materialize(view, to_columns(history), sequence=1, store=at_once)
    with monkeypatch.context() as patched:
        patched.setattr(updating, "_NUMBERS_AT_ONCE", 1)
        materialize(view, to_columns(history), sequence=1, store=one_by_one)
    assert one_by_one._items == at_once._items
