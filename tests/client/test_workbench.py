"""A notebook sees the deployed tables, features and models as the system does."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa
import pytest

import tidemill
from tests.training.toy import laboratory
from tidemill import Entity, FeatureView, Source, count, latest, mean
from tidemill.client.workbench import Tidemill
from tidemill.datasets.arrow import arrow_schema, from_columns, to_columns
from tidemill.datasets.tables import AT_PROPERTY
from tidemill.errors import InvalidRequest, NotFound, Unavailable
from tidemill.expressions import Columns, Float, Int, String, Timestamp, column
from tidemill.features.offline import join_features
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.tables import MemoryTables
from tidemill.registry.runs import record_step, start_run

trips = Source(
    "trips",
    schema={"trip_id": String, "city": String, "minutes": Float, "riders": Int, "ended_at": Timestamp},
    key=["trip_id"],
    timestamp="ended_at",
)
city = FeatureView(
    "city_trips",
    entity=Entity("city", keys=["city"]),
    source=trips,
    features={"minutes_7d": mean("minutes", over="7d"), "trips_7d": count(over="7d"), **latest("riders")},
)


def rows(day: int) -> Columns:
    at = datetime(2013, 1, day, tzinfo=UTC)
    return {
        "trip_id": column(String, [f"{day}a", f"{day}b"]),
        "city": column(String, ["Oslo", "Rome"]),
        "minutes": column(Float, [day / 3, None]),
        "riders": column(Int, [day, None]),
        "ended_at": column(Timestamp, [at, at]),
    }


class Api:
    """Answers as the HTTP API does, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Sequence[dict[str, Any]]] = []

    def predict(self, model: str, asked: Sequence[dict[str, Any]], *, version: int | None) -> dict[str, Any]:
        self.asked.append(asked)
        found = [{"prediction": True, "probability": 0.5, "id": row["trip_id"]} for row in asked]
        return {"model": model, "version": version or 7, "predictions": found}


@dataclass
class Memory:
    """A deployment in memory."""

    project: str = "bikes"
    endpoint: Any = field(default_factory=lambda: SimpleNamespace(name="memory"))
    tables: MemoryTables = field(default_factory=MemoryTables)
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    data: MemoryBlobs = field(default_factory=MemoryBlobs)
    api: Api = field(default_factory=Api)

    @property
    def history(self) -> MemoryTables:
        return self.tables


class Declared(Tidemill):
    """A workbench whose project is declared here."""

    project: Any = SimpleNamespace(
        name="bikes",
        views=[city],
        models=[SimpleNamespace(name="long_trip")],
        model=lambda _: SimpleNamespace(observations=SimpleNamespace(key="trip_id", request=["city", "at"])),
    )


@pytest.fixture
def deployed() -> Memory:
    """Return a deployment with three daily commits."""
    made = Memory()
    made.tables.ensure("trips", arrow_schema(trips.schema))
    for day in (1, 2, 3):
        batches = iter(from_columns(rows(day)).to_batches())
        made.tables.append("trips", batches, {AT_PROPERTY: f"2013-01-0{day}T12:00:00Z"}, ids=[str(day)])
    return made


@pytest.fixture
def bench(deployed: Memory) -> Tidemill:
    """Return a workbench on it."""
    there: Any = deployed
    return Declared(there)


def asked_at(*days: int) -> pd.DataFrame:
    moments = pd.to_datetime([f"2013-01-{day:02}" for day in days])
    return pd.DataFrame({"city": ["Oslo"] * len(days), "time": moments}, index=[f"row {day}" for day in days])


def test_a_dataset_is_read_at_any_version(bench: Tidemill) -> None:
    assert len(bench.dataset("trips").to_pandas()) == 6
    assert bench.dataset("trips", at="2013-01-02").to_pandas()["trip_id"].to_list() == [
        "1a",
        "1b",
        "2a",
        "2b",
    ]
    with pytest.raises(NotFound, match="2012-12"):
        bench.dataset("trips", at="2012-12")


def test_features_are_joined_as_known_at_each_rows_own_time(bench: Tidemill) -> None:
    joined = bench.features(asked_at(3, 1, 4), ["city_trips"])
    assert joined.index.to_list() == ["row 3", "row 1", "row 4"]
    assert joined["trips_7d"].to_list() == [2, 0, 3]
    assert joined["riders"].to_list() == [2, pd.NA, 3]


def test_features_have_the_very_bits_of_the_kernel(bench: Tidemill) -> None:
    joined = bench.features(asked_at(4), [city])["minutes_7d"]
    days = [from_columns(rows(day)) for day in (1, 2, 3)]
    history = to_columns(pa.concat_tables(days), trips.schema)
    observed = {
        "city": column(String, ["Oslo"]),
        "time": column(Timestamp, [datetime(2013, 1, 4, tzinfo=UTC)]),
    }
    expected = join_features(observed, [city], {"trips": history}, "time")["minutes_7d"]
    assert joined.to_list() == expected.to_list()


def test_features_can_be_joined_from_an_earlier_version(bench: Tidemill) -> None:
    assert bench.features(asked_at(4), ["city_trips"], at="2013-01-01")["trips_7d"].to_list() == [1]


def test_a_view_or_column_that_is_not_there_is_named(bench: Tidemill) -> None:
    with pytest.raises(NotFound, match="did you mean `city_trips`"):
        bench.features(asked_at(1), ["city_trip"])
    with pytest.raises(InvalidRequest, match="`city`"):
        bench.features(asked_at(1).drop(columns="city"), ["city_trips"])
    with pytest.raises(InvalidRequest, match="riders"):
        bench.features(asked_at(1).assign(riders=1), ["city_trips"])


def test_predictions_come_back_row_by_row_however_many_requests_they_take(
    bench: Tidemill, deployed: Memory
) -> None:
    frame = pd.DataFrame({"trip_id": [f"t{n}" for n in range(2_001)], "city": "Oslo", "at": 1, "other": 2})
    answer = bench.predict("long_trip", frame.set_index(frame.index + 5))
    assert [len(rows) for rows in deployed.api.asked] == [1000, 1000, 1]
    assert deployed.api.asked[0][0] == {"trip_id": "t0", "city": "Oslo", "at": 1}
    assert answer["id"].to_list() == frame["trip_id"].to_list()
    assert (answer.index[0], answer["version"].unique().tolist()) == (5, [7])


def test_a_training_set_is_read_back_by_its_run(deployed: Memory) -> None:
    """The rows and the matrix that the run's candidates were given."""
    lab = laboratory()
    made = lab.run("r1", at="2024-02-26T00:00:00Z", until="build_training_set")["build_training_set"]
    deployed.documents, deployed.data = lab.documents, lab.data
    there: Any = deployed
    found = Declared(there).training_set("r1")
    assert found.digest == made["training_set"]
    features, labels = found.to_matrix()
    rows = found.to_pandas()
    assert len(rows) == len(features) == len(labels) > 0
    assert rows["@label"].to_list() == labels.tolist()


def test_a_run_that_made_no_training_set_says_so(bench: Tidemill, deployed: Memory) -> None:
    start_run(deployed.documents, "r1", model="m", at="2013-01-01T00:00:00Z", reason={}, overrides={})
    record_step(deployed.documents, "r1", "pin_dataset", {})
    with pytest.raises(NotFound, match="r1"):
        bench.training_set("r1")
    with pytest.raises(NotFound, match="version 3"):
        bench.training_set("long_trip@3")


@pytest.mark.parametrize(
    ("of", "says"),
    [
        ("long_trip", "`long_trip` is a model; name one of its versions"),
        ("long_trop@3", "there is no model `long_trop`; did you mean `long_trip`"),
        ("long_trip@champion", "model `long_trip` has no alias `champion`"),
        ("nothing", "there is no run `nothing`"),
    ],
)
def test_a_training_set_that_is_not_there_is_answered_with_what_may_be_named(
    bench: Tidemill, of: str, says: str
) -> None:
    with pytest.raises(NotFound, match=says):
        bench.training_set(of)


@pytest.mark.parametrize(
    "at",
    [
        "2013-01-02",
        date(2013, 1, 2),
        pd.Timestamp("2013-01-02T13:00", tz="UTC"),
        datetime(2013, 1, 2, 12),  # noqa: DTZ001  # without a zone, which is UTC
        datetime(2013, 1, 2, 13, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_a_version_may_be_named_by_whatever_is_a_time_in_python(bench: Tidemill, at: Any) -> None:
    assert len(bench.dataset("trips", at).to_pandas()) == 4


def test_a_version_may_be_named_by_the_number_of_its_snapshot(bench: Tidemill) -> None:
    first = bench.dataset("trips", "2013-01-01").snapshot_id
    assert len(bench.dataset("trips", first).to_pandas()) == 2


def test_a_dataset_without_rows_has_its_columns(bench: Tidemill, deployed: Memory) -> None:
    deployed.tables.ensure("empty", arrow_schema(trips.schema))
    deployed.tables.append("empty", iter([]), {}, ids=["a"])
    assert bench.dataset("empty").to_pandas().columns.to_list() == list(trips.schema)


def test_things_say_what_they_are_without_asking_anybody(bench: Tidemill) -> None:
    assert repr(bench) == "Tidemill(at memory)"
    assert repr(bench.dataset("trips")).startswith("Dataset('trips', snapshot 1004, arrived 2013-01-03T12:00")


@pytest.mark.parametrize("times", [["2013-01-04", "2013-01-04T00:00:00Z"], [date(2013, 1, 4)] * 2])
def test_times_may_be_text_or_days(bench: Tidemill, times: list[Any]) -> None:
    frame = pd.DataFrame({"city": ["Oslo", "Oslo"], "time": times})
    assert bench.features(frame, "city_trips")["trips_7d"].to_list() == [3, 3]


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (
            pd.DataFrame({"city": ["Oslo"], "time": ["yesterday"]}),
            "`time`, row 0: 'yesterday' is not a timestamp",
        ),
        (pd.DataFrame({"city": ["Oslo"], "time": [20130104]}), "`time`, row 0: 20130104 is not a timestamp"),
        (pd.DataFrame({"city": ["Oslo", 1], "time": ["2013-01-04"] * 2}), "`city` of the frame holds"),
        (pd.DataFrame({"city": ["Oslo"]}), "no column `time`"),
        (
            pd.DataFrame([["a", "b", "2013-01-04"]], columns=["city", "city", "time"]),
            "2 columns `city`; keep one",
        ),
        ([{"city": "Oslo"}], "the rows are a list; give a pandas.DataFrame"),
    ],
)
def test_a_frame_that_can_not_be_joined_is_refused_by_what_is_wrong(
    bench: Tidemill, frame: Any, says: str
) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(says)):
        bench.features(frame, ["city_trips"])


def test_no_view_is_answered_with_those_there_are(bench: Tidemill) -> None:
    with pytest.raises(InvalidRequest, match="the project has city_trips"):
        bench.features(asked_at(1), [])


def test_of_a_source_only_what_the_views_read_comes_over_the_network(
    bench: Tidemill, deployed: Memory
) -> None:
    class Watched(MemoryTables):
        read: ClassVar[list[list[str]]] = []

        def parts(self, table: str, *, snapshot_id: int, columns: Sequence[str]) -> Any:
            self.read.append(sorted(columns))
            return super().parts(table, snapshot_id=snapshot_id, columns=columns)

    deployed.tables.__class__ = Watched
    bench.features(asked_at(4), ["city_trips", city])
    assert Watched.read == [["city", "ended_at", "minutes", "riders"]], "once, for both views"


def test_a_refusal_late_in_a_long_frame_says_where_it_counts_from(bench: Tidemill, deployed: Memory) -> None:
    class Refusing(Api):
        def predict(self, model: str, asked: Any, *, version: int | None) -> dict[str, Any]:
            if asked[0]["trip_id"] == "t1000":
                raise InvalidRequest("`rows[3].city` is the number 1; send a string")
            return super().predict(model, asked, version=version)

    deployed.api = Refusing()
    frame = pd.DataFrame({"trip_id": [f"t{n}" for n in range(1_500)], "city": "Oslo", "at": 1})
    with pytest.raises(InvalidRequest, match=r"rows\[3\].city.*counted from row 1,000 of the frame"):
        bench.predict("long_trip", frame)


def test_a_cloud_that_does_not_answer_is_told_with_how_to_start_one() -> None:
    lost = tidemill.connect("http://localhost:9")
    assert repr(lost) == "Tidemill(at http://localhost:9)"
    for ask in (lambda: lost.dataset("flights"), lambda: lost.training_set("x"), lambda: lost.project):
        with pytest.raises(Unavailable, match=r"nothing answers at http://localhost:9;.*`tidemill up`"):
            ask()


def test_connect_takes_the_endpoint_it_is_told() -> None:
    assert tidemill.connect("http://localhost:1").deployment.endpoint.url == "http://localhost:1"
