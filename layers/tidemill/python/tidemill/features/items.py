"""Items of the online store: what is kept of one entity for one view, and its bytes.

An item is packed as: a header (``<BqqIB``: format, exact_from, newest, length of the JSON, number of
tables), and a body, deflated (format 3) where it is large: JSON of the latest values and of the words of
each value ring, then the table of each ring and value ring: ``<I`` its number of entries, one byte per row
of its table with the row's width (0 if it is all zero, else 1, 2, 4 or 8), and the rows themselves as
little-endian integers of their width.
"""

import functools
import itertools
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tidemill.canonical import canonical_json
from tidemill.errors import Corrupt
from tidemill.expressions import Column, Type
from tidemill.features.definitions import Ints, ViewDefinition, microseconds
from tidemill.features.rings import NOTHING, Ring, rings_of
from tidemill.features.value_rings import ValueRing, ValueTable, value_rings_of

_PLAIN, _DEFLATED = 2, 3
_DEFLATED_FROM_BYTES = 4096  # what DynamoDB charges a read by
MAX_ITEM_BYTES = 390_000
"""The most that fits into an item of DynamoDB, 400 KB, beside its key and numbers."""
_HEADER = struct.Struct("<BqqIB")
_COUNT = struct.Struct("<I")
_INTEGERS = {width: np.dtype(f"<i{width}") for width in (1, 2, 4, 8)}


@dataclass(frozen=True, eq=False)
class Layout:
    """What an item of a view holds.

    Attributes
    ----------
    latest_by_type
        The places of latest values of each type among those of the view.
    rings, value_rings
        The tables that follow.
    """

    latest_by_type: Mapping[Type, Sequence[int]]
    rings: tuple[Ring, ...]
    value_rings: tuple[ValueRing, ...]


@functools.lru_cache(maxsize=128)  # a process serves few views, over and over
def layout_of(view: ViewDefinition) -> Layout:
    """Return the layout of a view's items."""
    latest: dict[Type, list[int]] = {}
    for place, feature in enumerate(view.latest):
        latest.setdefault(feature.type, []).append(place)
    return Layout(latest, rings_of(view), value_rings_of(view))


class LatestRow(NamedTuple):
    """A row that was, or will be, the newest seen, and its latest values; None if those were too large."""

    happened_us: int
    known_us: int
    visible_us: int
    values: Sequence[Any] | None


@dataclass(frozen=True)
class Item:
    """What is kept of one entity for one view.

    Attributes
    ----------
    exact_from_us
        The earliest moment for which a read is exact; of what only earlier reads would need, nothing is kept.
    newest_us
        The latest moment at which one of its rows came to be seen.
    latest
        Each row that was, or will be, the newest seen.
    rings
        One table per ring of the view.
    values
        One table per value ring of the view.
    """

    exact_from_us: int
    newest_us: int
    latest: Sequence[LatestRow]
    rings: Sequence[Ints]
    values: Sequence[ValueTable]

    def latest_seen(self, at_us: int) -> LatestRow | None:
        """Return the newest row that is seen at a moment."""
        return next((row for row in reversed(self.latest) if row.visible_us <= at_us), None)


def empty_item(layout: Layout) -> Item:
    """Return the item of an entity of which no row is known."""
    values = tuple(ring.empty() for ring in layout.value_rings)
    return Item(NOTHING, NOTHING, (), tuple(ring.empty() for ring in layout.rings), values)


def pack_item(item: Item) -> bytes:
    """Write an item as bytes; equal items have equal bytes, as long as one build of zlib writes them."""
    plain = canonical_json([item.latest, [each.words for each in item.values]])
    tables = [*item.rings, *(each.table for each in item.values)]
    body = b"".join([plain, *(part for table in tables for part in _pack_table(table))])
    format_ = _PLAIN
    if len(body) > _DEFLATED_FROM_BYTES:
        format_, body = _DEFLATED, zlib.compress(body)
    return _HEADER.pack(format_, item.exact_from_us, item.newest_us, len(plain), len(tables)) + body


def _pack_table(table: Ints) -> list[bytes]:
    n_entries = table.shape[1]
    lowest, highest = table.min(axis=1, initial=0), table.max(axis=1, initial=0)
    widths = [_width(int(low), int(high)) for low, high in zip(lowest, highest, strict=True)]
    rows = [row.astype(_INTEGERS[width]).tobytes() for row, width in zip(table, widths, strict=True) if width]
    return [_COUNT.pack(n_entries), bytes(widths), *rows]


def _width(low: int, high: int) -> int:
    if low == high == 0:
        return 0
    return next(
        width for width in _INTEGERS if -(1 << (8 * width - 1)) <= low and high < 1 << (8 * width - 1)
    )


def unpack_item(data: bytes, layout: Layout) -> Item:
    """Read an item.

    Raises
    ------
    Corrupt
        If the bytes are no item of this layout.
    """
    heights = [ring.n_rows for ring in layout.rings] + [ring.n_rows for ring in layout.value_rings]
    try:
        format_, exact_from_us, newest_us, n_plain, n_tables = _HEADER.unpack_from(data)
        if format_ not in {_PLAIN, _DEFLATED} or n_tables != len(heights):
            raise Corrupt(
                f"an online item has format {format_} and {n_tables} tables, not {_PLAIN} or {_DEFLATED} and "
                f"{len(heights)}"
            )
        body = data[_HEADER.size :] if format_ == _PLAIN else zlib.decompress(data[_HEADER.size :])
        latest, words = json.loads(body[:n_plain].decode())
        offset = n_plain
        tables: list[Ints] = []
        for height in heights:
            table, offset = _unpack_table(body, offset, height)
            tables.append(table)
    except (struct.error, zlib.error, ValueError) as error:
        raise Corrupt(f"an online item of {len(data)} bytes ends too soon or is damaged: {error}") from error
    n_rings = len(layout.rings)
    values = tuple(ValueTable(table, tuple(own)) for table, own in zip(tables[n_rings:], words, strict=True))
    rows = [LatestRow(*row) for row in latest]
    return Item(exact_from_us, newest_us, rows, tuple(tables[:n_rings]), values)


def _unpack_table(data: bytes, offset: int, n_rows: int) -> tuple[Ints, int]:
    (n_entries,) = _COUNT.unpack_from(data, offset)
    offset += _COUNT.size
    widths = data[offset : offset + n_rows]
    offset += n_rows
    table = np.zeros((n_rows, n_entries), dtype=np.int64)
    row = 0
    for width, rows in itertools.groupby(widths):
        end = row + len(list(rows))
        if width:
            numbers = np.frombuffer(data, _INTEGERS[width], (end - row) * n_entries, offset)
            table[row:end] = numbers.reshape(end - row, n_entries)
            offset += numbers.nbytes
        row = end
    return table, offset


def key_text(view: ViewDefinition, values: Sequence[Any]) -> str:
    """Return the key of an entity's item, of its keys' plain values: ``view@version#["JFK"]``."""
    return f"{view.reference}#{canonical_json(list(values)).decode()}"


def plain_values(column: Column) -> list[Any]:
    """Return a column's values as JSON can hold them: times are microseconds since 1970, nulls None."""
    if column.type is Type.TIMESTAMP:
        column = Column(Type.INT, microseconds(column.filled()), column.valid)
    return column.to_list()


def column_of_plain(type_: Type, values: Sequence[Any]) -> Column:
    """Return the column that ``plain_values`` wrote."""
    (column,) = columns_of_plain(type_, [values])
    return column


def columns_of_plain(type_: Type, values: Sequence[Sequence[Any]]) -> list[Column]:
    """Return several columns of one type and length that ``plain_values`` wrote: as dear as one by itself."""
    if type_ is Type.FLOAT:
        numbers = np.array(values, dtype=np.float64)  # None becomes NaN, which is no value of a column
        return [Column(type_, *pair) for pair in zip(numbers, ~np.isnan(numbers), strict=True)]
    there = [[value is not None for value in each] for each in values]
    blank = "" if type_ is Type.STRING else 0
    filled = [[blank if value is None else value for value in each] for each in values]
    dtype = np.dtype(np.int64) if type_ is Type.TIMESTAMP else type_.dtype
    pairs = zip(np.array(filled, dtype=dtype), np.array(there, dtype=np.bool_), strict=True)
    return [Column(type_, each.astype(type_.dtype, copy=False), valid) for each, valid in pairs]
