"""Conditions of IAM statements: one holds, does not hold, or cannot be judged here.

A key is in the request's context, or it is one the local cloud knows and this request does not carry
(AWS then has rules of its own), or the local cloud does not know it: then the answer is None.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Context = Mapping[str, str]
"""Values by key, each key in lower case."""

KNOWN_KEYS = frozenset(
    {
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principaltype",
        "aws:resourceaccount",
        "aws:requestedregion",
        "aws:securetransport",
        "aws:sourceip",
        "aws:useragent",
        "s3:prefix",
        "s3:delimiter",
        "s3:max-keys",
        "s3:versionid",
    }
)
"""Keys whose absence from a request means something."""

Compare = Callable[[str, str], bool]
"""Holds a request's value against a policy's; raises ValueError when either is not of the operator's kind."""


def matcher(patterns: Sequence[str], *, ignore_case: bool = False) -> re.Pattern[str]:
    """Compile IAM patterns into one expression: ``*`` stands for any text, ``?`` for one character.

    Parameters
    ----------
    patterns
        The patterns, of which one must match.
    ignore_case
        Whether upper and lower case are the same.

    Returns
    -------
    re.Pattern
        To be used with ``fullmatch``.

    Examples
    --------
    >>> bool(matcher(["s3:Get*", "s3:Put?bject"], ignore_case=True).fullmatch("s3:putobject"))
    True
    """
    parts = [re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") for pattern in patterns]
    return re.compile("|".join(parts) or r"(?!)", re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _like(value: str, pattern: str) -> bool:
    return matcher([pattern]).fullmatch(value) is not None


def _in_network(value: str, network: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)


def _time(text: str) -> datetime:
    if text.isdecimal():
        return datetime.fromtimestamp(int(text), UTC)
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


_COMPARISONS: dict[str, Compare] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.casefold() == wanted.casefold(),
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda value, wanted: value.casefold() == wanted.casefold(),
    "NumericEquals": lambda value, wanted: float(value) == float(wanted),
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
    "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
    "NumericGreaterThan": lambda value, wanted: float(value) > float(wanted),
    "NumericGreaterThanEquals": lambda value, wanted: float(value) >= float(wanted),
    "DateEquals": lambda value, wanted: _time(value) == _time(wanted),
    "DateLessThan": lambda value, wanted: _time(value) < _time(wanted),
    "DateLessThanEquals": lambda value, wanted: _time(value) <= _time(wanted),
    "DateGreaterThan": lambda value, wanted: _time(value) > _time(wanted),
    "DateGreaterThanEquals": lambda value, wanted: _time(value) >= _time(wanted),
    "IpAddress": _in_network,
}
_NEGATIONS = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}


def hold(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool | None:
    """Say whether all conditions of a statement hold.

    Parameters
    ----------
    conditions
        A statement's ``Condition``: keys and wanted values by operator.
    context
        The request's values.

    Returns
    -------
    bool or None
        None when none fails, and one uses a key or operator that is unknown here.

    Examples
    --------
    >>> hold({"StringLike": {"s3:prefix": ["uploads/*"]}}, {"s3:prefix": "uploads/today"})
    True
    >>> hold({"StringLike": {"s3:prefix": ["uploads/*"]}}, {})
    False
    >>> hold({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, {}) is None
    True
    """
    answers = [
        _holds(operator, key.lower(), _texts(wanted), context)
        for operator, entries in conditions.items()
        for key, wanted in entries.items()
    ]
    if False in answers:
        return False
    return None if None in answers else True


def _texts(values: Any) -> list[str]:
    listed = values if isinstance(values, list) else [values]
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in listed]


def _holds(operator: str, key: str, wanted: list[str], context: Context) -> bool | None:
    if key not in context and key not in KNOWN_KEYS:
        return None
    value = context.get(key)
    if operator == "Null":
        return (value is None) == (wanted[0].lower() == "true")
    name = operator.removesuffix("IfExists")
    negated = name in _NEGATIONS
    compare = _COMPARISONS.get(_NEGATIONS.get(name, name))
    if compare is None or any("${" in text for text in wanted):
        return None
    if value is None:  # as in AWS: what is absent equals nothing
        return negated or name != operator
    try:
        found = any(compare(value, text) for text in wanted)
    except ValueError:
        return None
    return found != negated
