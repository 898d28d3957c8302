"""What services note of time is the cloud's, where people read it."""

from datetime import UTC, datetime, timedelta
from typing import Any

NEW_YEAR = datetime(2013, 1, 1, tzinfo=UTC)


def test_objects_are_dated_by_the_clock(bench: Any) -> None:
    s3 = bench("s3")
    s3.create_bucket(Bucket="dated")
    bench.cloud.clock.advance_to(NEW_YEAR + timedelta(days=2))
    s3.put_object(Bucket="dated", Key="a", Body=b"1")
    assert s3.get_object(Bucket="dated", Key="a")["LastModified"] == NEW_YEAR + timedelta(days=2)
