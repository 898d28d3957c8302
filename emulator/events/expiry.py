"""Time to live: items whose time is over are deleted, at the very second, on the cloud's clock.

AWS deletes them within days and says so; whoever relies on less sees here what would go wrong. One timer
waits for the earliest expiry of all tables. A deletion leaves a stream record that names the service.
"""

import heapq
import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

from moto.dynamodb import models as dynamodb_models
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from emulator.events.clock import Clock, Timer
from emulator.events.hooks import Hooks
from emulator.events.regions import all_backends
from emulator.events.streams import Streams
from emulator.events.work import Work

_FIVE_YEARS_SECONDS = 5 * 365 * 86_400
_END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_SPARE_ENTRIES = 1000

_Key = tuple[str, str, str, Any, Any]
"""Account, region, table, hash key, range key."""


class Expiry:
    """Deletes expired items.

    Every method but the first runs in DynamoDB's turn, as its requests do, so that no write comes between
    looking at an item and deleting it.

    Parameters
    ----------
    clock
        Decides what is over.
    streams
        Records deletions.
    work
        Counts a round of deletions.
    turn
        Gives the context in which a service is used by nobody else.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        streams: Streams,
        work: Work,
        turn: Callable[[str], AbstractContextManager[object]],
    ) -> None:
        self._clock = clock
        self._streams = streams
        self._work = work
        self._turn = turn
        self._due: dict[_Key, float] = {}
        self._heap: list[tuple[float, int, _Key]] = []
        self._numbers = itertools.count()
        self._timer: Timer | None = None
        clock.on_set(self._expire)

    def install(self, hooks: Hooks) -> None:
        """Follow writes and what tables say about expiry."""
        put, update = Table.put_item, dynamodb_models.DynamoDBBackend.update_item
        set_expiry = dynamodb_models.DynamoDBBackend.update_time_to_live

        def put_item(table: Any, *args: Any, **kwargs: Any) -> Any:
            item = put(table, *args, **kwargs)
            self._note(table, item)
            return item

        def update_item(backend: Any, table_name: str, *args: Any, **kwargs: Any) -> Any:
            item = update(backend, table_name, *args, **kwargs)
            self._note(backend.get_table(table_name), item)
            return item

        def update_time_to_live(backend: Any, table_name: str, ttl_spec: dict[str, Any]) -> None:
            set_expiry(backend, table_name, ttl_spec)
            self._note_all(backend.get_table(table_name))

        hooks.replace(Table, "put_item", put_item)
        hooks.replace(dynamodb_models.DynamoDBBackend, "update_item", update_item)
        hooks.replace(dynamodb_models.DynamoDBBackend, "update_time_to_live", update_time_to_live)

    def refresh(self) -> None:
        """Take up the tables there are now."""
        with self._turn("dynamodb"):
            self._due.clear()
            self._heap.clear()
            for _, _, backend in all_backends(dynamodb_backends):
                for table in list(backend.tables.values()):
                    self._note_all(table)

    def _note_all(self, table: Any) -> None:
        for item in list(table.all_items()):
            self._note(table, item)

    def _note(self, table: Any, item: Any) -> None:
        due = _expires_at(table, item)
        key = (table.account_id, table.region_name, table.name, item.hash_key, item.range_key)
        if due is None:
            self._due.pop(key, None)
            return
        if self._due.get(key) == due:
            return
        self._due[key] = due
        heapq.heappush(self._heap, (due, next(self._numbers), key))
        if len(self._heap) > 2 * len(self._due) + _SPARE_ENTRIES:
            self._drop_what_no_longer_holds()
        self._plan()

    def _drop_what_no_longer_holds(self) -> None:
        self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
        heapq.heapify(self._heap)

    def _plan(self) -> None:
        due = datetime.fromtimestamp(self._heap[0][0], UTC) if self._heap else None
        if self._timer is not None:
            if self._timer.due == due:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = self._clock.call_at(due, self._expire, what="items expire", order="dynamodb")

    def _expire(self) -> None:
        with self._work.doing("expiry"), self._turn("dynamodb"), self._streams.as_expiry():
            now = self._clock.epoch_seconds()
            while self._heap and self._heap[0][0] <= now:
                due, _, key = heapq.heappop(self._heap)
                if self._due.get(key) == due:
                    del self._due[key]
                    self._delete(key, now)
            self._timer = None
            self._plan()

    @staticmethod
    def _delete(key: _Key, now: float) -> None:
        account, region, name, hash_key, range_key = key
        table = dynamodb_backends[account][region].tables.get(name)
        item = None if table is None else table.get_item(hash_key, range_key)
        if table is None or item is None:
            return
        due = _expires_at(table, item)
        if due is not None and now - _FIVE_YEARS_SECONDS <= due <= now:  # as in AWS, older ones are no expiry
            table.delete_item(hash_key, range_key)


def _expires_at(table: Any, item: Any) -> float | None:
    """Read when an item expires, in seconds since 1970; None when it never does."""
    if table.ttl["TimeToLiveStatus"] != "ENABLED":
        return None
    attribute = item.attrs.get(table.ttl["AttributeName"])
    if attribute is None or attribute.type != "N":
        return None
    seconds = float(attribute.value)
    return seconds if 0 < seconds < _END_OF_TIME else None
