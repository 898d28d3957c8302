"""Definitions as people would declare them: what a feature is, when a row is known, how long."""

from collections.abc import Mapping
from typing import Any

from tidemill.expressions.expression import Call, ColumnRef, Expr, Literal, from_json

_SECOND_US = 1_000_000
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_DAYS = ("thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday")  # from 1970-01-01 on


def describe_feature(feature: Mapping[str, Any]) -> str:
    """Write a feature as it might be declared.

    Parameters
    ----------
    feature
        One of the features of a view's ``definition()``.

    Examples
    --------
    >>> from tidemill.expressions import col
    >>> value = col("delay").to_json()
    >>> window = {"window_seconds": 14 * 86_400, "hop_seconds": 86_400}
    >>> describe_feature({"kind": "mean", "type": "float", "value": value, **window})
    'mean(col("delay"), over="14d", hop="1d"): float'
    >>> describe_feature({"kind": "latest", "type": "string", "value": value})
    'latest(col("delay")): string'
    """
    said = [] if feature["value"] is None else [repr(from_json(feature["value"]))]
    if "window_seconds" in feature:
        over, hop = describe_length(feature["window_seconds"]), describe_length(feature["hop_seconds"])
        said += [f'over="{over}"', f'hop="{hop}"']
    if feature.get("at_most"):
        said.append(f"at_most={feature['at_most']}")
    return f"{feature['kind']}({', '.join(said)}): {feature['type']}"


def describe_known(known: Expr) -> str:
    """Write the moment at which a row is known as the rule that was declared, or its column.

    Parameters
    ----------
    known
        A view's ``known``.

    Examples
    --------
    >>> from tidemill.project import Delay, Weekly
    >>> describe_known(Weekly(on="monday", at="06:30").expression("landed_at"))
    'Weekly(on="monday", at="06:30") after landed_at'
    >>> describe_known(Delay("90min").expression("landed_at"))
    'Delay("90min") after landed_at'
    """
    match known:
        case ColumnRef(name):
            return name
        case Call("later", (ColumnRef(name), Literal(value=int(delay)))):
            return f'Delay("{describe_length(delay // _SECOND_US)}") after {name}'
        case Call("next_weekly", (ColumnRef(name), Literal(value=int(offset)))):
            days, seconds = divmod(offset // _SECOND_US, 86_400)
            at = f"{seconds // 3_600:02}:{seconds % 3_600 // 60:02}"
            return f'Weekly(on="{_DAYS[days]}", at="{at}") after {name}'
        case _:
            return repr(known)


def describe_length(seconds: int) -> str:
    """Write a length of time in the largest unit that it is a whole number of.

    Parameters
    ----------
    seconds
        The length.

    Examples
    --------
    >>> [describe_length(seconds) for seconds in (1_209_600, 7_200, 5_400, 90)]
    ['14d', '2h', '90min', '90s']
    """
    unit, length = next((unit, length) for unit, length in _UNITS if seconds % length == 0)
    return f"{seconds // length}{unit}"
