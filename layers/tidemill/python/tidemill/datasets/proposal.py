"""Proposing a source for a file, as Python declares it: with checks that the file itself passes."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import fields

from tidemill.datasets.infer import ColumnFacts, FileFacts
from tidemill.expressions import Type
from tidemill.project.files import PLAIN_CSV, Csv

_PUBLIC_NAMES = (
    *("Bool", "Csv", "Float", "Int", "String", "Timestamp"),
    *("check", "col", "null_rate", "row_count", "unique"),
)
_LINE_CHARACTERS = 100
_FEWEST_OF_A_SCALE = (
    7  # as many as the days of a week: from so many on, whole numbers without a gap are all there are
)
_DIGITS = 2  # of a number of rows that is half another


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
    options = f"\n    csv={_written(facts.csv)}," if facts.csv != PLAIN_CSV else ""
    body = "\n".join(_arguments(facts, source)) + options
    names = ["Source", *(name for name in _PUBLIC_NAMES if _is_used(name, body))]
    return (
        f'"""Proposed for {facts.name}: {facts.rows:,} rows. Read it, and change what you know better."""\n\n'
        f"from tidemill import {', '.join(sorted(names, key=lambda name: (name.islower(), name)))}\n\n"
        f"{source} = Source(\n{body}\n)\n"
    )


def _written(csv: Csv) -> str:
    """Write how a file is written, as far as that is not as most are.

    Examples
    --------
    >>> _written(Csv(delimiter=";", quote=None))
    'Csv(delimiter=";", quote=None)'
    """
    values = {each.name: getattr(csv, each.name) for each in fields(csv)}
    differ = {name: value for name, value in values.items() if value != getattr(PLAIN_CSV, name)}
    said = (
        f"{name}={_text(value) if isinstance(value, str) else repr(value)}" for name, value in differ.items()
    )
    return f"Csv({', '.join(said)})"


def _is_used(name: str, text: str) -> bool:
    return any(f"{before}{name}{after}" in text for before in (" ", "=", "(") for after in (",", "("))


def _arguments(facts: FileFacts, source: str) -> Iterator[str]:
    yield f'    "{source}",\n    schema={{'
    for name, each in facts.columns.items():
        yield f"        {_text(name)}: {each.type.name.capitalize()},"
    yield "    },"
    if not facts.key:
        yield "    # No column tells a row from all others, nor do up to three together: name those that do."
    yield f"    key={_list(facts.key or [next(iter(facts.columns))])},"
    yield from _time(facts)
    yield "    checks=[\n" + "".join(f"        {check},\n" for check in _checks(facts)) + "    ],"


def _time(facts: FileFacts) -> Iterator[str]:
    time = facts.timestamp
    if time is None:
        yield "    # No column is a time, and a source needs one that says when a row happened: add one."
    elif facts.columns[time].nulls:
        yield f"    # Null in {facts.columns[time].nulls:,} rows, which will be put aside."
    yield f"    timestamp={_text(time or 'happened_at')},"


def _checks(facts: FileFacts) -> Iterator[str]:
    if facts.key:
        yield f"unique({', '.join(map(_text, facts.key))})"
    yield f"row_count(at_least={_about_half(facts.rows):_})"
    for name, each in facts.columns.items():
        if (name,) == facts.key or name == facts.timestamp:
            continue
        yield from _column_checks(facts, name, each)


def _column_checks(facts: FileFacts, name: str, each: ColumnFacts) -> Iterator[str]:
    column = f"col({_text(name)})"
    if each.type is Type.STRING and facts.is_choice(name):
        yield _of_choices(column, sorted(each.words or ()))
    elif each.type in (Type.INT, Type.FLOAT) and each.low is not None and math.isfinite(each.high - each.low):
        low, high = _bounds(each, is_choice=facts.is_choice(name))
        if low < high:
            yield f'check(({column} >= {low}) & ({column} <= {high}), severity="warn")'
    most = round(each.nulls / facts.rows * 1.5 + 0.01, 2)
    if most < 1:
        yield f"null_rate({_text(name)}, at_most={most})"


def _of_choices(column: str, words: Sequence[str]) -> str:
    line = f"{column}.is_in({_list(words)})"
    if len(line) <= _LINE_CHARACTERS:
        return line
    return "\n            ".join([f"{column}.is_in([", *(f"    {_text(word)}," for word in words), "])"])


def _bounds(each: ColumnFacts, *, is_choice: bool) -> tuple[float, float]:
    """Return bounds of a column that keep clear of its values; those of a scale are its ends.

    They are half the distance of its ends away, rounded to what the distance says, but not beyond zero.
    """
    low, high = each.low, each.high
    numbers = len(each.words or ())
    if low == high or (is_choice and numbers >= _FEWEST_OF_A_SCALE and numbers == high - low + 1):
        return low, high
    room = (high - low) / 2
    digits = -math.floor(math.log10(room))
    step = 10.0**-digits if each.type is Type.FLOAT else max(1.0, 10.0**-digits)
    below, above = math.floor((low - room) / step) * step, math.ceil((high + room) / step) * step
    below, above = (max(0.0, below) if low >= 0 else below), (min(0.0, above) if high <= 0 else above)
    return _plain(round(below, max(0, digits))), _plain(round(above, max(0, digits)))


def _plain(number: float) -> float:
    """Return a whole number as an int, which is how a person writes it."""
    return int(number) if number == int(number) else number


def _about_half(rows: int) -> int:
    """Return half a number of rows in two digits, or 1."""
    half = max(1, rows // 2)
    step: int = 10 ** max(0, len(str(half)) - _DIGITS)
    return half // step * step


def _list(names: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, names))}]"


def _text(text: str) -> str:
    """Write a string as Python does, in double quotes."""
    return json.dumps(text, ensure_ascii=False)
