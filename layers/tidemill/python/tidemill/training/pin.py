"""Pinning a run to what it will see: a snapshot of every source, a cutoff, and the champion of the moment.

The steps that follow read nothing else of the changing world, which is what lets them be repeated.
"""

from datetime import datetime
from pathlib import PurePosixPath
from textwrap import shorten
from typing import Any

from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.blocking import blocking_refusal
from tidemill.datasets.silence import blocking_silence
from tidemill.datasets.tables import Commit, Tables
from tidemill.datasets.versions import DatasetVersion
from tidemill.errors import CallerError, NotFound
from tidemill.ports import Documents
from tidemill.project import Model
from tidemill.registry.aliases import CHAMPION, get_alias
from tidemill.registry.runs import get_run, record_step, start_run
from tidemill.registry.versions import get_version
from tidemill.training.context import RunContext

# The whole message stays whole where people read it, as one line with the command to go on with at its end.
_CHECKS_CHARACTERS = 120


def pin_dataset(context: RunContext, model: Model, *, tables: Tables, documents: Documents) -> dict[str, Any]:
    """Start the run and record exactly which rows it sees; doing it again answers the same.

    Parameters
    ----------
    context
        Of the run; its ``at`` is the cutoff.
    model
        The declaration.
    tables
        The project's tables; every pinned snapshot is tagged, so that expiry leaves it alone.
    documents
        The experiments table.

    Returns
    -------
    dict
        ``dataset``: the dataset version; ``champion``: its ``version``,
        ``package``, ``training_set`` and the alias's ``revision``, or None.

    Raises
    ------
    CallerError
        If a source has no commits, is blocked because its newest upload failed its checks, or has been
        silent for longer than a check that refuses allows.
    """
    start_run(
        documents,
        context.run_id,
        model=context.model,
        at=context.at,
        reason=context.reason,
        overrides=context.overrides,
    )
    recorded = get_run(documents, context.run_id).steps.get("pin_dataset")
    if recorded is not None:
        return dict(recorded)
    declared = [model.observations.source, *(view.source for view in model.views)]
    sources = {source.name: source for source in sorted(declared, key=lambda source: source.name)}
    for name in sources:
        _hold_unblocked(documents, name, model.name)
        _hold_heard(documents, tables, name, model.name)
    snapshots = {name: _newest(tables, name, model.name).snapshot_id for name in sources}
    for name, source in sources.items():  # the declaration may be newer than the last upload
        tables.ensure(name, arrow_schema(source.schema), was=source.was)
    for name, snapshot_id in snapshots.items():
        tables.tag(name, snapshot_id, f"run-{context.run_id}")
    result = {
        "dataset": DatasetVersion(snapshots, datetime.fromisoformat(context.at)).to_json(),
        "champion": _champion(documents, model.name),
    }
    record_step(documents, context.run_id, "pin_dataset", result)
    return result


def _hold_unblocked(documents: Documents, source: str, model: str) -> None:
    refusal = blocking_refusal(documents, source)
    if refusal is not None:
        named = refusal.get("failed", ["its checks"])  # they were not noted at first
        failed = shorten(" and ".join(named), _CHECKS_CHARACTERS, placeholder=" …")
        raise CallerError(
            f"source `{source}`, which model `{model}` learns from, is blocked since {refusal['at']}: "
            f"{PurePosixPath(refusal['upload']['key']).name} failed {failed}; "
            f"upload it corrected, or `tidemill data unblock {source}` to train without it; "
            f"`tidemill data log {source}` names its report"
        )


def _hold_heard(documents: Documents, tables: Tables, source: str, model: str) -> None:
    silence = blocking_silence(documents, tables, source)
    if silence is not None:
        asked = " and ".join(each["check"] for each in silence["checks"])
        raise CallerError(
            f"source `{source}`, which model `{model}` learns from, is silent: its newest row is of "
            f"{silence['newest']}, {silence['days']} days old on {silence['at']}, and it asks for {asked}; "
            f"upload newer rows, or `tidemill data unblock {source}` to train without them"
        )


def _newest(tables: Tables, source: str, model: str) -> Commit:
    try:
        commits = tables.commits(source, last=1)
    except NotFound:
        commits = []
    if not commits:
        raise CallerError(
            f"source `{source}`, which model `{model}` learns from, has no commits; "
            f"`tidemill upload {source} FILE` makes one"
        )
    return commits[-1]


def _champion(documents: Documents, model: str) -> dict[str, Any] | None:
    alias = get_alias(documents, model, CHAMPION)
    if alias is None:
        return None
    version = get_version(documents, model, alias.version)
    return {
        "version": version.version,
        "package": version.package,
        "training_set": version.lineage["training_set"],
        "revision": alias.revision,
    }
