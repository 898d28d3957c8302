"""State machine executions: counted while they run, dated by the cloud's clock.

The interpreter is moto's own. Its `Wait` state sleeps on the wall clock, in virtual mode too.
"""

import threading
import uuid
from datetime import datetime
from typing import Any

from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser.asl.eval.evaluation_details import ExecutionDetails
from moto.stepfunctions.parser.backend import execution as execution_models
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from emulator.events.clock import Clock
from emulator.events.hooks import Hooks
from emulator.events.work import Work

_EXECUTION_KIND = "execution"


def install_executions(hooks: Hooks, *, clock: Clock, work: Work) -> None:
    """Have moto's interpreter count its executions and date them by the clock.

    Parameters
    ----------
    hooks
        Where the replacements are noted.
    clock
        Gives `$$.Execution.StartTime`, start and stop dates.
    work
        Counts executions from before their thread starts until it has ended.
    """

    class CountedWorker(ExecutionWorker):
        """An execution's thread."""

        def start(self) -> None:
            work.begin(_EXECUTION_KIND)
            super().start()  # type: ignore[no-untyped-call]

        def _execution_logic(self) -> None:
            try:
                super()._execution_logic()  # type: ignore[no-untyped-call]
            finally:
                work.end(_EXECUTION_KIND)

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

    class DatedCommunication(execution_models.BaseExecutionWorkerCommunication):
        """What the thread tells its execution when it has ended."""

        def terminated(self) -> None:
            super().terminated()
            self.execution.stop_date = clock.now()

    start_execution = parser_models.StepFunctionsParserBackend.start_execution

    starting = threading.Lock()

    def named_start(self: Any, state_machine_arn: str, name: str | None = None, *args: Any, **kw: Any) -> Any:
        # Without a name moto calls every execution "None", and the second one exists already. It looks for
        # the name and adds it in two steps: of two callers with one name, both would start.
        with starting:
            return start_execution(self, state_machine_arn, name or str(uuid.uuid4()), *args, **kw)

    hooks.replace(execution_models, "ExecutionWorker", CountedWorker)
    hooks.replace(execution_models, "BaseExecutionWorkerCommunication", DatedCommunication)
    hooks.replace(parser_models, "Execution", ClockedExecution)
    hooks.replace(parser_models.StepFunctionsParserBackend, "start_execution", named_start)
