"""A dataset version says which rows something saw."""

from datetime import UTC, datetime, timedelta, timezone

from tidemill.datasets.versions import DatasetVersion

CUTOFF = datetime(2013, 3, 1, tzinfo=UTC)


def test_equal_versions_have_equal_digests_whatever_the_order_and_zone() -> None:
    one = DatasetVersion({"a": 1, "b": 2}, CUTOFF)
    other = DatasetVersion({"b": 2, "a": 1}, CUTOFF.astimezone(timezone(timedelta(hours=5))))
    assert one.digest == other.digest
    assert one.digest != DatasetVersion({"a": 1, "b": 3}, CUTOFF).digest
