"""An upload after the source's declaration changed: the table follows, or the upload is refused whole."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tidemill import Float, Project, String, Type
from tidemill.datasets.ingest import ingest_upload
from tidemill.project import Source

FIRST = "t1,Oslo,10,1,2013-01-01"


def declared_anew(bikes: Project, **changes: Any) -> Project:
    """Return the project with its source declared otherwise, and nothing else in it."""
    source: Source = replace(bikes.source("trips"), checks=[], **changes)
    return Project(bikes.name, sources=[source], models=[])


def with_type(bikes: Project, column: str, type_: Type) -> dict[str, Any]:
    return {"schema": {**bikes.source("trips").schema, column: type_}}


def upload(cloud: Any, project: Project, text: bytes) -> Any:
    return ingest_upload(
        cloud.put(text, f"{len(text)}.csv"),
        project=project,
        blobs=cloud.blobs,
        tables=cloud.tables,
        documents=cloud.documents,
        events=cloud.events,
    )


def test_a_renamed_column_goes_on_under_its_new_name(
    cloud: Any, bikes: Project, trips_csv: Callable[..., bytes]
) -> None:
    cloud.ingest(cloud.put(trips_csv(FIRST)))
    schema = {
        "town" if name == "city" else name: type_ for name, type_ in bikes.source("trips").schema.items()
    }
    renamed = declared_anew(bikes, schema=schema, was={"town": "city"})
    text = trips_csv("t22,Rome,10,1,2013-01-02").replace(b"city", b"town")
    assert upload(cloud, renamed, text).status == "committed"
    assert sorted(cloud.tables.rows("trips").column("town").to_pylist()) == ["Oslo", "Rome"]


def test_a_widened_column_takes_fractions(
    cloud: Any, bikes: Project, trips_csv: Callable[..., bytes]
) -> None:
    cloud.ingest(cloud.put(trips_csv(FIRST)))
    wider = declared_anew(bikes, **with_type(bikes, "riders", Float))
    assert upload(cloud, wider, trips_csv("t22,Rome,10,1.5,2013-01-02")).status == "committed"
    assert sorted(cloud.tables.rows("trips").column("riders").to_pylist()) == [1.0, 1.5]


def test_a_type_that_rows_can_not_follow_is_refused_with_a_report(
    cloud: Any, bikes: Project, trips_csv: Callable[..., bytes]
) -> None:
    cloud.ingest(cloud.put(trips_csv(FIRST)))
    broken = declared_anew(bikes, **with_type(bikes, "riders", String))
    outcome = upload(cloud, broken, trips_csv("t22,Rome,10,two,2013-01-02"))
    assert outcome.status == "refused"
    assert "`riders` is stored as int64, declared as string" in str(outcome.error)
    assert outcome.report_key is not None
    assert cloud.tables.rows("trips").num_rows == 1
