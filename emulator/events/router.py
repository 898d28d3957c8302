"""Everything that moves events, put together: the one object the composition root makes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from emulator.events.buckets import Buckets
from emulator.events.bus import Bus
from emulator.events.clock import Clock
from emulator.events.dates import install_dates
from emulator.events.deliveries import Deliveries
from emulator.events.executions import install_executions
from emulator.events.expiry import Expiry
from emulator.events.hooks import Hooks
from emulator.events.invoker import Invoker
from emulator.events.lifecycle import Lifecycle
from emulator.events.mappings import Mappings
from emulator.events.message_moves import MessageMoves
from emulator.events.object_changes import ObjectChanges
from emulator.events.planner import Planner
from emulator.events.polling import Poller, Surroundings
from emulator.events.queue_poller import QueuePoller
from emulator.events.queues import Queues
from emulator.events.stream_poller import StreamPoller
from emulator.events.streams import Streams
from emulator.events.target_checks import install_target_checks
from emulator.events.targets import Targets
from emulator.events.topics import Topics
from emulator.events.work import Work
from emulator.functions import Functions
from emulator.identity.service_access import ServiceAccess
from emulator.runtime.pool import Pool

_SETTLE_SECONDS = 900.0


class Router:
    """Moves events between moto's services and the functions.

    Parameters
    ----------
    pool
        Runs functions.
    clock
        The cloud's time; its `settle` becomes this router's.
    functions
        Finds functions.
    may_poll
        Says whether a function's role may read from a queue or a stream, both by ARN.
    access
        Says what services may deliver.
    turn
        Gives the context in which a service is used by nobody else.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        clock: Clock,
        functions: Functions,
        may_poll: Callable[[str, str], bool],
        access: ServiceAccess,
        turn: Callable[[str], AbstractContextManager[object]],
    ) -> None:
        self.clock = clock
        self.work = Work()
        self._hooks = Hooks()
        self._ending = ExitStack()
        self._hurrying = 0
        self._hurry_lock = threading.Lock()
        self.invoker = Invoker(pool=pool, functions=functions, clock=clock, work=self.work)
        self.targets = Targets(invoke_later=self.invoker.invoke_later, refusal=access.refusal)
        self.invoker.connect(self.targets)
        self.deliveries = Deliveries(clock=clock, send=self.targets.send, bury=self.targets.send_letter)
        self.bus = Bus(clock=clock, deliveries=self.deliveries)
        self._buckets = Buckets(clock=clock, targets=self.targets, access=access, publish=self.bus.publish)
        self._topics = Topics(clock=clock, access=access)
        self.planner = Planner(clock=clock, bus=self.bus, deliveries=self.deliveries)
        self._surroundings = Surroundings(
            invoker=self.invoker,
            clock=clock,
            work=self.work,
            hurry=lambda: self._hurrying > 0,
            may_poll=may_poll,
        )
        self.mappings = Mappings(poll_queue=self._poll_queue, poll_stream=self._poll_stream, work=self.work)
        self.queues = Queues(clock=clock, changed=self.mappings.source_changed)
        self.streams = Streams(clock=clock, changed=self.mappings.source_changed)
        self.expiry = Expiry(clock=clock, streams=self.streams, work=self.work, turn=turn)
        self._changes = ObjectChanges()
        self._lifecycle = Lifecycle(clock=clock, changes=self._changes, work=self.work, turn=turn)
        clock.settle = self.settle

    def attach(self) -> None:
        """Put the emulator's behaviour in place of moto's, and take up what moto holds already."""
        self.queues.install(self._hooks)
        MessageMoves(queues=self.queues, clock=self.clock).install(self._hooks)
        self.invoker.install(self._hooks)
        self.bus.install(self._hooks)
        self._changes.install(self._hooks)
        self._lifecycle.install(self._hooks)
        install_target_checks(self._hooks, services=self.targets.services)
        self._buckets.install(self._hooks)
        self._topics.install(self._hooks)
        self.mappings.install(self._hooks)
        self.planner.install(self._hooks)
        strands = install_executions(self._hooks, clock=self.clock, work=self.work)
        self._ending.callback(strands.close)
        install_dates(self._hooks, clock=self.clock)
        self.streams.install(self._hooks)
        self.expiry.install(self._hooks)
        self.refresh()

    def refresh(self) -> None:
        """Take up what moto holds now; after a reset of moto this forgets what is gone."""
        self.mappings.refresh()
        self.planner.refresh()
        self.expiry.refresh()
        self._lifecycle.refresh()

    def settle(self, timeout_seconds: float = _SETTLE_SECONDS) -> None:
        """Wait until nothing is in flight.

        In flight are: invocations, batches, asynchronous events, executions, and messages and stream
        records a mapping would take now. Not in flight is what waits for the clock (schedules, visibility
        timeouts, delayed messages, retries), and what lies in queues without a mapping, such as dead letters.
        Batching windows are closed at once.

        Parameters
        ----------
        timeout_seconds
            How long to wait.

        Raises
        ------
        SettleTimeoutError
            Something was still in flight; the message says what.
        """
        with self._hurry():
            self.work.wait_until_idle(self.mappings.waiting, timeout_seconds)

    def close(self) -> None:
        """Stop pollers and threads and give moto its own behaviour back."""
        self.mappings.close()
        self.clock.close()
        self.invoker.close()
        self._ending.close()
        self._hooks.remove()

    @contextmanager
    def _hurry(self) -> Iterator[None]:
        with self._hurry_lock:
            self._hurrying += 1
        self.mappings.hasten()
        try:
            yield
        finally:
            with self._hurry_lock:
                self._hurrying -= 1

    def _poll_queue(self, mapping: Any, queue: Any) -> Poller:
        return QueuePoller(mapping, self._surroundings, queue, self.queues)

    def _poll_stream(self, mapping: Any) -> Poller:
        return StreamPoller(mapping, self._surroundings, self.streams, self.deliveries)
