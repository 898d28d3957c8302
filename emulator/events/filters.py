"""Filter criteria of event source mappings: which messages and records a function gets to see."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from emulator.events.patterns import matches


def compile_filters(criteria: Mapping[str, Any] | None) -> Callable[[Mapping[str, Any]], bool]:
    """Read a mapping's `FilterCriteria`.

    Parameters
    ----------
    criteria
        `{"Filters": [{"Pattern": "..."}]}`; None and no filters let everything through.

    Returns
    -------
    callable
        Says whether one record passes: one filter that matches is enough.

    Examples
    --------
    >>> passes = compile_filters({"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]})
    >>> passes({"eventName": "INSERT"}), passes({"eventName": "REMOVE"})
    (True, False)
    """
    filters = (criteria or {}).get("Filters") or []
    patterns = [json.loads(entry["Pattern"]) for entry in filters]
    return lambda record: not patterns or any(matches(pattern, record) for pattern in patterns)
