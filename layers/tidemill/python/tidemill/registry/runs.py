"""Runs: one execution of the training state machine each, with what every step answered."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from tidemill.errors import CallerError, Conflict, NotFound
from tidemill.ports import Documents

Status = Literal["running", "finished", "failed"]
_ATTEMPTS = 8


@dataclass(frozen=True)
class Run:
    """One execution of the training state machine.

    ``steps`` holds what each step answered, by its name in snake case; ``overrides`` the parameters
    that were set by hand; times are RFC 3339 in UTC. ``version`` is the model version it registered.
    """

    run_id: str
    model: str
    started_at: str
    reason: Mapping[str, Any]
    overrides: Mapping[str, Any]
    status: Status = "running"
    steps: Mapping[str, Any] = field(default_factory=dict)
    finished_at: str | None = None
    version: int | None = None
    promoted: bool = False
    failure: Mapping[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Run":
        """Return the run that ``to_json`` wrote."""
        return Run(**data)


def start_run(
    documents: Documents,
    run_id: str,
    *,
    model: str,
    at: str,
    reason: Mapping[str, Any],
    overrides: Mapping[str, Any],
) -> Run:
    """Record that a run has begun; beginning the same run again returns it as it stands.

    Parameters
    ----------
    documents
        The experiments table.
    run_id
        The execution's name.
    model
        Name of the model trained.
    at
        When, RFC 3339 in UTC.
    reason
        Why, as ``{"kind": ..., "detail": ...}``.
    overrides
        Parameters set by hand.

    Returns
    -------
    Run
        The stored run.

    Raises
    ------
    CallerError
        If the id already names a run of another model.
    """
    run = Run(run_id=run_id, model=model, started_at=at, reason=dict(reason), overrides=dict(overrides))
    try:
        documents.put(f"RUN#{run_id}", "RUN", run.to_json(), revision=0)
    except Conflict:
        run = get_run(documents, run_id)
        if run.model != model:
            raise CallerError(
                f"run `{run_id}` already trains model `{run.model}`; start `{model}` under another name"
            ) from None
    _list_it(documents, run)
    return run


def record_step(documents: Documents, run_id: str, step: str, result: Mapping[str, Any]) -> Run:
    """Keep what a step answered on its run; a repeated step overwrites its own answer.

    Raises
    ------
    NotFound
        If there is no such run.
    """
    return _update(documents, run_id, lambda run: replace(run, steps={**run.steps, step: dict(result)}))


def finish_run(documents: Documents, run_id: str, *, at: str, version: int, promoted: bool) -> Run:
    """Record that a run reached its end, with the version it registered.

    Raises
    ------
    NotFound
        If there is no such run.
    """
    return _update(
        documents,
        run_id,
        lambda run: replace(run, status="finished", finished_at=at, version=version, promoted=promoted),
    )


def fail_run(documents: Documents, run_id: str, *, at: str, step: str, error: str, cause: str) -> Run:
    """Record that a run failed, in which step, and why.

    Raises
    ------
    NotFound
        If there is no such run.
    """
    failure = {"step": step, "error": error, "cause": cause}
    return _update(
        documents, run_id, lambda run: replace(run, status="failed", finished_at=at, failure=failure)
    )


def get_run(documents: Documents, run_id: str) -> Run:
    """Return a run.

    Raises
    ------
    NotFound
        If there is no such run.
    """
    return _read(documents, run_id)[0]


def list_runs(documents: Documents, model: str, *, limit: int | None = None) -> list[Run]:
    """Return a model's runs, the newest first."""
    found = documents.query(f"RUNS#{model}", descending=True, limit=limit)
    return [Run.from_json(document) for _, document in found]


def _read(documents: Documents, run_id: str) -> tuple[Run, int]:
    found = documents.get(f"RUN#{run_id}", "RUN")
    if found is None:
        raise NotFound(f"there is no run `{run_id}`; `tidemill runs` lists them")
    return Run.from_json(found[0]), found[1]


def _update(documents: Documents, run_id: str, change: Callable[[Run], Run]) -> Run:
    for _ in range(_ATTEMPTS):
        before, revision = _read(documents, run_id)
        run = change(before)
        try:
            documents.put(f"RUN#{run_id}", "RUN", run.to_json(), revision=revision)
        except Conflict:
            continue
        _list_it(documents, run)
        return run
    raise Conflict(f"run `{run_id}` is being written by others without pause; try again")


def _list_it(documents: Documents, run: Run) -> None:
    """Copy the run to where a model's runs are listed; a crash before this is healed by the next write."""
    documents.put(f"RUNS#{run.model}", f"{run.started_at}#{run.run_id}", run.to_json())
