"""Runs functions for everything that invokes: at once for whoever waits, later for events."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from emulator.events.clock import Clock
from emulator.events.hooks import Hooks
from emulator.events.targets import Targets
from emulator.events.work import Work
from emulator.functions import Functions
from emulator.lambda_api.asynchronous import AsyncEvent, AsyncEvents
from emulator.lambda_api.destinations import Destinations
from emulator.lambda_api.requests import Requests
from emulator.runtime.model import Invocation
from emulator.runtime.pool import Pool

_log = logging.getLogger(__name__)


class Invoker:
    """Runs functions for the Lambda API and for everything that invokes.

    Parameters
    ----------
    pool
        Workers.
    functions
        Finds functions.
    clock
        Retries wait on it.
    work
        Counts invocations.
    threads
        Asynchronous events handled at the same time.
    """

    def __init__(
        self, *, pool: Pool, functions: Functions, clock: Clock, work: Work, threads: int = 16
    ) -> None:
        self._pool = pool
        self._functions = functions
        self._clock = clock
        self._work = work
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="events")
        self.events = AsyncEvents(
            invoke=self.invoke,
            settings_of=functions.event_settings_of,
            submit=self.submit,
            clock=clock,
            work=work,
        )

    def connect(self, targets: Targets) -> None:
        """Say where destinations and dead letters go."""
        self.events.connect(Destinations(targets=targets, clock=self._clock))

    def install(self, hooks: Hooks) -> None:
        """Run real functions where moto answers canned text or starts containers."""
        Requests(invoke=self.invoke, accept=self.events.accept).install(hooks)

    def invoke(
        self,
        function_arn: str,
        payload: bytes,
        *,
        request_id: str | None = None,
        context: str | None = None,
        trace: str | None = None,
        in_turn: bool = False,
    ) -> Invocation:
        """Invoke and wait.

        Parameters
        ----------
        function_arn
            Name or ARN, with or without version or alias.
        payload
            JSON.
        request_id
            Id shared by attempts at one event; without it, a new one.
        context
            Client context, JSON.
        trace
            X-Ray trace header.
        in_turn
            Wait for a worker when all that the function reserves are busy, as pollers do.

        Returns
        -------
        Invocation
            What became of it.

        Raises
        ------
        UnknownFunction
            No deployed function, version or alias has this name.
        InvocationRefusedError
            The function was not started.
        """
        with self._work.doing("invocation"):
            callee = self._functions.callee_of(function_arn)
            return self._pool.invoke(
                callee.spec,
                payload,
                invoked_arn=callee.invoked_arn,
                request_id=request_id,
                client_context=context,
                trace=trace,
                in_turn=in_turn,
            )

    def invoke_later(self, function_arn: str, payload: bytes) -> None:
        """Accept an asynchronous event.

        Parameters
        ----------
        function_arn
            With or without version or alias.
        payload
            JSON.

        Raises
        ------
        UnknownFunction
            No deployed function, version or alias has this name.
        """
        self._functions.event_settings_of(function_arn)
        self.events.accept(AsyncEvent(function_arn, payload))

    def submit(self, task: Callable[[], None]) -> None:
        """Run something that was counted as work before, in a thread of the invoker."""
        self._executor.submit(_logged, task)

    def close(self) -> None:
        """Start nothing more."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _logged(task: Callable[[], None]) -> None:
    try:
        task()
    except Exception:  # noqa: BLE001  the thread goes on; what failed is said
        _log.exception("an event was lost in the local cloud")
