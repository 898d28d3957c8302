"""Rows that come by API: queue messages on their way, and files of requests among the uploads.

A request's rows become one or more messages, a batch of messages one file of requests, and the file
one commit, as any upload does. A message may come twice, in other company each time; so each line of
a file says which part of which request it holds, and a part belongs to the first file that claims it
when it is ingested (``datasets/requested_rows.py``). Nothing here needs Arrow.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO

from tidemill.canonical import canonical_json, digest_bytes
from tidemill.errors import Corrupt, UploadRefused
from tidemill.ports import Blobs

REQUESTS_ENDING = ".requests.jsonl"
"""What the name of a file of requests ends in."""

KNOWN_FOR = timedelta(days=90)
"""How long a request's id, and which file brings its rows, are known; queues keep messages for 28 days."""

MAX_MESSAGE_BYTES = 200_000  # SQS takes 256 KiB; some room for the envelope and attributes

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Part:
    """Some rows of one request.

    Attributes
    ----------
    source
        The source they are for.
    id
        The request's id and the number of the part: ``<request id>/<rows before it>``.
    rows
        Every column of the source in each, times as text.
    """

    source: str
    id: str
    rows: Rows


def encode_rows(source: str, request_id: str, rows: Rows) -> list[str]:
    """Encode a request's rows as message bodies of at most ``MAX_MESSAGE_BYTES`` each.

    Parameters
    ----------
    source, request_id
        What the rows are for, and the id they are added once under.
    rows
        At least one.

    Returns
    -------
    list of str
        The bodies; equal requests give equal bodies.
    """
    return list(_encode(source, request_id, rows, 0))


def _encode(source: str, request_id: str, rows: Rows, before: int) -> Iterator[str]:
    data = base64.b64encode(zlib.compress(canonical_json([dict(row) for row in rows]), 6)).decode()
    body = canonical_json({"source": source, "part": f"{request_id}/{before}", "data": data}).decode()
    if len(body) <= MAX_MESSAGE_BYTES or len(rows) == 1:
        yield body
        return
    half = len(rows) // 2
    yield from _encode(source, request_id, rows[:half], before)
    yield from _encode(source, request_id, rows[half:], before + half)


def decode_rows(body: str) -> Part:
    """Decode a message.

    Parameters
    ----------
    body
        What ``encode_rows`` made.

    Returns
    -------
    Part
        The rows, and what they are part of.

    Raises
    ------
    Corrupt
        If the body is not such a message; the queue's dead letters keep it.
    """
    try:
        message = json.loads(body)
        rows = json.loads(zlib.decompress(base64.b64decode(message["data"], validate=True)))
        return Part(str(message["source"]), str(message["part"]), rows)
    except (ValueError, KeyError, TypeError, zlib.error, binascii.Error) as error:
        raise Corrupt(f"a message of added rows can not be read: {error}") from error


def store_requests(blobs: Blobs, project: str, parts: Sequence[Part]) -> list[str]:
    """Write parts of requests as uploads, one file for each source, and return their keys.

    Parameters
    ----------
    blobs
        The data bucket.
    project
        The project's name.
    parts
        As they came; the same part twice is one.

    Returns
    -------
    list of str
        Keys that name the files' content: the same parts again make the same file again.
    """
    keys = []
    for source in sorted({part.source for part in parts}):
        by_id = {part.id: part for part in parts if part.source == source}
        lines = [canonical_json({"part": name, "rows": by_id[name].rows}) + b"\n" for name in sorted(by_id)]
        data = b"".join(lines)
        keys.append(f"uploads/{project}/{source}/{digest_bytes(data)}{REQUESTS_ENDING}")
        blobs.put(keys[-1], data, content_type="application/jsonl")
    return keys


def read_requests(file: BinaryIO, name: str) -> Iterator[tuple[str, Rows]]:
    """Yield the parts of a file of requests: their ids and their rows.

    Raises
    ------
    UploadRefused
        If a line is none that ``store_requests`` writes.
    """
    for number, line in enumerate(file, start=1):
        try:
            part = json.loads(line)
            yield str(part["part"]), list(part["rows"])
        except (ValueError, KeyError, TypeError) as error:
            raise UploadRefused(
                f"line {number} of the file {name} is no part of a request ({error}); "
                f"name a file of rows without `{REQUESTS_ENDING}`"
            ) from error
