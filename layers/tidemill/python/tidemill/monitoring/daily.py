"""What one day of predictions comes down to: a histogram by feature, and a narrow table for quality.

A window is the sum of its days, so each prediction is counted once, however many windows it is in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tidemill.statistics.histograms import Histogram
from tidemill.statistics.profile import (
    ColumnProfile,
    ReferenceProfile,
    add_histograms,
    histogram_of,
)

Matrix = NDArray[np.float32]

ROWS_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("key", pa.string()),
        ("at", pa.timestamp("us", "UTC")),
        ("version", pa.int64()),
        ("probability", pa.float64()),
        ("label", pa.bool_()),  # null until the outcome is known
        ("known_at", pa.timestamp("us", "UTC")),
    ]
)


@dataclass(frozen=True, eq=False)
class DayHistogram:
    """Predictions counted into one model version's reference bins.

    ``rows`` are those counted; ``skipped`` those made from other features, which can not be compared.
    The ``prediction`` histogram holds the version's own predictions only.
    """

    rows: int
    skipped: int
    columns: Mapping[str, Histogram]
    prediction: Histogram

    @staticmethod
    def empty(reference: ReferenceProfile) -> "DayHistogram":
        """Return the histogram of no rows."""
        nothing = np.empty((0, len(reference.columns)), dtype=np.float32)
        counted = histogram_of(nothing, reference.columns)
        return DayHistogram(0, 0, counted, reference.prediction.count(np.empty(0)))

    def __add__(self, other: "DayHistogram") -> "DayHistogram":
        return DayHistogram(
            self.rows + other.rows,
            self.skipped + other.skipped,
            add_histograms(self.columns, other.columns),
            self.prediction + other.prediction,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "rows": self.rows,
            "skipped": self.skipped,
            "columns": {name: histogram.to_json() for name, histogram in self.columns.items()},
            "prediction": self.prediction.to_json(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "DayHistogram":
        """Return the histogram that ``to_json`` wrote."""
        columns = {name: Histogram.from_json(histogram) for name, histogram in data["columns"].items()}
        return DayHistogram(data["rows"], data["skipped"], columns, Histogram.from_json(data["prediction"]))


@dataclass(frozen=True, eq=False)
class Profile:
    """A model version as the monitor knows it: its reference, and what its features mean.

    Two versions of equal ``definition`` compute their features alike, so their rows can be compared;
    vocabularies, which every training makes anew, are no part of it.
    """

    version: int
    definition: str
    reference: ReferenceProfile


ProfileOf = Callable[[int], Profile | None]
"""Profiles of the model's versions by number; None for one that is gone."""


def count_rows(rows: pa.Table, champion: Profile, profile_of: ProfileOf) -> DayHistogram:
    """Count logged predictions of any version into the champion's bins.

    Parameters
    ----------
    rows
        Of a ``predictions_<model>`` table: ``version``, ``probability`` and ``features``.
    champion
        The version whose reference is compared with.
    profile_of
        Profiles of the versions that made the rows.

    Returns
    -------
    DayHistogram
        Rows of a version with another definition are skipped, and counted as such.
    """
    total = DayHistogram.empty(champion.reference)
    for version in sorted(set(rows["version"].to_pylist())):
        made = rows.filter(pc.equal(rows["version"], version))
        profile = profile_of(version)
        if profile is None or profile.definition != champion.definition:
            total += _skipped(champion.reference, made.num_rows)
            continue
        matrix = translate(matrix_of(made), profile.reference.columns, champion.reference.columns)
        own = made["probability"].to_numpy() if version == champion.version else np.empty(0)
        total += DayHistogram(
            rows=made.num_rows,
            skipped=0,
            columns=histogram_of(matrix, champion.reference.columns),
            prediction=champion.reference.prediction.count(own),
        )
    return total


def _skipped(reference: ReferenceProfile, n_rows: int) -> DayHistogram:
    empty = DayHistogram.empty(reference)
    return DayHistogram(0, n_rows, empty.columns, empty.prediction)


def matrix_of(rows: pa.Table) -> Matrix:
    """Return the logged features as a matrix, float32, shape (n_rows, n_features)."""
    if not rows.num_rows:
        return np.empty((0, 0), dtype=np.float32)
    features = rows["features"].combine_chunks()
    values = features.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float32).reshape(rows.num_rows, -1)


def translate(matrix: Matrix, made: Sequence[ColumnProfile], wanted: Sequence[ColumnProfile]) -> Matrix:
    """Rewrite category codes of one version as those of another of the same definition.

    Parameters
    ----------
    matrix
        Features as one version encoded them, shape (n_rows, n_features).
    made, wanted
        Columns of that version's reference, and of the one to compare with.

    Returns
    -------
    ndarray
        The matrix with the wanted version's codes; a category it does not know is NaN, as it would
        have made it itself.

    Examples
    --------
    >>> from tidemill.statistics.profile import profile_column
    >>> old = profile_column("carrier", np.array([0.0, 1.0]), ["AA", "UA"])
    >>> new = profile_column("carrier", np.array([0.0, 1.0]), ["UA", "WN"])
    >>> translate(np.array([[0], [1]], dtype=np.float32), [old], [new]).ravel()
    array([nan,  0.], dtype=float32)
    """
    changed = [
        (position, old.categories, new.categories)
        for position, (old, new) in enumerate(zip(made, wanted, strict=True))
        if old.categories != new.categories
    ]
    if not changed:
        return matrix
    result = matrix.copy()
    for position, old_names, new_names in changed:
        codes = {name: float(code) for code, name in enumerate(new_names)}
        # One entry more than there are names: where a missing code is looked up.
        table = np.array([*(codes.get(name, np.nan) for name in old_names), np.nan], dtype=np.float32)
        given = matrix[:, position]
        result[:, position] = table[np.where(np.isnan(given), len(old_names), given).astype(np.intp)]
    return result


def narrow_rows(rows: pa.Table) -> pa.Table:
    """Return logged predictions as quality needs them: without features, their labels not yet known."""
    n_rows = rows.num_rows
    columns = {
        field.name: pa.nulls(n_rows, field.type)
        if field.name in {"label", "known_at"}
        else rows[field.name].cast(field.type)
        for field in ROWS_SCHEMA
    }
    return pa.table(columns, schema=ROWS_SCHEMA)


def label_rows(rows: pa.Table, outcomes: pa.Table) -> pa.Table:
    """Fill in the labels of predictions whose outcome has become known.

    Parameters
    ----------
    rows
        Of ``ROWS_SCHEMA``.
    outcomes
        ``key``, ``label`` and ``known_at``; of a key's several outcomes the last counts.

    Returns
    -------
    pa.Table
        The same rows; those whose key has no outcome are as they were.
    """
    # The position of the last outcome of each key is that of the first one from behind.
    backwards = pa.array(np.arange(outcomes.num_rows)[::-1])
    latest = outcomes.take(backwards)
    found = pc.index_in(rows["key"], value_set=latest["key"].combine_chunks())
    known = pc.is_valid(found)
    for name in ("label", "known_at"):
        filled = pc.if_else(known, latest[name].combine_chunks().take(found.combine_chunks()), rows[name])
        rows = rows.set_column(rows.schema.get_field_index(name), ROWS_SCHEMA.field(name), filled)
    return rows
