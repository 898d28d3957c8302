"""Aliases: movable names for model versions, such as ``champion``, and every move they made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tidemill.errors import Conflict, GateFailed
from tidemill.ports import Documents
from tidemill.registry.versions import get_version

CHAMPION = "champion"
_MOVES_KEPT = 200  # of history, within the size of one document


@dataclass(frozen=True)
class Move:
    """An alias came to point at a version: when, and by what (a run id, or a person's reason)."""

    version: int
    at: str
    by: str


@dataclass(frozen=True)
class Alias:
    """Where an alias points. ``revision`` is what a writer must have read to move it."""

    model: str
    name: str
    moves: tuple[Move, ...]
    revision: int

    @property
    def version(self) -> int:
        """The version it points at now."""
        return self.moves[0].version


def get_alias(documents: Documents, model: str, name: str) -> Alias | None:
    """Return where an alias points, or None if it never pointed anywhere."""
    found = documents.get(_partition(model), _sort(name))
    return None if found is None else _from_document(model, name, *found)


def list_aliases(documents: Documents, model: str) -> dict[str, int]:
    """Return the version each alias of a model points at, by alias."""
    found = documents.query(_partition(model), "ALIAS#")
    return {sort.removeprefix("ALIAS#"): document["moves"][0]["version"] for sort, document in found}


def history(documents: Documents, model: str, name: str) -> tuple[Move, ...]:
    """Return the moves of an alias, the newest first; none if it never pointed anywhere."""
    alias = get_alias(documents, model, name)
    return alias.moves if alias else ()


def move_alias(
    documents: Documents, model: str, name: str, version: int, *, revision: int, at: str, by: str
) -> Alias:
    """Point an alias at a version, if nobody moved it since it was read.

    Pointer and history are one document, so one conditional write moves both. Repeating a move
    that already happened (same version, same ``by``) returns it rather than failing.

    Parameters
    ----------
    documents
        The experiments table.
    model, name, version
        Which alias, and where to.
    revision
        Of the alias the decision was based on; 0 if there was none.
    at
        When, RFC 3339 in UTC.
    by
        The run id or the reason.

    Returns
    -------
    Alias
        As it now stands.

    Raises
    ------
    NotFound
        If the model has no such version.
    GateFailed
        If the version did not pass its gates.
    Conflict
        If the alias moved meanwhile.
    """
    target = get_version(documents, model, version)
    if not target.passed:
        failed = ", ".join(gate["gate"] for gate in target.gates if not gate["passed"])
        raise GateFailed(
            f"version {version} of model `{model}` did not pass: {failed}; alias `{name}` stays where it is"
        )
    found = documents.get(_partition(model), _sort(name))
    current = None if found is None else _from_document(model, name, *found)
    if current is not None and (current.version, current.moves[0].by) == (version, by):
        return current
    moves = (Move(version, at, by), *(current.moves if current else ()))[:_MOVES_KEPT]
    try:
        written = documents.put(
            _partition(model), _sort(name), {"moves": [asdict(move) for move in moves]}, revision=revision
        )
    except Conflict:
        now = f"points at version {current.version}" if current else "is not there"
        raise Conflict(
            f"alias `{name}` of model `{model}` moved since this decision was made; it now {now}. "
            f"Compare version {version} with it and decide again"
        ) from None
    return Alias(model, name, moves, written)


def _from_document(model: str, name: str, document: Mapping[str, Any], revision: int) -> Alias:
    return Alias(model, name, tuple(Move(**move) for move in document["moves"]), revision)


def _partition(model: str) -> str:
    return f"MODEL#{model}"


def _sort(name: str) -> str:
    return f"ALIAS#{name}"
