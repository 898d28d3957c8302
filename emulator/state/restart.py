"""What a restart ends, told to the state: nothing claims to be running that is not.

AWS would lose none of it. Executions that ran are aborted, and say why. Messages a consumer had are visible
again at once, with their receive count.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.backend.execution import Execution

from emulator.state.backends import kept_backends
from emulator.states.map_runs import children_of, describe

_RUNNING, _ABORTED = ExecutionStatus.RUNNING.value, ExecutionStatus.ABORTED.value
ABORTED_ERROR = "LocalCloud.Restarted"
ABORTED_CAUSE = "the local cloud was ended or killed while this execution ran; start it again"


class EndedMapRun:
    """Stands where moto's record of a distributed Map's run was.

    Parameters
    ----------
    record
        moto's, or one of these.
    """

    def __init__(self, record: Any) -> None:
        self.map_run_arn: str = record.map_run_arn
        self.children = [
            replace(child, status=_ABORTED) if child.status == _RUNNING else child
            for child in children_of(record)
        ]
        self._description = record.describe() if isinstance(record, EndedMapRun) else describe(record)
        self._entry = dict(record.list_item())
        if self._description["status"] == _RUNNING:
            self._description["status"] = _ABORTED

    def describe(self) -> dict[str, Any]:
        """Describe the run."""
        return self._description

    def list_item(self) -> dict[str, Any]:
        """Describe the run as an entry of a list."""
        return self._entry


class EndedExecution:
    """Stands where an execution's thread was: history and map runs stay readable, nothing runs.

    Parameters
    ----------
    events
        The execution's history.
    runs
        The runs of its distributed Maps.
    """

    def __init__(self, events: list[Any], runs: list[EndedMapRun]) -> None:
        self._events = events
        self._runs = runs

    @property
    def env(self) -> "EndedExecution":
        """What moto asks for the history."""
        return self

    @property
    def event_manager(self) -> "EndedExecution":
        """What moto asks for the history."""
        return self

    @property
    def map_run_record_pool_manager(self) -> "EndedExecution":
        """What moto asks for map runs."""
        return self

    def get_all(self) -> list[EndedMapRun]:
        """Give the map runs."""
        return self._runs

    def get(self, map_run_arn: str) -> EndedMapRun | None:
        """Give one map run, if it was one of this execution's."""
        return next((run for run in self._runs if run.map_run_arn == map_run_arn), None)

    def get_event_history(self) -> list[Any]:
        """Give the history."""
        return self._events

    def stop(self, **_reason: Any) -> None:
        """Do nothing: it has ended."""

    @classmethod
    def state_of(cls, execution: Execution) -> dict[str, Any]:
        """Give an execution's attributes without its thread.

        Parameters
        ----------
        execution
            moto's, running or ended.

        Returns
        -------
        dict
            Attributes by name.
        """
        state = dict(vars(execution))
        worker = execution.exec_worker
        environment = worker.env if worker else None
        events = list(environment.event_manager.get_event_history()) if environment else []
        runs = environment.map_run_record_pool_manager.get_all() if environment else []
        ended = cls(events, [EndedMapRun(run) for run in runs])
        return state | {"exec_worker": ended, "_cloud_watch_logging_session": None}


def stop_running_executions(now: datetime) -> list[Execution]:
    """Stop what runs, as `StopExecution` does.

    Parameters
    ----------
    now
        When.

    Returns
    -------
    list of Execution
        What ran.
    """
    running = _running()
    for execution in running:
        execution.stop(stop_date=now, error=ABORTED_ERROR, cause=ABORTED_CAUSE)
    return running


def abort_running_executions(now: datetime) -> None:
    """Mark executions that a restart ended.

    Parameters
    ----------
    now
        When they ended.
    """
    abort(_running(), now)


def abort(executions: list[Execution], now: datetime) -> None:
    """Mark executions as aborted by a restart.

    Parameters
    ----------
    executions
        Those it ended; one that ended well meanwhile stays as it is.
    now
        When they ended.
    """
    for execution in executions:
        if execution.exec_status == ExecutionStatus.SUCCEEDED:
            continue
        execution.exec_status = ExecutionStatus.ABORTED
        execution.stop_date = now
        execution.error, execution.cause = ABORTED_ERROR, ABORTED_CAUSE


def _running() -> list[Execution]:
    return [
        execution
        for kept in kept_backends()
        if kept.key[0] == "stepfunctions_parser"
        for execution in kept.backend._get_executions(ExecutionStatus.RUNNING)  # type: ignore[attr-defined]  # noqa: SLF001 - moto's own list
    ]


def show_messages_in_flight() -> None:
    """Make messages visible whose consumers ended with the run before."""
    for kept in kept_backends():
        if kept.key[0] != "sqs":
            continue
        for queue in kept.backend.queues.values():  # type: ignore[attr-defined]
            for message in queue.pending_messages:
                message.visible_at = 0
            queue.pending_messages.clear()
