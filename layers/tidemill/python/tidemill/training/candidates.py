"""Candidates: every combination of the values to try, with what was set by hand."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tidemill.errors import CallerError, did_you_mean


def candidates(search: Mapping[str, Sequence[Any]], overrides: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one item for each set of hyperparameters to try.

    Parameters
    ----------
    search
        The values to try for each parameter, as declared.
    overrides
        Parameters set by hand; a parameter that is searched may be named by its last part.

    Returns
    -------
    list of dict
        Each ``{"params": {...}}``; at least one.

    Examples
    --------
    >>> candidates({"tree__max_iter": [100, 200], "tree__learning_rate": [0.1]}, {})
    [{'params': {'tree__max_iter': 100, 'tree__learning_rate': 0.1}},
     {'params': {'tree__max_iter': 200, 'tree__learning_rate': 0.1}}]
    >>> candidates({"tree__max_iter": [100, 200]}, {"max_iter": 300, "tree__l2_regularization": 1.0})
    [{'params': {'tree__max_iter': 300, 'tree__l2_regularization': 1.0}}]
    """
    grid = {name: list(values) for name, values in search.items()}
    for name, value in overrides.items():
        grid[_among(name, search) or name] = [value]
    return [{"params": dict(zip(grid, values, strict=True))} for values in itertools.product(*grid.values())]


def resolve_parameter(name: str, known: Iterable[str]) -> str:
    """Return the estimator's parameter that a name means.

    Parameters
    ----------
    name
        A parameter, or its last part if only one parameter ends so.
    known
        The estimator's parameters.

    Returns
    -------
    str
        One of ``known``.

    Raises
    ------
    CallerError
        If no parameter is meant, or several.

    Examples
    --------
    >>> resolve_parameter("max_iter", ["tree__max_iter", "tree__max_depth"])
    'tree__max_iter'
    """
    names = list(known)
    found = _among(name, names)
    if found is not None:
        return found
    several = [each for each in names if each.endswith(f"__{name}")]
    if several:
        raise CallerError(f"parameter `{name}` could be any of {', '.join(several)}; write one of them out")
    raise CallerError(f"the estimator has no parameter `{name}`{did_you_mean(name, names)}")


def _among(name: str, known: Iterable[str]) -> str | None:
    names = list(known)
    ending = [each for each in names if each.endswith(f"__{name}")]
    if name in names:
        return name
    return ending[0] if len(ending) == 1 else None
