"""Rows by API: all faults told at once, and each request's rows on their way once."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tidemill import Bool, Float, Int, Source, String, Timestamp, check, col, unique
from tidemill.datasets.added_rows import MAX_MESSAGE_BYTES, Part, decode_rows
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.queues import MemoryQueue
from tidemill.serving.rows_api import RowsApi

AT = datetime(2013, 3, 1, tzinfo=UTC)
rides = Source(
    "rides",
    {"id": String, "minutes": Float, "riders": Int, "paid": Bool, "ended_at": Timestamp},
    key=["id"],
    timestamp="ended_at",
    checks=[unique("id"), col("minutes") > 0, check(col("riders") < 9, severity="warn")],
)
ROW = {"id": "a", "minutes": 3, "riders": 2, "paid": True, "ended_at": "2013-03-01T01:00:00+01:00"}
WRITTEN = {"id": "a", "minutes": 3.0, "riders": 2, "paid": True, "ended_at": "2013-03-01T00:00:00Z"}


class Service:
    """The API over stores in memory."""

    def __init__(self) -> None:
        self.queue = MemoryQueue()
        self._router = RowsApi({"rides": rides}, MemoryDocuments(), self.queue).router()

    def post(self, document: Any, source: str = "rides") -> tuple[int, dict[str, Any]]:
        """Post a document, and return the answer's status and document."""
        event = {
            "rawPath": f"/sources/{source}/rows",
            "requestContext": {"http": {"method": "POST"}, "timeEpoch": AT.timestamp() * 1000},
            "body": document if isinstance(document, str) else json.dumps(document),
        }
        answer = self._router.answer(event)
        return answer["statusCode"], json.loads(answer["body"])

    def parts(self) -> list[Part]:
        """Return what was sent."""
        return [decode_rows(body) for body in self.queue.bodies]


@pytest.fixture
def service() -> Service:
    return Service()


def test_rows_are_accepted_and_sent_as_they_will_be_written(service: Service) -> None:
    status, answer = service.post({"request_id": "r1", "rows": [ROW, {"id": "b", "ended_at": "2013-03-01"}]})
    assert (status, answer["status"], answer["rows"]) == (202, "accepted", 2)
    [part] = service.parts()
    assert (part.source, part.id) == ("rides", "r1/0")
    nulls = {"minutes": None, "riders": None, "paid": None}
    assert part.rows == [WRITTEN, {"id": "b", **nulls, "ended_at": "2013-03-01T00:00:00Z"}]


def test_every_fault_of_every_row_is_told_and_nothing_is_sent(service: Service) -> None:
    rows = [
        {**ROW, "minutes": "long", "weight": 3},
        ROW,
        {"minutes": 1, "ended_at": "yesterday"},
        7,
    ]
    status, answer = service.post({"request_id": "r1", "rows": rows})
    assert status == 400
    assert answer["detail"] == "3 of 4 rows are wrong, and none was added"
    assert [error["field"] for error in answer["errors"]] == [
        "rows[0].weight",
        "rows[0].minutes",
        "rows[2].id",
        "rows[2].ended_at",
        "rows[3]",
    ]
    assert answer["errors_in_all"] == 5
    assert service.parts() == []


def test_checks_of_rows_and_repetition_in_the_request_are_faults_and_warnings_are_not(
    service: Service,
) -> None:
    rows = [{**ROW, "minutes": -1}, {**ROW, "id": "b", "riders": 20}, {**ROW, "id": "b"}]
    status, answer = service.post({"request_id": "r1", "rows": rows})
    assert status == 400
    assert {error["field"]: error["detail"] for error in answer["errors"]} == {
        "rows[0]": '(col("minutes") > 0) is false',
        "rows[2]": "`id` as in an earlier row",
    }


def test_a_repeated_request_is_sent_again_under_the_same_id_and_other_rows_are_refused(
    service: Service,
) -> None:
    first = service.post({"request_id": "r1", "rows": [ROW]})
    assert service.post({"request_id": "r1", "rows": [ROW]}) == first
    one, two = service.parts()
    assert one == two
    status, answer = service.post({"request_id": "r1", "rows": [{**ROW, "minutes": 4}]})
    assert (status, answer["field"]) == (409, "request_id")
    assert len(service.parts()) == 2


def test_many_rows_are_sent_in_messages_that_a_queue_takes(service: Service) -> None:
    import random  # noqa: PLC0415  # for this test alone

    texts = random.Random(0)
    rows = [{**ROW, "id": f"{n}{texts.randbytes(400).hex()}"} for n in range(1000)]
    assert service.post({"request_id": "r1", "rows": rows})[0] == 202
    assert all(len(body) <= MAX_MESSAGE_BYTES for body in service.queue.bodies)
    parts = service.parts()
    assert len(parts) > 1
    assert len({part.id for part in parts}) == len(parts)
    assert [row["id"] for part in parts for row in part.rows] == [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("document", "status", "words"),
    [
        ("{", 400, "not JSON"),
        ({"rows": [ROW]}, 400, "`request_id` is what these rows are added once under"),
        ({"request_id": "a b", "rows": [ROW]}, 400, "1 to 128 letters"),
        ({"request_id": "r", "rows": []}, 400, "takes 1 to 1,000"),
        ({"request_id": "r", "rows": [ROW] * 1001}, 400, "1,001 rows"),
        ({"request_id": "r", "row": [ROW]}, 400, "did you mean `rows`?"),
    ],
)
def test_a_request_that_is_none_is_refused_saying_what_to_send(
    service: Service, document: Any, status: int, words: str
) -> None:
    answered, problem = service.post(document)
    assert answered == status
    assert words in problem["detail"]


def test_a_source_that_is_not_is_named_with_the_nearest(service: Service) -> None:
    status, answer = service.post({"request_id": "r", "rows": [ROW]}, source="ride")
    assert status == 404
    assert "did you mean `rides`?" in answer["detail"]
