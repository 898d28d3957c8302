"""State machine executions: in flight while they work, not while they wait for the clock or a callback.

The interpreter is moto's own, on the cloud's clock (`emulator.states`). Here are the beginning and the end of
an execution: its name, its dates, and what stops it before its time.
"""

from datetime import datetime
from typing import Any

from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.eval.evaluation_details import ExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut
from moto.stepfunctions.parser.backend import execution as execution_models
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from emulator.events.clock import Clock
from emulator.events.hooks import Hooks
from emulator.events.work import Work
from emulator.states.answers import install_answers
from emulator.states.interpreter import install_interpreter
from emulator.states.strands import Ends, Run, Strand, Strands

_MOST_EVENTS = 25_000
_TOO_MANY_EVENTS = {
    "error": "States.Runtime",
    "cause": f"The execution reached the maximum number of history events ({_MOST_EVENTS}).",
}


class _Endings:
    """Ends executions: each once, with its last event, and with all of its strands.

    Parameters
    ----------
    strands
        Whose runs they are.
    ends
        Told of each end.
    """

    def __init__(self, strands: Strands, ends: Ends) -> None:
        self._strands = strands
        self._ends = ends
        self._add_event = EventManager.add_event

    def end(self, worker: Any, *, event: HistoryEventType | None = None, **details: Any) -> None:
        """Write the last event, unless it is there, and reflect it in the execution."""
        run: Run = worker.run
        with run.lock:
            if run.ended:
                return
            if event is not None:
                self._write_last(worker.env, event, details)
            worker.reflect()
            run.end()
        self._ends.note()

    def guarded(self, manager: Any, *args: Any, **kwargs: Any) -> Any:
        """Add an event to a history: of an execution that has ended, none; of one that is full, the last."""
        strand = self._strands.current()
        if strand is None:
            return self._add_event(manager, *args, **kwargs)
        with strand.of.lock:
            strand.of.check()
            if manager._event_id_gen._next_id < _MOST_EVENTS:  # noqa: SLF001  counting the list would copy it
                return self._add_event(manager, *args, **kwargs)
        worker = strand.of.worker
        worker.env.set_error(error=_TOO_MANY_EVENTS)
        self.end(worker, event=HistoryEventType.ExecutionFailed, executionFailedEventDetails=_TOO_MANY_EVENTS)
        return strand.of.check()

    def _write_last(self, env: Any, event: HistoryEventType, details: Any) -> None:
        history = env.event_manager.get_event_history()
        if not history or history[-1]["type"] != event:
            env.event_history_context.source_event_id = 0
            self._add_event(
                env.event_manager, context=env.event_history_context, event_type=event, event_details=details
            )


def install_executions(hooks: Hooks, *, clock: Clock, work: Work) -> Strands:
    """Have moto's executions obey the clock, be counted while they work, and end when they are told to.

    Parameters
    ----------
    hooks
        Where the replacements are noted.
    clock
        Gives every date, and wakes what waits for a time.
    work
        Counts executions that neither wait for the clock nor for a callback.

    Returns
    -------
    Strands
        All executions' threads, to be closed with the cloud.
    """
    strands = Strands(clock=clock, work=work)
    ends = Ends(strands)
    install_interpreter(hooks, strands=strands, ends=ends)
    endings = _Endings(strands, ends)
    hooks.replace_method(EventManager, "add_event", endings.guarded)
    hooks.replace(execution_models, "ExecutionWorker", _worker_class(strands, endings, clock))
    hooks.replace(execution_models, "BaseExecutionWorkerCommunication", _communication_class(endings))
    hooks.replace(parser_models, "Execution", _execution_class(clock))
    install_answers(hooks, clock=clock)
    return strands


def _worker_class(strands: Strands, endings: _Endings, clock: Clock) -> type[ExecutionWorker]:
    class ClockedWorker(ExecutionWorker):
        """What runs an execution."""

        def start(self) -> None:
            details = self._evaluation_details
            label = f"execution {details.execution_details.name} of {details.state_machine_details.name}"
            self.run = strands.new_run(label, self)
            # Callbacks are looked for in every running execution's environment, from the first moment.
            self.env = super()._get_evaluation_environment()
            Strand(strands, target=self._execution_logic, run=self.run).start()

        def _get_evaluation_environment(self) -> Any:
            return self.env

        def stop(self, stop_date: datetime, error: str | None, cause: str | None) -> None:
            env: Any = self.env
            env._program_state = ProgramStopped(stop_date=stop_date, error=error, cause=cause)  # noqa: SLF001  moto's setter does nothing before the first state
            given = {key: value for key, value in (("error", error), ("cause", cause)) if value}
            endings.end(self, event=HistoryEventType.ExecutionAborted, executionAbortedEventDetails=given)

        def reflect(self) -> None:
            communication: Any = self._execution_communication
            communication._reflect_execution_status()  # noqa: SLF001  its public method is what calls this one
            communication.execution.stop_date = clock.now()

    return ClockedWorker


def _communication_class(endings: _Endings) -> Any:
    class EndingCommunication(execution_models.BaseExecutionWorkerCommunication):
        """What an execution's first strand tells when its program has ended."""

        def terminated(self) -> None:
            worker: Any = self.execution.exec_worker
            timed_out = isinstance(worker.env.program_state(), ProgramTimedOut)
            endings.end(
                worker,
                event=HistoryEventType.ExecutionTimedOut if timed_out else None,
                executionTimedOutEventDetails={},
            )

    return EndingCommunication


def _execution_class(clock: Clock) -> type[execution_models.Execution]:
    class ClockedExecution(execution_models.Execution):
        """An execution of this cloud."""

        def __init__(self, *, start_date: datetime, **kwargs: Any) -> None:  # noqa: ARG002  moto's is the wall's
            super().__init__(start_date=clock.now(), **kwargs)

        def get_start_execution_details(self) -> Any:
            # The context object is JSON: a state that passes a datetime on could never be described.
            return ExecutionDetails(
                arn=self.exec_arn,
                name=self.name,
                role_arn=self.role_arn,
                inpt=self.input_data,
                start_time=self.start_date.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            )

        def stop(self, stop_date: datetime, error: str | None, cause: str | None) -> None:
            if self.exec_status != ExecutionStatus.RUNNING:
                return
            self.error, self.cause = error or None, cause or None
            super().stop(stop_date, error, cause)

    return ClockedExecution
