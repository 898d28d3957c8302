"""Event source mappings: which there are, and one poller for each."""

import threading
from collections.abc import Callable
from typing import Any

from moto.awslambda import models as lambda_models
from moto.awslambda_simple.models import lambda_simple_backends
from moto.sqs.models import sqs_backends

from emulator.events.hooks import Hooks
from emulator.events.mapping_options import check_options
from emulator.events.polling import Poller
from emulator.events.regions import all_backends
from emulator.events.streams import table_of
from emulator.events.work import Work


class Mappings:
    """Keeps one poller per mapping whose source exists, following what is created, changed and deleted.

    Parameters
    ----------
    poll_queue
        Makes the poller of a mapping and moto's queue.
    poll_stream
        Makes the poller of a mapping of a table's stream.
    work
        Whoever waits on it is told when sources change.
    """

    def __init__(
        self,
        *,
        poll_queue: Callable[[Any, Any], Poller],
        poll_stream: Callable[[Any], Poller],
        work: Work,
    ) -> None:
        self._poll_queue = poll_queue
        self._poll_stream = poll_stream
        self._work = work
        self._lock = threading.Lock()
        self._pollers: dict[str, Poller] = {}
        self._by_source: dict[str, tuple[Poller, ...]] = {}

    def install(self, hooks: Hooks) -> None:
        """Follow the mappings of moto's Lambda."""
        backend = lambda_models.LambdaBackend
        create, update = backend.create_event_source_mapping, backend.update_event_source_mapping

        def create_checked(self_: Any, spec: dict[str, Any]) -> Any:
            check_options(str(spec.get("EventSourceArn", "")), spec, creating=True)
            return create(self_, spec)

        def update_checked(self_: Any, uuid: str, spec: dict[str, Any]) -> Any:
            mapping = self_.get_event_source_mapping(uuid)
            if mapping:
                check_options(mapping.event_source_arn, spec, creating=False)
            return update(self_, uuid, spec)

        hooks.replace(backend, "create_event_source_mapping", create_checked)
        hooks.replace(backend, "update_event_source_mapping", update_checked)
        for name in (
            "create_event_source_mapping",
            "update_event_source_mapping",
            "delete_event_source_mapping",
        ):
            hooks.after(backend, name, lambda _backend: self.refresh())

    def refresh(self) -> None:
        """Start and stop pollers after mappings changed."""
        mappings, queues = _mappings_and_queues()
        with self._lock:
            for uuid in list(self._pollers):
                if uuid not in mappings:
                    self._pollers.pop(uuid).close()
            for uuid, mapping in mappings.items():
                if uuid not in self._pollers:
                    self._start(uuid, mapping, queues)
            by_source: dict[str, tuple[Poller, ...]] = {}
            for poller in self._pollers.values():
                by_source[poller.source_arn] = (*by_source.get(poller.source_arn, ()), poller)
            self._by_source = by_source
        for poller in list(self._pollers.values()):
            poller.wake()

    def source_changed(self, arn: str) -> None:
        """Wake the pollers of a queue or stream."""
        pollers = self._by_source.get(arn, ())
        for poller in pollers:
            poller.wake()
        if pollers:
            self._work.note_change()

    def hasten(self) -> None:
        """Have every batching window end that is open, and what lies in a source looked at."""
        for poller in list(self._pollers.values()):
            poller.hasten()

    def waiting(self) -> str | None:
        """Say which sources hold what a mapping would take, or None."""
        found = (poller.waiting() for poller in list(self._pollers.values()))
        return ", ".join(text for text in found if text) or None

    def close(self) -> None:
        """Stop every poller."""
        with self._lock:
            for poller in self._pollers.values():
                poller.close()
            self._pollers.clear()
            self._by_source = {}

    def _start(self, uuid: str, mapping: Any, queues: dict[str, Any]) -> None:
        arn = str(mapping.event_source_arn)
        if arn in queues:
            poller = self._poll_queue(mapping, queues[arn])
        elif ":dynamodb:" in arn and table_of(arn) is not None:
            poller = self._poll_stream(mapping)
        else:
            return
        self._pollers[uuid] = poller
        poller.start()


def _mappings_and_queues() -> tuple[dict[str, Any], dict[str, Any]]:
    """Collect every mapping by its id and every queue by its ARN, over all accounts and regions."""
    mappings: dict[str, Any] = {}
    for _, _, functions in all_backends(lambda_simple_backends):
        mappings.update(functions._event_source_mappings)  # noqa: SLF001  its list call only filters
    queues: dict[str, Any] = {}
    for _, _, backend in all_backends(sqs_backends):
        queues.update({queue.queue_arn: queue for queue in list(backend.queues.values())})
    return mappings, queues
