"""Rows as 64-bit hashes, by which repetition is found among millions without keeping them."""

import tempfile
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

_WORD_BYTES = 8
_FILTER_BITS = 29
_FILTERED_AT_ONCE = 65_536
_NULL = np.uint64(0x9E3779B97F4A7C15)


def hash_rows(columns: Sequence[pa.Array]) -> Hashes:
    """Hash each row of some columns; equal rows hash alike on every machine.

    Parameters
    ----------
    columns
        Arrays of the types that rows are stored with, equally long; strings as a file or a table gives
        them, with short or long offsets or by a dictionary.

    Returns
    -------
    Hashes
        Shape (n_rows,). Nulls are equal to each other, and -0.0 to 0.0. Of 20 million different
        rows, two collide with odds of 1 in 100,000.

    Examples
    --------
    >>> a, b, c = hash_rows([pa.array(["x", "x", None]), pa.array([1, 1, 1])])
    >>> bool(a == b), bool(a == c)
    (True, False)
    """
    hashes = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        values = _hash_strings(column) if _is_text(column.type) else _mix(_bits(column))
        if column.null_count:
            values = np.where(pc.is_null(column).to_numpy(zero_copy_only=False), _NULL, values)
        hashes = _mix(hashes ^ values)
    return hashes


def _is_text(type_: pa.DataType) -> bool:
    if pa.types.is_dictionary(type_):
        return _is_text(type_.value_type)
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _mix(bits: Hashes) -> Hashes:
    """Spread every bit over all others: the finalizer of splitmix64."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Hashes = bits ^ (bits >> np.uint64(31))
    return mixed


def _bits(column: pa.Array) -> Hashes:
    if pa.types.is_floating(column.type):
        values = column.fill_null(0.0).to_numpy(zero_copy_only=False) + 0.0  # -0.0 is 0.0
    else:
        values = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    bits: Hashes = values.view(np.uint64)
    return bits


def _hash_strings(column: pa.Array) -> Hashes:
    """Hash UTF-8 word by word, in as many passes as the longest string has words."""
    column = column.cast(pa.large_string())
    _, offsets_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64, len(column) + 1, column.offset * _WORD_BYTES)
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.empty(0, np.uint8)
    padded = np.concatenate([data[: offsets[-1]], np.zeros(_WORD_BYTES, np.uint8)])
    # A word begins at every byte.
    words = np.ndarray(len(padded) - _WORD_BYTES + 1, np.dtype("<u8"), padded.data, strides=(1,))
    sizes = np.diff(offsets)
    hashes = _mix(sizes.astype(np.uint64))
    pending = np.flatnonzero(sizes > 0)
    done = 0
    while len(pending):
        left = np.minimum(sizes[pending] - done, _WORD_BYTES).astype(np.uint64)
        word = words[offsets[pending] + done]
        word &= np.uint64(2**64 - 1) >> (np.uint64(64) - left * np.uint64(_WORD_BYTES))
        hashes[pending] = _mix(hashes[pending] ^ word)
        done += _WORD_BYTES
        pending = pending[sizes[pending] > done]
    return hashes


class SeenRows:
    """A set of hashes as sorted runs, merged when the newest has outgrown the one before.

    Parameters
    ----------
    runs
        What is in it to begin with, each sorted and none twice.
    largest
        From how many hashes a run is merged no more and lies on disk: 32 MB of them.
    filtered_from
        From how many hashes in all a filter tells of most others at once that they are not in the set.
    """

    def __init__(
        self, runs: Iterable[Hashes] = (), *, largest: int = 4_194_304, filtered_from: int = 1_048_576
    ) -> None:
        self.runs = [run if len(run) < largest else _on_disk(run) for run in runs]
        self._largest = largest
        self._filtered_from = filtered_from
        self._filter: _Filter | None = None

    def contains(self, hashes: Hashes) -> Mask:
        """Say which are in the set; quickest for sorted hashes, whose neighbours lie close together."""
        found = np.zeros(len(hashes), dtype=np.bool_)
        for run in self.runs:
            if len(run):
                places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
                found |= run[places] == hashes
        return found

    def add(self, hashes: Hashes) -> Mask:
        """Put hashes into the set, and say which were there, before or earlier in the array."""
        order = _order(hashes)
        ordered = hashes[order]
        again = self._were_in(ordered)
        again[1:] |= ordered[1:] == ordered[:-1]
        repeated = np.empty(len(hashes), dtype=np.bool_)
        repeated[order] = again
        if not again.all():
            self.runs.append(ordered[~again])
        while len(self.runs) > 1 and len(self.runs[-1]) >= len(self.runs[-2]) < self._largest:
            newest = self.runs.pop()
            merged = np.concatenate([self.runs[-1], newest])
            merged.sort(kind="stable")  # which merges sorted runs in one pass
            self.runs[-1] = merged if len(merged) < self._largest else _on_disk(merged)
        return repeated

    def _were_in(self, ordered: Hashes) -> Mask:
        """Say which sorted hashes are in the set, and let the filter know of all of them."""
        if self._filter is None and sum(map(len, self.runs)) >= self._filtered_from:
            self._filter = _Filter()
            for run in self.runs:
                for start in range(0, len(run), _FILTERED_AT_ONCE):
                    self._filter.add(run[start : start + _FILTERED_AT_ONCE])
        if self._filter is None:
            return self.contains(ordered)
        found = self._filter.add(ordered)
        found[found] = self.contains(ordered[found])
        return found


class _Filter:
    """A set of hashes that forgets all but their leading bits: some are taken to be in it that are not.

    It has a bit for each value of them, 64 MB, so of other hashes 2 % are when it holds 11 million.
    """

    def __init__(self) -> None:
        self._words = np.zeros(2 ** (_FILTER_BITS - 6), dtype=np.uint64)

    def add(self, ordered: Hashes) -> Mask:
        """Put sorted hashes into the set, and say which may have been there before."""
        bits = ordered >> np.uint64(64 - _FILTER_BITS)
        places = (bits >> np.uint64(6)).astype(np.intp)
        marks = np.uint64(1) << (bits & np.uint64(63))
        found: Mask = (self._words[places] & marks) != 0
        first = np.flatnonzero(np.diff(places, prepend=-1))  # of the hashes that share a word
        if len(first):
            self._words[places[first]] |= np.bitwise_or.reduceat(marks, first)
        return found


def _order(hashes: Hashes) -> npt.NDArray[np.intp]:
    """Return the order that sorts hashes, of equal ones the first first."""
    order = np.argsort(hashes)
    ordered = hashes[order]
    # The quickest sort leaves equal ones in any order; there are seldom any.
    return np.argsort(hashes, kind="stable") if (ordered[1:] == ordered[:-1]).any() else order


def _on_disk(run: Hashes) -> Hashes:
    """Move a run out of memory; its file has no name, and is gone when nothing reads the run."""
    with tempfile.TemporaryFile() as file:
        run.tofile(file)
        return np.memmap(file, run.dtype, "r", shape=run.shape)  # what is read of it alone is in memory
