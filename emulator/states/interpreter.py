"""moto's interpreter of the Amazon States Language, put on the cloud's clock.

Nothing of what it does is written anew. The primitives it waits with are replaced by strands and signals
where it imports them, and so are the places where it reads the wall's clock.
"""

import threading
from collections import deque
from datetime import UTC, datetime, tzinfo
from functools import partial
from types import SimpleNamespace
from typing import Any, Self

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.program import program
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    inline_iteration_component,
    job,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    map_run_record,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branch_worker, branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval import environment
from moto.stepfunctions.parser.asl.eval.callback import callback
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager

from emulator.events.clock import Clock
from emulator.events.hooks import Hooks
from emulator.states.corrections import install_corrections
from emulator.states.map_runs import install_map_runs
from emulator.states.parameters import install_parameters
from emulator.states.strands import Ends, Signal, Strand, Strands

_WAITING = (
    (environment, "end of a Wait"),
    (execute_state, "timeout of a state"),
    (program, "timeout"),
    (branch_worker, "end of a branch"),
    (branches_decl, "end of all branches"),
    (inline_iteration_component, "end of an iteration"),
    (job, "end of all iterations"),
    (map_run_record, "update of a map run"),
    (state_task_service_callback, "timeout of a callback"),
)
"""Modules that make threads and events, and what a timeout of theirs is."""


def install_interpreter(hooks: Hooks, *, strands: Strands, ends: Ends) -> None:
    """Have moto's interpreter wait on the cloud's clock, and tell its time.

    Parameters
    ----------
    hooks
        Where the replacements are noted.
    strands
        Makes threads and signals.
    ends
        Wakes tasks that wait for the end of an execution they started.
    """
    clock = strands.clock
    for module, what in _WAITING:
        hooks.replace(module, "threading", _threading(strands, what))
        if "TMP_THREADS" in vars(module):
            # moto keeps every thread it ever started, for its own tests.
            hooks.replace(module, "TMP_THREADS", deque(maxlen=0))
    hooks.replace(execute_state, "Thread", partial(Strand, strands))
    hooks.replace(callback, "Event", partial(Signal, strands, "timeout of a callback or heartbeat"))
    retries = SimpleNamespace(sleep=lambda seconds: strands.pause(seconds, "retry"))
    hooks.replace(retrier_decl, "time", retries)
    hooks.replace(state_task_service_callback, "time", SimpleNamespace(sleep=ends.sleep))
    hooks.replace(WaitFunction, "_wait_interval", _wait_interval_on(clock))
    hooks.replace(Timestamp, "_get_wait_seconds", _seconds_until_timestamp_on(clock))
    install_parameters(hooks)
    install_corrections(hooks)
    install_map_runs(hooks, clock=clock)
    hooks.replace(EventManager, "_get_current_timestamp", staticmethod(clock.now))
    for module in (state, map_run_record):
        hooks.replace(module, "datetime", _datetime(clock))


def _threading(strands: Strands, what: str) -> SimpleNamespace:
    """Give what a module of the interpreter uses of `threading`."""
    return SimpleNamespace(
        Thread=partial(Strand, strands, what=what),
        Event=partial(Signal, strands, what),
        Lock=threading.Lock,
        RLock=threading.RLock,
    )


def _datetime(clock: Clock) -> SimpleNamespace:
    """Give what a module of the interpreter uses of `datetime`: the present, written as AWS writes it."""

    class ClockedDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(clock.epoch_seconds(), tz or UTC)

        def isoformat(self, sep: str = "T", timespec: str = "milliseconds") -> str:
            return super().isoformat(sep, timespec).replace("+00:00", "Z")

    return SimpleNamespace(datetime=ClockedDatetime, timezone=SimpleNamespace(utc=UTC))


def _wait_interval_on(clock: Clock) -> Any:
    def wait_interval(_function: Any, env: Any, wait_seconds: float) -> None:
        ends = clock.epoch_seconds() + wait_seconds
        left = float(wait_seconds)
        while left > 0 and env.is_running():
            if not env.program_state_event.wait(left):
                return
            left = ends - clock.epoch_seconds()

    return wait_interval


def _seconds_until_timestamp_on(clock: Clock) -> Any:
    def seconds_until_timestamp(function: Any, env: Any) -> float:
        function.string.eval(env=env)
        text: str = env.stack.pop()
        moment = function._from_timestamp_string(timestamp=text)  # noqa: SLF001  a method of the class this becomes one of
        if moment is None:
            raise FailureEventException(function._create_failure_event(env, text))  # noqa: SLF001  likewise
        return float((moment.replace(tzinfo=UTC) - clock.now()).total_seconds())

    return seconds_until_timestamp
