"""DynamoDB streams: records are kept, and no function is invoked inside the write that made them."""

from typing import Any

from moto.dynamodb.models.table import StreamRecord, StreamShard

from emulator.events.hooks import Hooks


def install_streams(hooks: Hooks) -> None:
    """Have a write append its record to the stream and nothing else.

    moto invokes functions inside the write, with all records so far, and then forgets them.
    """
    hooks.replace_method(StreamShard, "add", _append)


def _append(shard: Any, old: Any, new: Any) -> None:
    name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
    number = len(shard.items) + shard.starting_sequence_number
    view = shard.table.stream_specification["StreamViewType"]
    shard.items.append(StreamRecord(shard.table, view, name, old, new, number))
