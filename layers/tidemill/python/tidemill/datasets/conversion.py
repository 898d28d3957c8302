"""What stands in a file, as a column of the declared type."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from tidemill.datasets.arrow import ARROW_TYPES
from tidemill.expressions.columns import Type

NULL_WORDS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
"""Texts that stand for no value among numbers, truths and times; in strings only the empty one does."""

_INTEGER = r"^-?(\d+|0[xX][0-9a-fA-F]+)$"  # hexadecimal, as Arrow takes it
_BEYOND_MICROSECONDS = r"(\.\d{6})\d+"
_WITH_ZONE = r"[T ]\d\d.*(Z|z|[+-]\d\d(:?\d\d)?)$"
_FIRST_MOMENT = pa.scalar(datetime.min.replace(tzinfo=UTC), ARROW_TYPES[Type.TIMESTAMP])
_LAST_MOMENT = pa.scalar(datetime.max.replace(tzinfo=UTC), ARROW_TYPES[Type.TIMESTAMP])
_WRONG = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError)

_TEXT = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_string, pa.types.is_large_string)


def converted(array: pa.Array, type_: Type) -> pa.Array | None:
    """Convert an array as it was read to the type its column is declared with.

    Text is parsed; integers may be written as ``3.0``; times without a zone are UTC; finer than
    microseconds is cut off; NaN is null.

    Parameters
    ----------
    array
        Of any Arrow type.
    type_
        The declared type.

    Returns
    -------
    pa.Array | None
        Of the type's Arrow type, as long as the array; None if one of its values can not be converted.

    Examples
    --------
    >>> converted(pa.array(["3", "4.0", "NA"]), Type.INT).to_pylist()
    [3, 4, None]
    >>> converted(pa.array([1.0, 1.5]), Type.INT) is None
    True
    """
    try:
        return _convert(array, type_)
    except _WRONG:
        return None


def shown(scalar: pa.Scalar) -> object:
    """Return a value as it stands in a file: text where it is text, bytes where it is not UTF-8."""
    if not scalar.is_valid or not any(is_text(scalar.type) for is_text in _TEXT):
        try:
            return scalar.as_py()
        except (OverflowError, ValueError):  # a time no datetime can tell
            return scalar.value
    data: bytes = scalar.cast(pa.binary()).as_py()
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _convert(array: pa.Array, type_: Type) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if any(is_text(array.type) for is_text in _TEXT):
        text = array.cast(pa.binary()).cast(pa.string())  # fails on bytes that are not UTF-8
        return _without(text, pc.equal(text, "")) if type_ is Type.STRING else _parse(text, type_)
    return _CASTS[type_](array)


def _parse(text: pa.Array, type_: Type) -> pa.Array:
    """Parse text; what takes longest to look for, and is seldom there, is looked for last."""
    with suppress(pa.ArrowInvalid):
        return _PARSERS[type_](text)
    with suppress(pa.ArrowInvalid):
        return _PARSERS[type_](_without_words(text))
    return _PATIENT_PARSERS[type_](_without_words(pc.utf8_trim_whitespace(text)))


def _without_words(text: pa.Array) -> pa.Array:
    return _without(text, pc.is_in(text, value_set=pa.array(NULL_WORDS)))


def _without(array: pa.Array, nulls: pa.Array) -> pa.Array:
    return pc.if_else(nulls, pa.scalar(None, array.type), array)


def _parse_any_int(array: pa.Array) -> pa.Array:
    plain = pc.match_substring_regex(array, _INTEGER)
    nothing = pa.scalar(None, pa.string())
    whole = pc.if_else(plain, array, nothing).cast(pa.int64())
    decimal = pc.if_else(plain, nothing, array).cast(pa.float64()).cast(pa.int64())
    return pc.coalesce(whole, decimal)


def _parse_timestamp(array: pa.Array) -> pa.Array:
    utc = ARROW_TYPES[Type.TIMESTAMP]
    with suppress(pa.ArrowInvalid):  # for a time without a zone
        return _in_calendar(array.cast(utc))
    return _in_calendar(array.cast(pa.timestamp("us")).cast(utc))


def _parse_any_timestamp(array: pa.Array) -> pa.Array:
    array = pc.replace_substring_regex(array, _BEYOND_MICROSECONDS, r"\1")
    zoned = pc.match_substring_regex(array, _WITH_ZONE)
    nothing = pa.scalar(None, pa.string())
    utc = ARROW_TYPES[Type.TIMESTAMP]
    instant = pc.if_else(zoned, array, nothing).cast(utc)
    local = pc.if_else(zoned, nothing, array).cast(pa.timestamp("us"))
    return _in_calendar(pc.coalesce(instant, local.cast(utc)))


def _in_calendar(array: pa.Array) -> pa.Array:
    """Hold times to the years that a datetime can tell, 1 to 9999."""
    outside = pc.or_(pc.less(array, _FIRST_MOMENT), pc.greater(array, _LAST_MOMENT))
    if pc.any(outside).as_py():
        raise pa.ArrowInvalid("a time outside the years 1 to 9999")
    return array


def _cast_string(array: pa.Array) -> pa.Array:
    if pa.types.is_integer(array.type) or pa.types.is_null(array.type):
        return array.cast(pa.string())  # identifiers that some tool took for numbers
    raise pa.ArrowTypeError(f"{array.type} is no text")


def _cast_int(array: pa.Array) -> pa.Array:
    if pa.types.is_boolean(array.type) or pa.types.is_temporal(array.type):
        raise pa.ArrowTypeError(f"{array.type} is no number")
    if pa.types.is_floating(array.type):
        array = _without(array, pc.is_nan(array))
    return array.cast(pa.int64())


def _cast_float(array: pa.Array) -> pa.Array:
    if pa.types.is_boolean(array.type) or pa.types.is_temporal(array.type):
        raise pa.ArrowTypeError(f"{array.type} is no number")
    return _nan_is_null(array.cast(pa.float64()))


def _nan_is_null(array: pa.Array) -> pa.Array:
    return _without(array, pc.is_nan(array))


def _cast_bool(array: pa.Array) -> pa.Array:
    if (
        pa.types.is_integer(array.type)
        and pc.all(pc.is_in(array, pa.array([0, 1, None], array.type))).as_py()
    ):
        return array.cast(pa.bool_())
    if pa.types.is_boolean(array.type) or pa.types.is_null(array.type):
        return array.cast(pa.bool_())
    raise pa.ArrowTypeError(f"{array.type} is no truth value")


def _cast_timestamp(array: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type) or pa.types.is_null(array.type):
        zone = getattr(array.type, "tz", None)
        micros = array.cast(pa.timestamp("us", tz=zone), safe=False)
        return _in_calendar(micros.cast(ARROW_TYPES[Type.TIMESTAMP]))
    raise pa.ArrowTypeError(f"{array.type} is no time")


_PARSERS: dict[Type, Callable[[pa.Array], pa.Array]] = {
    Type.INT: lambda array: array.cast(pa.int64()),
    Type.FLOAT: lambda array: _nan_is_null(array.cast(pa.float64())),
    Type.BOOL: lambda array: array.cast(pa.bool_()),
    Type.TIMESTAMP: _parse_timestamp,
}
_PATIENT_PARSERS = {**_PARSERS, Type.INT: _parse_any_int, Type.TIMESTAMP: _parse_any_timestamp}
_CASTS: dict[Type, Callable[[pa.Array], pa.Array]] = {
    Type.STRING: _cast_string,
    Type.INT: _cast_int,
    Type.FLOAT: _cast_float,
    Type.BOOL: _cast_bool,
    Type.TIMESTAMP: _cast_timestamp,
}
