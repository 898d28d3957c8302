"""Adding rows by API: checked while the caller waits, then on their way to become part of a commit.

What one row tells of itself is checked here: types, nulls, checks, repetition within the request;
every error is told. What other rows tell of it (uniqueness across commits, references) is checked when
the rows are committed, and reported as for any upload.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from tidemill.canonical import digest_json
from tidemill.datasets.added_rows import KNOWN_FOR, encode_rows
from tidemill.errors import Conflict, InvalidRequest, NotFound, did_you_mean
from tidemill.expressions import Column, Type, column, evaluate, format_timestamp
from tidemill.ports import Documents
from tidemill.project import Source
from tidemill.project.checks import Holds, Unique
from tidemill.serving.http import (
    Fault,
    IdTaken,
    InvalidRows,
    Request,
    Response,
    Route,
    Router,
)
from tidemill.serving.requests import parse_json, read_value, rows_of

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


class RowsQueue(Protocol):
    """Where messages of added rows go; an error means that some may not have arrived."""

    def send(self, bodies: Sequence[str]) -> None:
        """Send messages; Unavailable unless every one was accepted."""
        ...


class RowsApi:
    """The route that takes rows.

    Parameters
    ----------
    sources
        The project's sources by name.
    documents
        Where the ids of requests are remembered.
    queue
        Where rows wait for others to become a file with.
    """

    def __init__(self, sources: Mapping[str, Source], documents: Documents, queue: RowsQueue) -> None:
        self._sources = sources
        self._documents = documents
        self._queue = queue

    def router(self) -> Router:
        """Return the routing table."""
        return Router([Route("POST", "/sources/{source}/rows", self._add)])

    def _add(self, request: Request, names: Mapping[str, str]) -> Response:
        name = names["source"]
        if name not in self._sources:
            raise NotFound(f"there is no source `{name}`{did_you_mean(name, self._sources)}")
        document = parse_json(request.body)
        rows = rows_of(document, others=["request_id"])
        request_id = _request_id(document)
        accepted = accept_rows(rows, self._sources[name])
        self._remember(name, request_id, accepted, request.at)
        self._queue.send(encode_rows(name, request_id, accepted))
        answer = {"source": name, "request_id": request_id, "rows": len(accepted), "status": "accepted"}
        return Response(202, answer)

    def _remember(
        self, source: str, request_id: str, rows: Sequence[Mapping[str, Any]], at: datetime
    ) -> None:
        """Remember what a request id stands for; a repeated request is sent again and added once."""
        partition, digest = f"REQUESTS#{source}", digest_json(rows)
        found = self._documents.get(partition, request_id)
        if found is None:
            expires_at = int((at + KNOWN_FOR).timestamp())
            try:
                self._documents.put(
                    partition, request_id, {"rows": digest}, revision=0, expires_at=expires_at
                )
            except Conflict:
                found = self._documents.get(partition, request_id)
        if found is not None and found[0]["rows"] != digest:
            raise IdTaken(
                f"`request_id` {request_id} was given other rows of source `{source}` before; "
                "repeat the same rows, or choose another id",
                field="request_id",
            )


def accept_rows(rows: Sequence[Any], source: Source) -> list[dict[str, Any]]:
    """Return rows as they are written down, if nothing is wrong with any of them.

    Parameters
    ----------
    rows
        As JSON gave them; a column that a row leaves out is null.
    source
        Whose schema and checks they must keep.

    Returns
    -------
    list of dict
        Every column in every row, times as RFC 3339 in UTC.

    Raises
    ------
    InvalidRows
        If anything is wrong, with every fault.
    """
    faults: list[Fault] = []
    values: dict[str, list[Any]] = {name: [] for name in source.schema}
    for position, row in enumerate(rows):
        faults += _read_row(position, row, source, values)
    if not faults:
        columns = {name: column(type_, values[name]) for name, type_ in source.schema.items()}
        faults = list(_failed_checks(source, columns))
    if faults:
        wrong = len({fault.field.split(".")[0] for fault in faults})
        raise InvalidRows(f"{wrong} of {len(rows)} rows are wrong, and none was added", faults=faults)
    written = {name: _written(each) for name, each in columns.items()}
    return [dict(zip(written, row, strict=True)) for row in zip(*written.values(), strict=True)]


def _request_id(document: Mapping[str, Any]) -> str:
    found = document.get("request_id")
    if not isinstance(found, str) or _REQUEST_ID.fullmatch(found) is None:
        raise InvalidRequest(
            "`request_id` is what these rows are added once under, however often they are sent: "
            "send 1 to 128 letters, digits and _ . : -",
            field="request_id",
        )
    return found


def _read_row(position: int, row: Any, source: Source, values: Mapping[str, list[Any]]) -> Iterator[Fault]:
    where = f"rows[{position}]"
    if not isinstance(row, dict):
        yield Fault(where, "a row is a JSON object")
        return
    for name in row:
        if name not in source.schema:
            shown = name[:60]
            yield Fault(f"{where}.{shown}", f"unknown column `{shown}`{did_you_mean(shown, source.schema)}")
    for name, type_ in source.schema.items():
        try:
            value = read_value(row.get(name), type_, f"{where}.{name}", required=name in source.required)
        except InvalidRequest as error:
            yield Fault(error.field or where, str(error))
            value = None
        values[name].append(value)


def _failed_checks(source: Source, columns: Mapping[str, Column]) -> Iterator[Fault]:
    for check in source.row_checks:
        if check.severity == "warn":
            continue
        if isinstance(check, Holds):
            verdict = evaluate(check.expression, columns)
            failed = (verdict.valid & ~verdict.filled()).nonzero()[0].tolist()
        elif isinstance(check, Unique):
            failed = _repeated([columns[name].to_list() for name in check.columns])
        else:
            failed = []
        yield from (Fault(f"rows[{position}]", check.reason) for position in failed)


def _repeated(columns: Sequence[list[Any]]) -> list[int]:
    seen: set[tuple[Any, ...]] = set()
    repeated = []
    for position, values in enumerate(zip(*columns, strict=True)):
        if values in seen:
            repeated.append(position)
        seen.add(values)
    return repeated


def _written(column: Column) -> list[Any]:
    if column.type is not Type.TIMESTAMP:
        return column.to_list()
    moments = zip(column.values, column.valid, strict=True)
    return [format_timestamp(value) if valid else None for value, valid in moments]
