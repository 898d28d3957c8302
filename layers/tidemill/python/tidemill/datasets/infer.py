"""What a file is like: its columns' types and values, and which of them tell a row and its time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from tidemill.datasets.conversion import converted
from tidemill.datasets.formats import OTHER_DELIMITERS, read_batches
from tidemill.datasets.hashes import hash_rows
from tidemill.datasets.infer_key import Key, KeySample, first_key
from tidemill.datasets.raw import read_raw
from tidemill.datasets.seen_rows import SeenRows
from tidemill.errors import UploadRefused
from tidemill.expressions import Type
from tidemill.project.files import PLAIN_CSV, Csv

MOST_WORDS = {Type.STRING: 12, Type.INT: 100}
"""Up to how many different values a column may hold the choice of a few, by type."""

_ROWS_PER_WORD = 20
_FIRST_ROWS = 1000
_KEY_TYPES = (Type.STRING, Type.INT, Type.TIMESTAMP)
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
        The different values, if they are few; None if they are many, or of a type that is no choice.
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
    """What a file is like.

    Attributes
    ----------
    name
        The file's.
    rows
        How many it has.
    columns
        What each is like, in the file's order.
    csv
        How it is written.
    key
        The columns that together tell a row from all others; empty if up to three do not.
    """

    name: str
    rows: int
    columns: Mapping[str, ColumnFacts]
    csv: Csv
    key: Key = ()

    @property
    def timestamp(self) -> str | None:
        """The last of the columns of times that are null least often: things end after they begin."""
        found = [name for name, facts in self.columns.items() if facts.type is Type.TIMESTAMP]
        return min(reversed(found), key=lambda name: self.columns[name].nulls, default=None)

    def is_choice(self, name: str) -> bool:
        """Say whether a column holds one of a few values."""
        words = self.columns[name].words
        return words is not None and 0 < len(words) * _ROWS_PER_WORD <= self.rows


def infer_file(file: BinaryIO, *, name: str, csv: Csv = PLAIN_CSV) -> FileFacts:
    """Read a file twice, for the types of its columns and for their values; once more for a key of several.

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
    columns = {
        column: ColumnFacts(left[0] if len(left) < len(_TEXT_TYPES) else Type.STRING)
        for column, left in types.items()
    }
    _check_delimiter(name, list(columns))
    schema = {column: each.type for column, each in columns.items()}

    def batches() -> Iterator[pa.RecordBatch]:
        file.seek(0)
        return read_batches(file, name=name, schema=schema, csv=csv)

    rows, sample = 0, KeySample()
    seen = {column: SeenRows() for column in columns}
    for batch in batches():
        rows += batch.num_rows
        sample.add(batch)
        for column, each in columns.items():
            _observe(each, batch.column(column), seen[column])
    facts = FileFacts(name, rows, columns, csv)
    return replace(facts, key=_key(facts, sample, batches))


def _check_delimiter(name: str, columns: Sequence[str]) -> None:
    between = next((each for each in OTHER_DELIMITERS if each in columns[0]), None)
    if len(columns) == 1 and between is not None:
        raise UploadRefused(
            f"the file {name} has one column `{columns[0]}`; if {between!r} stands between its values, "
            f"say so with `--delimiter {between!r}`"
        )


def _key(facts: FileFacts, sample: KeySample, batches: Callable[[], Iterator[pa.RecordBatch]]) -> Key:
    """Return the first column that tells a row from all others, one named after an id before others."""
    whole = [name for name, each in facts.columns.items() if not each.nulls and each.type in _KEY_TYPES]
    alone = [
        name
        for name in whole
        if facts.columns[name].unique and facts.columns[name].type is not Type.TIMESTAMP
    ]
    if alone:
        return (min(alone, key=lambda name: not name.lower().endswith(("id", "key"))),)
    names_first = sorted(whole, key=lambda name: facts.columns[name].type is not Type.STRING)
    likely = sample.likely_keys(names_first, facts.timestamp)
    found = (first_key(batches(), likely) if likely else None) or ()
    return tuple(name for name in facts.columns if name in found)


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
    # What is of another type is so from the first rows on, as a rule; and to fail on few is quick.
    if converted(array.slice(0, _FIRST_ROWS), type_) is None:
        return False
    whole = converted(array, type_)
    return whole is not None and (type_ is Type.STRING or whole.null_count < len(array))


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
        most = MOST_WORDS.get(facts.type, 0)
        facts.words |= set(pc.unique(present).to_pylist()[: most + 1])
        facts.words = facts.words if len(facts.words) <= most else None
    if facts.unique:
        facts.unique = not seen.add(hash_rows([present])).any()
