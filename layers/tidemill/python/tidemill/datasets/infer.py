"""Proposing a source for a file: each column's type, and bounds that the file itself keeps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from tidemill.datasets.conversion import BadValue, convert
from tidemill.datasets.formats import read_batches
from tidemill.datasets.hashes import SeenRows, hash_rows
from tidemill.datasets.raw import read_raw
from tidemill.errors import UploadRefused
from tidemill.expressions import Type
from tidemill.project.files import PLAIN_CSV, Csv

MOST_WORDS = 12
"""Up to how many different values a column is taken for one of words to choose from."""

_ROWS_PER_WORD = 20
_PUBLIC_NAMES = (
    *("Bool", "Csv", "Float", "Int", "String", "Timestamp"),
    *("check", "col", "null_rate", "row_count", "unique"),
)
_TEXT_TYPES = (Type.INT, Type.FLOAT, Type.BOOL, Type.TIMESTAMP, Type.STRING)
# Texts that are numbers, and would not come back as they were: identifiers.
_PADDED = r"^\s*-?0\d"
_DIGIT_TRUTH = r"^\s*[01]\s*$"


@dataclass
class ColumnFacts:
    """What a file's column is like.

    Attributes
    ----------
    type
        The narrowest its values are all of.
    nulls
        How many there are.
    low, high
        The least and the greatest value; None where there is no value.
    words
        The different values, if they are few.
    unique
        Whether no value comes twice.
    """

    type: Type
    nulls: int = 0
    low: Any = None
    high: Any = None
    words: set[Any] | None = field(default_factory=set)
    unique: bool = True


@dataclass(frozen=True)
class FileFacts:
    """What a file is like: its rows and columns, and which columns tell a row and its time."""

    name: str
    rows: int
    columns: Mapping[str, ColumnFacts]
    csv: Csv

    @property
    def key(self) -> str | None:
        """The first column that tells a row from all others, one named after an id before others."""
        found = [
            name
            for name, facts in self.columns.items()
            if facts.unique and not facts.nulls and facts.type in (Type.STRING, Type.INT)
        ]
        return min(found, key=lambda name: not name.lower().endswith(("id", "key")), default=None)

    @property
    def timestamp(self) -> str | None:
        """The last column of times that is never null: things end after they begin."""
        found = [
            name for name, facts in self.columns.items() if facts.type is Type.TIMESTAMP and not facts.nulls
        ]
        return found[-1] if found else None

    def is_choice(self, name: str) -> bool:
        """Say whether a column holds words to choose from."""
        words = self.columns[name].words
        few = words is not None and 0 < len(words) * _ROWS_PER_WORD <= self.rows
        return few and self.columns[name].type is Type.STRING


def infer_file(file: BinaryIO, *, name: str, csv: Csv = PLAIN_CSV) -> FileFacts:
    """Read a file twice: once for the types of its columns, once for their values.

    Parameters
    ----------
    file
        Positioned at its start, able to seek.
    name
        Its name, whose ending tells the format.
    csv
        How CSV is written, if not as most is.

    Returns
    -------
    FileFacts
        In memory that grows with its rows by eight bytes for each column that may be a key.

    Raises
    ------
    UploadRefused
        If the file is empty, broken or has a column of no type there is.
    """
    types: dict[str, list[Type]] = {}
    for batch in read_raw(file, name=name, csv=csv):
        for column in batch.schema.names:
            left = types.setdefault(column, list(_TEXT_TYPES))
            types[column] = _fitting(column, batch.column(column), left)
    file.seek(0)
    facts = {column: ColumnFacts(left[0] if len(left) < len(_TEXT_TYPES) else Type.STRING)
             for column, left in types.items()}  # fmt: skip
    rows = 0
    seen = {column: SeenRows() for column in facts}
    schema = {column: each.type for column, each in facts.items()}
    for batch in read_batches(file, name=name, schema=schema, csv=csv):
        rows += batch.num_rows
        for column, each in facts.items():
            _observe(each, batch.column(column), seen[column])
    return FileFacts(name, rows, facts, csv)


def _fitting(name: str, array: pa.Array, left: list[Type]) -> list[Type]:
    """Return those of the types left that all values of an array are of, the narrowest first."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if array.null_count == len(array):
        return left
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        return [type_ for type_ in left if type_ in _types_of(name, array.type)]
    present = array.drop_null()
    padded = pc.any(pc.match_substring_regex(present, _PADDED)).as_py()
    digits = pc.any(pc.match_substring_regex(present, _DIGIT_TRUTH)).as_py()
    excluded = {*((Type.INT, Type.FLOAT) if padded else ()), *((Type.BOOL,) if digits else ())}
    return [type_ for type_ in left if type_ not in excluded and _converts(present, type_)]


def _types_of(name: str, type_: pa.DataType) -> tuple[Type, ...]:
    if pa.types.is_integer(type_):
        return (Type.INT, Type.FLOAT)
    if pa.types.is_floating(type_):
        return (Type.FLOAT,)
    if pa.types.is_boolean(type_):
        return (Type.BOOL,)
    if pa.types.is_timestamp(type_) or pa.types.is_date(type_):
        return (Type.TIMESTAMP,)
    raise UploadRefused(f"column `{name}` is {type_}, which no column of a source can be; leave it out")


def _converts(array: pa.Array, type_: Type) -> bool:
    try:
        converted = convert(array, type_)
    except BadValue:
        return False
    return type_ is Type.STRING or converted.null_count < len(array)


def _observe(facts: ColumnFacts, array: pa.Array, seen: SeenRows) -> None:
    facts.nulls += array.null_count
    present = array.drop_null()
    if not len(present):
        return
    if facts.type in (Type.INT, Type.FLOAT, Type.TIMESTAMP):
        bounds = pc.min_max(present).as_py()
        facts.low = bounds["min"] if facts.low is None else min(facts.low, bounds["min"])
        facts.high = bounds["max"] if facts.high is None else max(facts.high, bounds["max"])
    if facts.words is not None:
        facts.words |= set(pc.unique(present).to_pylist()[: MOST_WORDS + 1])
        facts.words = facts.words if len(facts.words) <= MOST_WORDS else None
    if facts.unique:
        facts.unique = not seen.add(hash_rows([present])).any()


def declaration(facts: FileFacts, source: str) -> str:
    """Write a source as Python declares it.

    Parameters
    ----------
    facts
        What its file is like.
    source
        The source's name.

    Returns
    -------
    str
        A module's text; what the file does not tell is left to its reader, in comments.
    """
    options = f"\n    csv={facts.csv!r}," if facts.csv != PLAIN_CSV else ""
    body = "\n".join(_arguments(facts, source)) + options
    names = ["Source", *(name for name in _PUBLIC_NAMES if _is_used(name, body))]
    return (
        f'"""Proposed for {facts.name}: {facts.rows:,} rows. Read it, and change what you know better."""\n\n'
        f"from tidemill import {', '.join(sorted(names, key=lambda name: (name.islower(), name)))}\n\n"
        f"{source} = Source(\n{body}\n)\n"
    )


def _is_used(name: str, text: str) -> bool:
    return any(f"{before}{name}{after}" in text for before in (" ", "=") for after in (",", "("))


def _arguments(facts: FileFacts, source: str) -> Iterator[str]:
    yield f'    "{source}",\n    schema={{'
    for name, each in facts.columns.items():
        yield f"        {name!r}: {each.type.name.capitalize()},".replace("'", '"')
    yield "    },"
    key, time = facts.key, facts.timestamp
    if key is None:
        yield "    # No column by itself tells a row from all others: name those that do together."
    yield f'    key=["{key or next(iter(facts.columns))}"],'
    if time is None:
        yield "    # No column is a time in every row: a source needs one that says when a row happened."
    yield f'    timestamp="{time or ""}",'
    yield "    checks=[\n" + "".join(f"        {check},\n" for check in _checks(facts)) + "    ],"


def _checks(facts: FileFacts) -> Iterator[str]:
    if facts.key is not None:
        yield f'unique("{facts.key}")'
    yield f"row_count(at_least={max(1, facts.rows // 2)})"
    for name, each in facts.columns.items():
        if name in (facts.key, facts.timestamp):
            continue
        yield from _column_checks(facts, name, each)


def _column_checks(facts: FileFacts, name: str, each: ColumnFacts) -> Iterator[str]:
    if facts.is_choice(name):
        words = ", ".join(f'"{word}"' for word in sorted(each.words or ()))
        yield f'col("{name}").is_in([{words}])'
    if each.low is not None and not isinstance(each.low, datetime):
        low, high = _widened(each.low, each.high)
        yield f'check((col("{name}") >= {low!r}) & (col("{name}") <= {high!r}), severity="warn")'
    if each.nulls < facts.rows:
        share = each.nulls / facts.rows
        yield f'null_rate("{name}", at_most={min(1.0, round(share * 1.5 + 0.01, 2))})'


def _widened(low: float, high: float) -> tuple[float, float]:
    """Return the bounds with half their distance more to either side, but not beyond zero."""
    room = (high - low) / 2 or abs(high) / 2 or 1
    below = max(0, low - room) if low >= 0 else low - room
    above = min(0, high + room) if high <= 0 else high + room
    if isinstance(low, int) and isinstance(high, int):
        return int(below), int(above) + 1
    return round(below, 6), round(above, 6)
