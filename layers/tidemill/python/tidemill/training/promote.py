"""Promoting a version: the champion alias moves to it, if it is still where the run saw it."""

from collections.abc import Mapping
from typing import Any

from tidemill.errors import GateFailed
from tidemill.ports import Documents
from tidemill.registry.aliases import CHAMPION, move_alias
from tidemill.registry.runs import finish_run, record_step
from tidemill.training.context import RunContext


def promote_model(
    context: RunContext, *, pinned: Mapping[str, Any], registered: Mapping[str, Any], documents: Documents
) -> dict[str, Any]:
    """Move the champion alias to the run's version.

    The version was compared with the champion that was there when the run pinned its data; if another
    one took its place meanwhile, that comparison says nothing and the alias stays.

    Parameters
    ----------
    context
        Of the run.
    pinned, registered
        What the steps ``pin_dataset`` and ``register_model`` answered.
    documents
        The experiments table.

    Returns
    -------
    dict
        ``promoted``, and the ``alias`` with the ``version`` it points at and its ``previous`` one.

    Raises
    ------
    GateFailed
        If the version did not pass its gates.
    Conflict
        If the champion changed since the run began.
    """
    if not registered["passed"]:
        raise GateFailed(
            f"version {registered['version']} of model `{context.model}` did not pass its gates; "
            f"`tidemill runs show {context.run_id}` says which"
        )
    champion = pinned["champion"]
    alias = move_alias(
        documents,
        context.model,
        CHAMPION,
        registered["version"],
        revision=champion["revision"] if champion else 0,
        at=context.at,
        by=context.run_id,
    )
    result = {
        "promoted": True,
        "alias": CHAMPION,
        "version": alias.version,
        "previous": champion["version"] if champion else None,
    }
    record_step(documents, context.run_id, "promote_model", result)
    finish_run(documents, context.run_id, at=context.at, version=alias.version, promoted=True)
    return result
