"""A training set of an old dataset version comes out in the same bytes, whatever became of its tables."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tests.training.toy import (
    Laboratory,
    long_trip,
    make_context,
    trip_rows,
    trips,
    upload,
    upload_zones,
    zone_record,
    zone_trips,
)
from tidemill import Float, Int, Model, Source, String
from tidemill.aws.clients import client
from tidemill.aws.history import IcebergHistory
from tidemill.aws.tables import IcebergTables, glue_catalog
from tidemill.aws.upkeep import IcebergUpkeep
from tidemill.datasets.arrow import arrow_schema
from tidemill.expressions import Column, column
from tidemill.training.training_set import build_training_set

AT = "2024-02-26T00:00:00Z"
LATER = datetime.now(UTC) + timedelta(days=365)
WEEKS = 14
TRIPS = replace(trips, schema={**trips.schema, "note": String, "riders": Int})


def model_of(source: Source) -> Model:
    """Return the toy's model over trips as declared, of which ``rain`` may be named ``wet``."""
    rain = "wet" if "wet" in source.schema else "rain"
    request = ["zone", "started_at", rain]
    return replace(
        long_trip,
        observations=replace(long_trip.observations, source=source, request=request),
        features=[replace(zone_trips, source=source), zone_record, "zone", rain, *long_trip.features[4:]],
    )


def with_extras(rows: dict[str, Any], source: Source) -> dict[str, Any]:
    """Return rows with the columns that no model reads."""
    n = len(rows["trip"])
    extras = {
        "note": column(String, ["fine"] * n),
        "remark": column(String, ["well"] * n),
        "tip": column(Float, [0.5] * n),
        "riders": column(source.schema["riders"], [2] * n),
    }
    return {name: rows.get(name, extras.get(name)) for name in source.schema}


def corrected(rows: dict[str, Column], *, minutes: float) -> dict[str, Any]:
    """Return the same trips with other lengths: a second row for each observation."""
    n = len(rows["trip"])
    return {**rows, "minutes": column(Float, [minutes + number % 30 for number in range(n)])}


@dataclass
class Warehouse:
    """The toy's tables in Iceberg, and what may become of them."""

    source: Source = TRIPS
    name: str = field(default_factory=lambda: f"rebuild_{uuid.uuid4().hex}")

    def __post_init__(self) -> None:
        bucket = self.name.replace("_", "-")
        client("s3").create_bucket(Bucket=bucket)
        client("glue").create_database(DatabaseInput={"Name": self.name})
        catalog = glue_catalog()
        self.tables = IcebergTables(catalog, database=self.name, warehouse=f"s3://{bucket}/warehouse")
        self.history = IcebergHistory(catalog, database=self.name)
        self.upkeep = IcebergUpkeep(catalog, database=self.name)
        self.lab = Laboratory(model_of(self.source), tables=self.tables)  # type: ignore[arg-type]  # its port
        upload_zones(self.tables)

    def commit(self, rows: dict[str, Any]) -> None:
        """Commit trips."""
        upload(self.tables, self.source, with_extras(rows, self.source), uuid.uuid4().hex)

    def build(self, pinned: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Build the training set of a dataset that the run `first` pinned in an empty bucket."""
        lab = replace(self.lab, model=model_of(self.source), data=type(self.lab.data)())
        answer = build_training_set(
            make_context("first", at=AT),
            lab.model,
            pinned=pinned,
            tables=lab.tables,
            data=lab.data,
            documents=lab.documents,
            replay_store=lab.replay_store,
        )
        return answer, {info.key: lab.data.get(info.key) for info in lab.data.list("")}

    def much_data_comes(self) -> None:
        """Weeks follow, late rows of weeks long past, and corrections of rows that were trained on."""
        self.commit(trip_rows(14, first=56))
        self.commit(trip_rows(3, first=10, seed=7))
        self.commit(corrected(trip_rows(7, first=21), minutes=55.0))

    def schema_evolves(self) -> None:
        """Add a column, rename one, widen one; none that the model reads."""
        schema = {name: type_ for name, type_ in TRIPS.schema.items() if name not in {"note", "riders"}}
        evolved = {**schema, "remark": String, "riders": Float, "tip": Float}
        self.source = replace(TRIPS, schema=evolved, was={"remark": "note"})
        self.tables.ensure("trips", arrow_schema(evolved), was=self.source.was)
        self.commit(trip_rows(2, first=70))

    def files_are_compacted(self) -> None:
        """Small files become one."""
        assert self.upkeep.compact("trips", at=LATER) >= WEEKS

    def snapshots_expire(self) -> None:
        """Every snapshot goes that is not current and has no tag, and every file that none needs."""
        kept = {*self.history.tags("trips").values(), self.upkeep.snapshots("trips")[-1].snapshot_id}
        gone = [each.snapshot_id for each in self.upkeep.snapshots("trips")]
        self.upkeep.expire("trips", [each for each in gone if each not in kept])
        self.upkeep.remove_unreachable("trips", written_before=LATER)

    def is_rolled_back(self) -> None:
        """Make a version current from before the dataset's."""
        commits = self.tables.commits("trips")
        self.history.set_current("trips", commits[0].snapshot_id, expected=commits[-1].snapshot_id)


ALL: tuple[Callable[[Warehouse], None], ...] = (
    Warehouse.much_data_comes,
    Warehouse.schema_evolves,
    Warehouse.files_are_compacted,
    Warehouse.snapshots_expire,
)


@pytest.mark.parametrize(
    "happens",
    [
        ALL,
        (Warehouse.files_are_compacted, Warehouse.snapshots_expire, Warehouse.much_data_comes),
        (Warehouse.schema_evolves, Warehouse.files_are_compacted, Warehouse.is_rolled_back),
    ],
    ids=["data, schema, compaction, expiry", "compaction, expiry, data", "schema, compaction, rollback"],
)
def test_a_training_set_is_built_again_in_the_same_bytes(
    aws_endpoint: str, happens: tuple[Callable[[Warehouse], None], ...]
) -> None:
    """Corrected rows are among its observations: several of one key and time, in several files."""
    assert aws_endpoint
    warehouse = Warehouse()
    for week in range(WEEKS):
        warehouse.commit(trip_rows(2, first=2 * week, per_day=40))
    warehouse.commit(trip_rows(16, first=40, per_day=40))
    warehouse.commit(corrected(trip_rows(2, first=4, per_day=40), minutes=5.0))
    warehouse.commit(corrected(trip_rows(2, first=4, per_day=40), minutes=12.0))
    pinned = warehouse.lab.run("first", at=AT, until="pin_dataset")["pin_dataset"]
    built, files = warehouse.build(pinned)
    assert any(key.endswith("rows.parquet") for key in files)
    for change in happens:
        change(warehouse)
        again, same = warehouse.build(pinned)
        assert again == built, change.__name__
        assert same == files, change.__name__


WHOLE = replace(trips, schema={**trips.schema, "rain": Int, "minutes": Int})
EVOLVED = {"renamed": ("wet", Int), "widened": ("rain", Float), "renamed and widened": ("wet", Float)}


@pytest.mark.parametrize("happens", EVOLVED)
def test_what_a_model_reads_may_be_renamed_and_widened_and_comes_out_in_the_same_bytes(
    aws_endpoint: str, happens: str
) -> None:
    """All of them by the declaration of then; by today's, what the estimator is given and checked by."""
    assert aws_endpoint
    warehouse = Warehouse(source=WHOLE)
    upload(warehouse.tables, WHOLE, in_whole(trip_rows(56), WHOLE), "before")
    pinned = warehouse.lab.run("first", at=AT, until="pin_dataset")["pin_dataset"]
    built, files = warehouse.build(pinned)
    name, type_ = EVOLVED[happens]
    schema = {{"rain": name}.get(old, old): each for old, each in WHOLE.schema.items()}
    source = replace(
        WHOLE, schema={**schema, name: type_, "minutes": type_}, was={} if name == "rain" else {name: "rain"}
    )
    warehouse.source = source
    warehouse.tables.ensure("trips", arrow_schema(source.schema), was=source.was)
    rows = {{"rain": name}.get(old, old): each for old, each in trip_rows(14, first=56).items()}
    upload(warehouse.tables, source, in_whole(rows, source), "after")
    _, by_today = warehouse.build(pinned)
    assert arrays_of(by_today) == arrays_of(files)
    assert by_today != files, "the names or types that are told of are others"
    warehouse.source = WHOLE
    again, same = warehouse.build(pinned)
    assert again == built
    assert same == files


def in_whole(rows: dict[str, Any], source: Source) -> dict[str, Any]:
    """Return trips with whole numbers where they are declared so."""
    return {
        name: column(Int, [None if value is None else int(value) for value in each.to_list()])
        if source.schema[name] is Int
        else each
        for name, each in rows.items()
    }


def arrays_of(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the arrays of a training set by what they are of."""
    return {key.rpartition("/")[2]: data for key, data in files.items() if key.endswith(".npz")}


def test_observations_of_one_key_and_time_come_in_the_same_order_whatever_order_they_are_read_in() -> None:
    rows = trip_rows(56, per_day=20)
    doubled = {
        name: column(each.type, [*each.to_list(), *other.to_list()])
        for (name, each), other in zip(rows.items(), corrected(rows, minutes=11.0).values(), strict=True)
    }
    answers = []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(doubled["trip"]))
        lab = Laboratory()
        upload_zones(lab.tables)
        upload(lab.tables, trips, {name: each.take(order) for name, each in doubled.items()}, "trips")
        answers.append(lab.run("r", at=AT, until="build_training_set")["build_training_set"])
    assert answers[0] == answers[1] == answers[2]
