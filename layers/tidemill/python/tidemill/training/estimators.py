"""Making an estimator that trains the same way twice, and keeping it as bytes that are equal too."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import skops.io

from tidemill.training.candidates import resolve_parameter

SEED = 0
_MEMBER_DATE = (1980, 1, 1, 0, 0, 0)


def make_estimator(factory: Callable[[], Any], params: Mapping[str, Any]) -> Any:
    """Return a fresh estimator with parameters set and every open random state fixed.

    Parameters
    ----------
    factory
        The project's function that returns one.
    params
        By parameter, or by its last part where that is clear.

    Returns
    -------
    estimator
        Not fitted.

    Raises
    ------
    CallerError
        If a parameter is not the estimator's.
    """
    estimator = factory()
    known = estimator.get_params(deep=True)
    chosen = {resolve_parameter(name, known): value for name, value in params.items()}
    seeds = {
        name: SEED
        for name, value in known.items()
        if name.split("__")[-1] == "random_state" and value is None
    }
    return estimator.set_params(**{**seeds, **chosen})


def estimator_to_bytes(estimator: Any) -> bytes:
    """Return a fitted estimator as a ``.skops`` file; equal estimators give equal bytes.

    skops names objects after their addresses in memory and dates its zip entries by the clock. Both
    are replaced here: objects are numbered in the order they appear, and entries are dated 1980.

    Parameters
    ----------
    estimator
        Of types skops can write; nothing is pickled.

    Returns
    -------
    bytes
        Readable by ``skops.io.loads``.
    """
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(estimator))) as source:
        members = {name: source.read(name) for name in source.namelist()}
    numbers: dict[str, int] = {}
    schema = _renumbered(json.loads(members.pop("schema.json")), numbers)
    arrays = {_renamed(name, numbers): data for name, data in members.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        target.writestr(
            zipfile.ZipInfo("schema.json", _MEMBER_DATE), json.dumps(schema, separators=(",", ":"))
        )
        for name, data in sorted(arrays.items()):
            target.writestr(zipfile.ZipInfo(name, _MEMBER_DATE), data)
    return buffer.getvalue()


def _renumbered(node: Any, numbers: dict[str, int]) -> Any:
    """Return the schema with every address replaced by its number, in the order of appearance."""
    if isinstance(node, list):
        return [_renumbered(each, numbers) for each in node]
    if not isinstance(node, dict):
        return node
    renumbered: dict[str, Any] = {}
    for name, value in node.items():
        if name == "__id__":
            renumbered[name] = numbers.setdefault(str(value), len(numbers))
        elif name == "file":
            renumbered[name] = _renamed(value, numbers)
        else:
            renumbered[name] = _renumbered(value, numbers)
    return renumbered


def _renamed(file: str, numbers: dict[str, int]) -> str:
    address, _, suffix = file.partition(".")
    return f"{numbers.setdefault(address, len(numbers))}.{suffix}"
