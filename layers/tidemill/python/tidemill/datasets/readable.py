"""Converting what can be converted, and telling which values can not."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidemill.datasets.conversion import NULL_WORDS, converted
from tidemill.expressions.columns import Type

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

# Every text that can be converted is of its type's form; most that can not are told by it at once.
_FORMS = {
    Type.INT: r"^-?0[xX]|[eE]|^[-+]?\d*\.?0*$",
    Type.FLOAT: r"(?i)^[-+]?([0-9.]+(e[-+]?[0-9]+)?|inf(inity)?|nan)$",
    Type.BOOL: r"(?i)^(true|false|0|1)$",
    Type.TIMESTAMP: r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([T ]([01]\d|2[0-3])(:?[0-5]\d)*[^a-y]*)?$",
}


class RawRows(NamedTuple):
    """Rows as they stand in a file.

    Attributes
    ----------
    batch
        Columns of whatever types the format has.
    numbers
        Which rows of the file, shape (n_rows,), from 1.
    unread
        Which of them are known already not to be readable, shape (n_rows,).
    """

    batch: pa.RecordBatch
    numbers: Numbers
    unread: Mask


def convert_readable(
    array: pa.Array, type_: Type, *, suspected: bool = False
) -> tuple[pa.Array, Mask | None]:
    """Convert an array, with null for what can not be converted.

    Parameters
    ----------
    array
        Of any Arrow type.
    type_
        The declared type.
    suspected
        Whether some values are likely not to be convertible, as they were not in the column so far: then
        they are looked for at once, for to fail on an array costs more than to convert it.

    Returns
    -------
    tuple[pa.Array, Mask | None]
        The values, and which of them could not be converted; None where all could.

    Examples
    --------
    >>> values, wrong = convert_readable(pa.array(["1", "one", "NA"]), Type.INT)
    >>> values.to_pylist(), wrong.tolist()
    ([1, None, None], [False, True, False])
    """
    whole = None if suspected else converted(array, type_)
    if whole is not None:
        return whole, None
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    wrong = _wrong(array, type_)
    rest = pc.if_else(pa.array(wrong), pa.scalar(None, array.type), array)
    if rest.null_count == len(rest):  # its own type may be one that nothing can be converted from
        rest = pa.nulls(len(rest))
    return converted(rest, type_), wrong if wrong.any() else None


def _wrong(array: pa.Array, type_: Type) -> Mask:
    if converted(pa.nulls(1, array.type), type_) is None:  # no value of such a column can be converted
        is_value: Mask = array.is_valid().to_numpy(zero_copy_only=False)
        return is_value
    encoded = array.dictionary_encode()
    of_distinct = _unreadable(encoded.dictionary, type_)
    places = pc.fill_null(encoded.indices, len(of_distinct)).to_numpy()
    wrong: Mask = np.append(of_distinct, np.False_)[places]
    return wrong


def _unreadable(distinct: pa.Array, type_: Type) -> Mask:
    """Say which of some values can not be converted, by halving until each part can be or is one value."""
    wrong = ~_of_form(distinct, type_)
    rest = np.flatnonzero(~wrong)
    parts = [rest] if len(rest) else []
    while parts:
        part = parts.pop()
        if converted(distinct.take(pa.array(part)), type_) is not None:
            continue
        if len(part) == 1:
            wrong[part] = True
        else:
            parts += np.array_split(part, 2)
    return wrong


def _of_form(distinct: pa.Array, type_: Type) -> Mask:
    """Say which values may be convertible, as far as their form tells."""
    all_may = np.ones(len(distinct), dtype=np.bool_)
    try:
        text = distinct.cast(pa.binary()).cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # no text, or some of it not UTF-8
        return all_may
    if type_ not in _FORMS or not _is_text(distinct):
        return all_may
    trimmed = pc.utf8_trim_whitespace(text)
    nulls = pc.is_in(trimmed, value_set=pa.array(NULL_WORDS))
    may: Mask = pc.or_(nulls, pc.match_substring_regex(trimmed, _FORMS[type_])).to_numpy(zero_copy_only=False)
    return may


def _is_text(array: pa.Array) -> bool:
    kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_string, pa.types.is_large_string)
    return any(is_kind(array.type) for is_kind in kinds)
