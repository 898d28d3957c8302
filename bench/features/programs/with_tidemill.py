"""Ours."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow.dataset  # noqa: F401  # read_table imports it when it is called
import pyarrow.parquet as pq

from bench.features.programs.timed import (
    DISTINCT,
    EXTREMES,
    NAMED_VIEWS,
    SUMS,
    TTL_DAYS,
    VALUES,
    VIEWS,
    WINDOWS_HOURS,
    Answer,
    main,
)
from tidemill import Entity, FeatureView, Float, Int, Source, String, Timestamp, Type, latest
from tidemill.datasets.arrow import gather_columns
from tidemill.expressions import Columns, Schema
from tidemill.features.definitions import SECOND_US, ViewDefinition, define
from tidemill.features.offline import join_features
from tidemill.project.views import count, distinct, largest, mean, smallest, total

_AT_ONCE = 2
ENTITY = Entity("entity", ["entity"])
FIGURES = {
    "sum": total,
    "count": count,
    "mean": mean,
    "min": smallest,
    "max": largest,
    "distinct": distinct,
}


class Files(Mapping[str, Columns]):
    """The rows of sources, each read from its file when it is asked for; the first one ahead of it."""

    def __init__(self, directory: Path, schemas: Mapping[str, Schema], pool: ThreadPoolExecutor) -> None:
        self._directory = directory
        self._schemas = schemas
        first = next(iter(schemas))
        self._ahead = {first: pool.submit(_read, directory, first, schemas[first])}

    def __getitem__(self, name: str) -> Columns:
        ahead = self._ahead.pop(name, None)
        return ahead.result() if ahead else _read(self._directory, name, self._schemas[name])

    def __contains__(self, name: object) -> bool:
        return name in self._schemas

    def __iter__(self) -> Iterator[str]:
        return iter(self._schemas)

    def __len__(self) -> int:
        return len(self._schemas)


def as_of(observations: str, names: Sequence[str], key: Type, directory: Path) -> Callable[[], Columns]:
    """Join the latest values of some views."""
    views, schemas = [], {}
    for name in names:
        values = [f"{name}_{value}" for value in VALUES]
        schema = {"entity": key, "at": Timestamp, **dict.fromkeys(values, Float)}
        source = Source(name, schema, key=["entity", "at"], timestamp="at")
        schemas[name] = source.schema
        views.append(define(FeatureView(name, ENTITY, source, latest(*values), ttl=f"{TTL_DAYS}d")))
    return partial(_join, directory, observations, key, views, schemas)


def windows(figures: Sequence[str], directory: Path) -> Callable[[], Columns]:
    """Take figures over every window of the events."""
    read = "word" if figures == DISTINCT else "x"
    schema = {"entity": Int, "at": Timestamp, read: Float if read == "x" else Int}
    source = Source("events", schema, key=["entity", "at"], timestamp="at")
    features = {
        f"{figure}_{hours}h": FIGURES[figure](read, over=f"{hours}h")
        for hours in WINDOWS_HOURS
        for figure in figures
    }
    view = define(FeatureView("events", ENTITY, source, features))
    # The peers' windows end at the second. Views so fine are refused: they must fit the online store.
    exact = tuple(replace(feature, hop_us=SECOND_US) for feature in view.features)
    return partial(
        _join, directory, "moments", Int, [replace(view, features=exact)], {"events": source.schema}
    )


def _join(
    directory: Path,
    observations: str,
    key: Type,
    views: Sequence[ViewDefinition],
    schemas: Mapping[str, Schema],
) -> Columns:
    with ThreadPoolExecutor(max_workers=1) as pool:
        files = Files(directory, schemas, pool)
        asked = _read(directory, observations, {"entity": key, "at": Timestamp})
        return join_features(asked, views, files, "at")


def _read(directory: Path, name: str, schema: Schema) -> Columns:
    """Read columns two at a time, each part by part: Arrow's rows and ours are never both there whole."""
    path = directory / f"{name}.parquet"
    strings = [column for column, type_ in schema.items() if type_ is String]

    def read(column: str) -> Columns:
        with pq.ParquetFile(path, memory_map=True, read_dictionary=strings) as file:
            parts = (file.read_row_group(part, [column]) for part in range(file.num_row_groups))
            return gather_columns(parts, {column: schema[column]}, file.metadata.num_rows)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return {column: each[column] for column, each in zip(schema, pool.map(read, schema), strict=True)}


def _answer(found: Columns) -> Answer:
    return {name: float(each.values[each.valid].sum()) for name, each in found.items()}


if __name__ == "__main__":
    main(
        {
            "as_of": partial(as_of, "observations", VIEWS, Int),
            "as_of_named": partial(as_of, "named_observations", NAMED_VIEWS, String),
            "sums": partial(windows, SUMS),
            "extremes": partial(windows, EXTREMES),
            "distinct": partial(windows, DISTINCT),
        },
        _answer,
    )
