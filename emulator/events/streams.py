"""DynamoDB streams: what a table writes to its stream, when it becomes visible, and how long it stays.

moto writes a record inside the change it is about: an update of a missing item leaves two, a transaction
that is rolled back leaves its own behind, and every mapped function runs before the write returns. Here
the records of an operation are held until the operation has succeeded, then appended together, and
whoever reads the stream is told.
"""

import base64
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from moto.dynamodb import models as dynamodb_models
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import StreamShard

from emulator.events.clock import Clock
from emulator.events.hooks import Hooks

RETENTION = timedelta(hours=24)
"""How long a record can be read, as in AWS."""

EXPIRY_IDENTITY = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
"""Who deletes expired items, as the record of the deletion names it."""

_EVENT_VERSION = "1.1"


@dataclass(frozen=True)
class Record:
    """One record of a stream; `fields` is what `GetRecords` answers.

    moto keeps records as objects with `to_json`, and so are these.
    """

    fields: Mapping[str, Any]
    created: datetime

    @property
    def number(self) -> int:
        """Its sequence number."""
        return int(self.fields["dynamodb"]["SequenceNumber"])

    def to_json(self) -> Mapping[str, Any]:
        """Give what `GetRecords` answers."""
        return self.fields

    def __deepcopy__(self, memo: object) -> "Record":
        """Give itself: moto copies tables with their streams before each transaction."""
        return self


@dataclass(frozen=True)
class _Change:
    """A change of an item that is not in its stream yet."""

    table: Any
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    keys: Mapping[str, Any]
    size_bytes: int


class Streams:
    """Appends to the streams of moto's tables and reads from them.

    Parameters
    ----------
    clock
        Dates records, and lets them go after 24 hours.
    changed
        Told the ARN of a stream that has new records.
    """

    def __init__(self, *, clock: Clock, changed: Callable[[str], None]) -> None:
        self._clock = clock
        self._changed = changed
        self._thread = threading.local()

    def install(self, hooks: Hooks) -> None:
        """Have writes leave records that appear when the write has succeeded."""
        hooks.replace_method(StreamShard, "add", self._note)
        backend = dynamodb_models.DynamoDBBackend
        update, transact = backend.update_item, backend.transact_write_items

        def update_item(self_: Any, *args: Any, **kwargs: Any) -> Any:
            with self._holding() as changes:
                item = update(self_, *args, **kwargs)
                del changes[:-1]  # moto first puts a bare item in the place of a missing one
            return item

        def transact_write_items(self_: Any, *args: Any, **kwargs: Any) -> Any:
            with self._holding():
                return transact(self_, *args, **kwargs)

        hooks.replace(backend, "update_item", update_item)
        hooks.replace(backend, "transact_write_items", transact_write_items)

    @contextmanager
    def as_expiry(self) -> Iterator[None]:
        """Have deletions in the block recorded as the service's own, of items whose time was over."""
        self._thread.expiring = True
        try:
            yield
        finally:
            self._thread.expiring = False

    def read(self, stream_arn: str, after: int, limit: int | None = None) -> list[Record]:
        """Read records in order.

        Parameters
        ----------
        stream_arn
            The stream.
        after
            Sequence number that was read last.
        limit
            Most records to read.

        Returns
        -------
        list of Record
            Empty when there is nothing new, or no such stream any more.
        """
        items = self._items(stream_arn)
        start = max(after + 1 - items[0].number, 0) if items else 0
        return items[start : None if limit is None else start + limit]

    def horizon(self, stream_arn: str) -> int:
        """Give the sequence number before the oldest record that can be read."""
        oldest = self._clock.now() - RETENTION
        kept = (record.number - 1 for record in self._items(stream_arn) if record.created > oldest)
        return next(kept, self.latest(stream_arn))

    def latest(self, stream_arn: str) -> int:
        """Give the sequence number of the newest record, or of the one before the first to come."""
        items = self._items(stream_arn)
        if items:
            return items[-1].number
        shard = self._shard(stream_arn)
        return 0 if shard is None else int(shard.starting_sequence_number) - 1

    def shard_id(self, stream_arn: str) -> str:
        """Name the stream's one shard."""
        shard = self._shard(stream_arn)
        return "" if shard is None else str(shard.id)

    @staticmethod
    def _shard(stream_arn: str) -> Any:
        table = table_of(stream_arn)
        return None if table is None else table.stream_shard

    def _items(self, stream_arn: str) -> list[Record]:
        """Give the list of records as it stands: it is appended to, and replaced when old ones go."""
        shard = self._shard(stream_arn)
        records: list[Record] = [] if shard is None else shard.items
        return records

    @contextmanager
    def _holding(self) -> Iterator[list[_Change]]:
        """Hold back what the block changes; without an error it is appended, or left to an outer block."""
        outer: list[_Change] | None = getattr(self._thread, "held", None)
        held: list[_Change] = []
        self._thread.held = held
        try:
            yield held
        finally:
            self._thread.held = outer
        if outer is None:
            self._append(held)
        else:
            outer += held

    def _note(self, shard: Any, old: Any, new: Any) -> None:
        if not shard.table.stream_specification["StreamEnabled"]:
            return
        held: list[_Change] | None = getattr(self._thread, "held", None)
        change = _change(shard.table, old, new)
        if held is None:
            self._append([change])
        else:
            held.append(change)

    def _append(self, changes: list[_Change]) -> None:
        arns = set()
        for change in changes:
            if change.old == change.new:  # as in AWS, a write that changes nothing leaves no record
                continue
            shard = change.table.stream_shard
            self._trim(shard)
            number = shard.starting_sequence_number + len(shard.items)
            shard.items.append(self._record(change, number))
            arns.add(stream_arn_of(change.table))
        for arn in arns:
            self._changed(arn)

    def _trim(self, shard: Any) -> None:
        oldest = self._clock.now() - RETENTION
        old = 0
        while old < len(shard.items) and shard.items[old].created <= oldest:
            old += 1
        if old:
            shard.starting_sequence_number += old
            shard.items = shard.items[old:]  # a new list: whoever reads the old one is not disturbed

    def _record(self, change: _Change, number: int) -> Record:
        view = change.table.stream_specification["StreamViewType"]
        created = self._clock.now()
        dynamodb: dict[str, Any] = {
            "ApproximateCreationDateTime": created.replace(microsecond=0),
            "Keys": change.keys,
            "SequenceNumber": str(number),
            "SizeBytes": change.size_bytes,
            "StreamViewType": view,
        }
        if change.new is not None and view in {"NEW_IMAGE", "NEW_AND_OLD_IMAGES"}:
            dynamodb["NewImage"] = change.new
        if change.old is not None and view in {"OLD_IMAGE", "NEW_AND_OLD_IMAGES"}:
            dynamodb["OldImage"] = change.old
        fields = {
            "eventID": uuid.uuid4().hex,
            "eventName": "INSERT" if change.old is None else "REMOVE" if change.new is None else "MODIFY",
            "eventVersion": _EVENT_VERSION,
            "eventSource": "aws:dynamodb",
            "awsRegion": change.table.region_name,
            "dynamodb": dynamodb,
        }
        if getattr(self._thread, "expiring", False):
            fields["userIdentity"] = EXPIRY_IDENTITY
        return Record(fields, created)


def table_of(stream_arn: str) -> Any:
    """Find the table of a stream.

    Parameters
    ----------
    stream_arn
        ARN of the stream.

    Returns
    -------
    Any
        moto's table; None when the table is gone or has another stream now.
    """
    _, _, _, region, account, resource = stream_arn.split(":", 5)
    table = dynamodb_backends[account][region].tables.get(resource.split("/")[1])
    return table if table is not None and stream_arn_of(table) == stream_arn else None


def stream_arn_of(table: Any) -> str:
    """Give the ARN of a table's latest stream."""
    return f"{table.table_arn}/stream/{table.latest_stream_label}"


def as_event(record: Record, stream_arn: str) -> dict[str, Any]:
    """Write a record as a function receives it: JSON, with the stream's ARN and times in seconds.

    Parameters
    ----------
    record
        The record.
    stream_arn
        The stream it came from.

    Returns
    -------
    dict
        One entry of the event's `Records`.
    """
    event: dict[str, Any] = json.loads(json.dumps(record.fields, default=_as_json))
    if "userIdentity" in event:
        identity = event["userIdentity"]
        event["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
    return event | {"eventSourceARN": stream_arn}


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"a stream record holds a {type(value).__name__}, which has no JSON form")


def _change(table: Any, old: Any, new: Any) -> _Change:
    kept = new if new is not None else old
    image = _image(kept)
    keys = {name: image[name] for name in table.table_key_attrs}
    size_bytes = sum(len(name.encode()) + kept.attrs[name].size() for name in keys)
    size_bytes += sum(item.size() for item in (old, new) if item is not None)
    return _Change(table, old and _image(old), new and _image(new), keys, size_bytes)


def _image(item: Any) -> dict[str, Any]:
    image: dict[str, Any] = item.to_json()["Attributes"]
    return image
