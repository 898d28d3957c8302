"""Sources that fall silent: nothing arrives that `freshness` could be judged by, so somebody must look.

A look compares the newest row there is with what its source declares. A silence is told once, and is over
as soon as a newer row is committed: whoever asks compares the newest row again, so nothing has to be lifted.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tidemill.datasets.moments import timestamp
from tidemill.datasets.tables import AT_PROPERTY, Commit, Tables
from tidemill.datasets.uploads import NEWEST_PROPERTY
from tidemill.errors import NotFound
from tidemill.ports import Documents, Events
from tidemill.project import Model, Project, Source
from tidemill.project.checks import Freshness

_PARTITION = "SILENT"
_NEVER: Mapping[str, Any] = {"over": True}
_SECONDS_A_DAY = 86_400


def sources_to_watch(project: Project, model: str) -> list[Source]:
    """Return the sources with a declared freshness that the monitor of a model looks at.

    Those it learns from, unless a model that is declared before it does too: each is looked at by one
    monitor alone. The first model's looks at those that nobody learns from.
    """
    watched = []
    for source in project.sources:
        learning = [each.name for each in project.models if source.name in _learned_from(each)]
        watcher = learning[0] if learning else project.models[0].name
        if watcher == model and _freshness(source):
            watched.append(source)
    return watched


def look_for_silence(
    project: str,
    sources: Iterable[Source],
    at: datetime,
    *,
    tables: Tables,
    documents: Documents,
    events: Events,
) -> list[dict[str, Any]]:
    """Find the sources whose newest row is older than they declare, and tell of those not told of yet.

    Parameters
    ----------
    project
        The project's name.
    sources
        Which to look at.
    at
        The moment of the look.
    tables
        Whose commits say how new their rows are.
    documents
        The experiments table, where it stands what was told.
    events
        Hears ``SourceSilent``, once a silence, and once more when another check begins to fail.

    Returns
    -------
    list of dict
        What was told of each source that is silent, now or in an earlier look; ``accepted`` says whether
        somebody let models be trained all the same.

    Raises
    ------
    Conflict
        If another look at the same source was faster; looking again is safe.
    """
    found: list[dict[str, Any]] = []
    for source in sources:
        stored, revision = documents.get(_PARTITION, source.name) or (_NEVER, 0)
        silence = _silence(project, source, at, tables)
        if silence is None:
            if not stored["over"]:
                documents.put(_PARTITION, source.name, {**stored, "over": True}, revision=revision)
            continue
        if stored["over"] or any(stored[name] != silence[name] for name in ("newest", "checks")):
            events.publish("SourceSilent", silence)
            stored = {**silence, "accepted": False, "over": False}
            documents.put(_PARTITION, source.name, stored, revision=revision)
        found.append(dict(stored))
    return found


def silences_told(documents: Documents) -> list[str]:
    """Return the sources that were silent at the last look; some may have been heard of since."""
    return [source for source, silence in documents.query(_PARTITION) if not silence["over"]]


def silence_of(documents: Documents, tables: Tables, source: str) -> dict[str, Any] | None:
    """Return what was told of a source's silence; None if it is not known to be silent, or speaks again."""
    stored = documents.get(_PARTITION, source)
    if stored is None or stored[0]["over"]:
        return None
    newest = _newest_row(_commits(tables, source))
    return stored[0] if newest is not None and timestamp(newest) == stored[0]["newest"] else None


def blocking_silence(documents: Documents, tables: Tables, source: str) -> dict[str, Any] | None:
    """Return the silence that a source's checks let no model be trained in, or None."""
    silence = silence_of(documents, tables, source)
    if silence is None or silence["accepted"]:
        return None
    refuses = any(each["severity"] == "refuse" for each in silence["checks"])
    return silence if refuses else None


def accept_silence(documents: Documents, tables: Tables, source: str) -> Mapping[str, Any] | None:
    """Let models be trained in a source's present silence; return it, None if it blocked nothing."""
    silence = blocking_silence(documents, tables, source)
    if silence is not None:
        documents.put(_PARTITION, source, {**silence, "accepted": True})
    return silence


def _silence(project: str, source: Source, at: datetime, tables: Tables) -> dict[str, Any] | None:
    """Return a silence as it is told; a source that nothing ever came from has none to fall into."""
    commits = _commits(tables, source.name)
    newest = _newest_row(commits)
    if newest is None:
        return None
    age_seconds = (at - newest).total_seconds()
    failing = [each for each in _freshness(source) if age_seconds > each.seconds]
    if not failing:
        return None
    return {
        "project": project,
        "source": source.name,
        "newest": timestamp(newest),
        "arrived": commits[-1].properties.get(AT_PROPERTY),
        "days": round(age_seconds / _SECONDS_A_DAY, 1),
        "checks": [{"check": each.text, "severity": each.severity} for each in failing],
        "at": timestamp(at),
    }


def _learned_from(model: Model) -> set[str]:
    return {model.observations.source.name, *(view.source.name for view in model.views)}


def _freshness(source: Source) -> list[Freshness]:
    return [each for each in source.upload_checks if isinstance(each, Freshness)]


def _commits(tables: Tables, source: str) -> list[Commit]:
    try:
        return list(tables.commits(source))
    except NotFound:
        return []


def _newest_row(commits: Iterable[Commit]) -> datetime | None:
    """Return when the newest row is from; a commit that does not say stands for as new as its arrival."""
    said = (each.properties.get(NEWEST_PROPERTY, each.properties.get(AT_PROPERTY)) for each in commits)
    return max((datetime.fromisoformat(moment) for moment in said if moment), default=None)
