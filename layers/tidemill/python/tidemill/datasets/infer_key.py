"""Which columns of a file tell each of its rows from all others: one, two or three of them together."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from tidemill.datasets.hashes import Hashes, hash_rows
from tidemill.datasets.seen_rows import SeenRows

_SAMPLED_ROWS = 32_768
_MOST_COLUMNS = 10  # of ten there are 165 pairs and threes
_MOST_TRIED = 12  # on all rows, at eight bytes a row each
_ODD = np.uint64(0x9E3779B97F4A7C15)

Key = tuple[str, ...]


class KeySample:
    """The first rows of a file, as hashes of each column: enough to tell most keys from no keys."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Hashes]] = {}
        self._rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take rows, as long as there is room."""
        rows = batch.slice(0, _SAMPLED_ROWS - self._rows)
        self._rows += rows.num_rows
        for name in batch.schema.names if rows.num_rows else ():
            self._parts.setdefault(name, []).append(hash_rows([rows.column(name)]))

    def likely_keys(self, columns: Iterable[str], timestamp: str | None) -> list[Key]:
        """Return pairs, else threes, of columns that no two of the rows have alike, the likeliest first.

        Parameters
        ----------
        columns
            Those that may be part of a key, names before numbers.
        timestamp
            When a row happened: in what repeats itself, that is part of the key.
        """
        hashes = {name: np.concatenate(self._parts[name]) for name in columns if name in self._parts}
        distinct = {name: len(np.unique(values)) for name, values in hashes.items()}
        ranked = sorted(hashes, key=lambda name: name != timestamp)
        names = [name for name in ranked if distinct[name] > 1][:_MOST_COLUMNS]
        for size in (2, 3):
            found = [
                chosen
                for chosen in itertools.combinations(names, size)
                if math.prod(distinct[name] for name in chosen) >= self._rows
                and self._tells_apart([hashes[name] for name in chosen])
            ]
            if found:
                return sorted(found, key=lambda key: timestamp not in key)[:_MOST_TRIED]
        return []

    def _tells_apart(self, columns: Sequence[Hashes]) -> bool:
        together = columns[0]
        for column in columns[1:]:
            together = (together * _ODD) ^ column
        return len(np.unique(together)) == self._rows


def first_key(batches: Iterable[pa.RecordBatch], keys: Sequence[Key]) -> Key | None:
    """Return the first of some keys that no two rows have alike, or None.

    Parameters
    ----------
    batches
        All rows of the file.
    keys
        The likeliest first.
    """
    seen: Mapping[Key, SeenRows] = {key: SeenRows() for key in keys}
    for batch in batches:
        seen = {
            key: rows
            for key, rows in seen.items()
            if not rows.add(hash_rows([batch.column(name) for name in key])).any()
        }
        if not seen:
            return None
    return next(iter(seen), None)
