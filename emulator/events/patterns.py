"""Event patterns, as EventBridge documents them: which events a rule, an archive or a filter lets through.

A pattern has the shape of the events it matches. Where an event has a value, the pattern has a list of
what the value may be: values themselves, or objects of one operator. A list in an event stands for any of
its elements, and fields asked for together must be found in the same element.

References
----------
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_OR = "$or"
_IGNORE_CASE = "equals-ignore-case"
_MISSING = object()
_LIMIT = 5e9
_NUMERIC: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class InvalidPatternError(ValueError):
    """EventBridge would not take the pattern; the message says what is wrong with it."""


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Say whether an event matches a pattern.

    Parameters
    ----------
    pattern
        A pattern that `check` takes.
    event
        The event, as JSON is read.

    Returns
    -------
    bool
        Whether every field of the pattern is found.

    Examples
    --------
    >>> event = {"detail": {"state": "failed", "sizes": [1, 20]}}
    >>> matches({"detail": {"state": [{"prefix": "fail"}], "sizes": [{"numeric": [">", 10]}]}}, event)
    True
    >>> matches({"detail": {"state": [{"anything-but": ["failed"]}]}}, event)
    False
    """
    if isinstance(event, list):
        return any(matches(pattern, element) for element in event)
    return all(_field_matches(name, wanted, event) for name, wanted in pattern.items())


def check(pattern: Any, path: str = "") -> None:
    """Make sure that a pattern can be matched.

    Parameters
    ----------
    pattern
        The pattern, as JSON is read.
    path
        Where it stands in a larger one.

    Raises
    ------
    InvalidPatternError
        It cannot.
    """
    if not isinstance(pattern, dict):
        raise InvalidPatternError(f"{path or 'Filter'} is not an object")
    for name, wanted in pattern.items():
        here = f"{path}.{name}" if path else name
        if name == _OR and _is_alternatives(wanted):
            for alternative in wanted:
                check(alternative, here)
        elif isinstance(wanted, dict):
            check(wanted, here)
        elif isinstance(wanted, list):
            _check_leaf(wanted, here)
        else:
            raise InvalidPatternError(f'"{name}" must be an object or an array')


def _field_matches(name: str, wanted: Any, event: Any) -> bool:
    if name == _OR and _is_alternatives(wanted):
        return any(matches(alternative, event) for alternative in wanted)
    found = event.get(name, _MISSING) if isinstance(event, Mapping) else _MISSING
    if isinstance(wanted, Mapping):
        return matches(wanted, found)
    return any(_leaf_matches(entry, found) for entry in wanted)


def _is_alternatives(wanted: Any) -> bool:
    return (
        isinstance(wanted, list) and len(wanted) > 1 and all(isinstance(entry, Mapping) for entry in wanted)
    )


def _leaf_matches(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping) and "exists" in wanted:
        return bool(_values(found)) is wanted["exists"]
    return any(_value_matches(wanted, value) for value in _values(found))


def _values(found: Any) -> list[Any]:
    """List the values that stand at a leaf: of a list its elements, of an object none."""
    if found is _MISSING or isinstance(found, Mapping):
        return []
    if isinstance(found, list):
        return [value for element in found for value in _values(element)]
    return [found]


def _value_matches(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, Mapping):
        return _equals(wanted, value)
    ((name, argument),) = wanted.items()
    return _OPERATORS[name](argument, value)


def _equals(wanted: Any, value: Any) -> bool:
    # True equals 1 in Python, not in JSON; 3 equals 3.0 in both.
    return isinstance(wanted, bool) == isinstance(value, bool) and bool(wanted == value)


def _prefix(argument: Any, value: Any) -> bool:
    return _affix(argument, value, str.startswith)


def _suffix(argument: Any, value: Any) -> bool:
    return _affix(argument, value, str.endswith)


def _affix(argument: Any, value: Any, test: Callable[[str, str], bool]) -> bool:
    if not isinstance(value, str):
        return False
    if isinstance(argument, Mapping):
        return any(test(value.lower(), str(entry).lower()) for entry in _listed(argument[_IGNORE_CASE]))
    return any(test(value, entry) for entry in _listed(argument))


def _ignoring_case(argument: Any, value: Any) -> bool:
    return isinstance(value, str) and value.lower() in {str(entry).lower() for entry in _listed(argument)}


def _wildcard(argument: Any, value: Any) -> bool:
    return isinstance(value, str) and any(_glob(entry).fullmatch(value) for entry in _listed(argument))


def _glob(text: str) -> re.Pattern[str]:
    r"""Compile a wildcard: ``*`` is any text, a backslash takes the next character as it is.

    Examples
    --------
    >>> bool(_glob("a*c").fullmatch("abbc")), bool(_glob(r"a\*c").fullmatch("abbc"))
    (True, False)
    """
    parts = re.findall(r"\\.|.", text, re.DOTALL)
    pattern = "".join(".*" if part == "*" else re.escape(part[-1]) for part in parts)
    return re.compile(pattern, re.DOTALL)


def _anything_but(argument: Any, value: Any) -> bool:
    if isinstance(argument, Mapping):
        return not _value_matches(argument, value)
    return not any(_equals(entry, value) for entry in _listed(argument))


def _numeric(argument: Any, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    pairs = zip(argument[::2], argument[1::2], strict=True)
    return all(_NUMERIC[sign](value, limit) for sign, limit in pairs)


def _cidr(argument: Any, value: Any) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(argument, strict=False)
    except ValueError:  # a value that is no address lies in no network
        return False


def _listed(argument: Any) -> list[Any]:
    return argument if isinstance(argument, list) else [argument]


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    _IGNORE_CASE: _ignoring_case,
    "wildcard": _wildcard,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
}
_BUT_OPERATORS = frozenset({"prefix", "suffix", _IGNORE_CASE, "wildcard"})


def _check_leaf(wanted: list[Any], path: str) -> None:
    if not wanted:
        raise InvalidPatternError("Empty arrays are not allowed")
    for entry in wanted:
        if isinstance(entry, list):
            raise InvalidPatternError(f"Match value must be String, number, true, false, or null at {path}")
        if isinstance(entry, Mapping):
            _check_operator(entry, path)


def _check_operator(entry: Mapping[str, Any], path: str) -> None:
    if len(entry) != 1:
        raise InvalidPatternError(f"Only one key allowed in match expression at {path}")
    ((name, argument),) = entry.items()
    if name == "exists":
        if not isinstance(argument, bool):
            raise InvalidPatternError(f"exists match pattern must be either true or false at {path}")
    elif name not in _OPERATORS:
        raise InvalidPatternError(f"Unrecognized match type {name} at {path}")
    else:
        _CHECKS[name](argument, path)


def _check_text(argument: Any, path: str) -> None:
    if not isinstance(argument, str):
        raise InvalidPatternError(f"match pattern must be a string at {path}")


def _check_affix(argument: Any, path: str) -> None:
    if isinstance(argument, Mapping):
        if set(argument) != {_IGNORE_CASE}:
            raise InvalidPatternError(f"Unsupported match pattern {', '.join(argument)} at {path}")
        argument = argument[_IGNORE_CASE]
    _check_text(argument, path)


def _check_wildcard(argument: Any, path: str) -> None:
    _check_text(argument, path)
    if re.search(r"(?<!\\)\*\*", argument):
        raise InvalidPatternError(f"Consecutive wildcard characters at {path}")


def _check_anything_but(argument: Any, path: str) -> None:
    if isinstance(argument, Mapping):
        if len(argument) != 1 or not set(argument) <= _BUT_OPERATORS:
            raise InvalidPatternError(f"Unsupported anything-but pattern {', '.join(argument)} at {path}")
        ((name, inner),) = argument.items()
        for text in _listed(inner):
            _CHECKS[name](text, path)
    elif not all(isinstance(entry, str | int | float) for entry in _listed(argument)) or argument == []:
        raise InvalidPatternError(f"Value of anything-but must be an array or single value at {path}")


def _check_numeric(argument: Any, path: str) -> None:
    if not isinstance(argument, list) or len(argument) not in {2, 4}:
        raise InvalidPatternError(f"Value of numeric must be an array of an operator and a number at {path}")
    for sign, limit in zip(argument[::2], argument[1::2], strict=True):
        if sign not in _NUMERIC:
            raise InvalidPatternError(f"Unrecognized numeric range operator: {sign} at {path}")
        if isinstance(limit, bool) or not isinstance(limit, int | float) or abs(limit) > _LIMIT:
            raise InvalidPatternError(f"Value of {sign} must be between -5.0E9 and 5.0E9 at {path}")


def _check_cidr(argument: Any, path: str) -> None:
    _check_text(argument, path)
    try:
        ipaddress.ip_network(argument, strict=False)
    except ValueError as error:
        raise InvalidPatternError(f"Malformed CIDR, {error} at {path}") from error


_CHECKS: Mapping[str, Callable[[Any, str], None]] = {
    "prefix": _check_affix,
    "suffix": _check_affix,
    _IGNORE_CASE: _check_text,
    "wildcard": _check_wildcard,
    "anything-but": _check_anything_but,
    "numeric": _check_numeric,
    "cidr": _check_cidr,
}
