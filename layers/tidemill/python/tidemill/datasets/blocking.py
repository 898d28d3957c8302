"""Sources whose newest data failed their checks: no model is trained from them until that is settled.

A refusal by checks blocks its source. A later upload that is committed lifts the block, and so does
somebody who has looked. What comes late or again changes nothing: a refusal that is older than the
newest commit, or than the last time a block was lifted, does not block.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tidemill.datasets.tables import AT_PROPERTY, Tables
from tidemill.errors import NotFound
from tidemill.ports import Documents

_PARTITION = "SOURCES"


def block(documents: Documents, tables: Tables, refusal: Mapping[str, Any]) -> bool:
    """Block a source for an upload that its checks refused.

    Parameters
    ----------
    documents
        The experiments table.
    tables
        Whose newest commit may be younger than the refused upload.
    refusal
        ``source``, ``at``, ``upload``, ``error`` and ``report_key``.

    Returns
    -------
    bool
        Whether the source is blocked now.
    """
    source, at = str(refusal["source"]), str(refusal["at"])
    state, revision = documents.get(_PARTITION, source) or ({}, 0)
    lifted, committed = state.get("lifted_at"), _newest_commit(tables, source)
    # Of the same second, a commit may have come before; what was lifted is lifted.
    if (lifted and not _before(lifted, at)) or (committed and _before(at, committed)):
        return False
    documents.put(_PARTITION, source, {**state, "blocked": dict(refusal)}, revision=revision)
    return True


def lift(documents: Documents, source: str, *, since: str | None = None) -> Mapping[str, Any] | None:
    """Lift the block of a source, if it has one that is not younger.

    Parameters
    ----------
    documents
        The experiments table.
    source
        The source's name.
    since
        When the upload arrived that was committed, RFC 3339 in UTC; None if somebody looked and lifts
        the block whenever it began.

    Returns
    -------
    Mapping[str, Any] | None
        The refusal that was lifted; None if the source was not blocked, or by a later one.
    """
    state, revision = documents.get(_PARTITION, source) or ({}, 0)
    refusal: Mapping[str, Any] | None = state.get("blocked")
    if refusal is None or (since is not None and _before(since, refusal["at"])):
        return None
    lifted = {"blocked": None, "lifted_at": since or refusal["at"]}
    documents.put(_PARTITION, source, lifted, revision=revision)
    return refusal


def blocking_refusal(documents: Documents, source: str) -> Mapping[str, Any] | None:
    """Return the refusal a source is blocked for, or None."""
    stored = documents.get(_PARTITION, source)
    return None if stored is None else stored[0].get("blocked")


def blocked_sources(documents: Documents) -> dict[str, Mapping[str, Any]]:
    """Return by source the refusal it is blocked for."""
    return {name: state["blocked"] for name, state in documents.query(_PARTITION) if state.get("blocked")}


def _before(one: str, other: str) -> bool:
    return datetime.fromisoformat(one) < datetime.fromisoformat(other)


def _newest_commit(tables: Tables, source: str) -> str | None:
    try:
        newest = tables.commits(source, last=1)
    except NotFound:
        return None
    return newest[-1].properties.get(AT_PROPERTY) if newest else None
