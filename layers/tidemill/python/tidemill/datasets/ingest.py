"""One upload becomes one commit, or is refused whole.

Each write of an ingest can be the last before a crash, so they come in this order: quarantined
rows, the commit, the index of digests, the report, the event. Before the commit nothing refers to
what was written, and a retry writes the same; from the commit on, a retry finds it (by the index,
or by the digest among the commit's ids) and goes on with what was still missing. The event is
published on every delivery, because nobody knows whether it was before.
"""

import hashlib
import math
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO, cast

import pyarrow as pa

from tidemill.canonical import canonical_json
from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.checks import Checker, FailedRow
from tidemill.datasets.formats import read_batches
from tidemill.datasets.tables import Tables
from tidemill.datasets.uploads import (
    IngestOutcome,
    Upload,
    commit_properties,
    commit_record,
    index_record,
    indexed_record,
    set_counts,
    source_of,
    timestamp,
    write_report,
)
from tidemill.errors import ExpressionError, NotFound, UploadRefused
from tidemill.ports import Blobs, Documents, Events
from tidemill.project import Project, Source

_IN_MEMORY_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_SHOWN_FAILURES = 20


def ingest_upload(
    upload: Upload,
    *,
    project: Project,
    blobs: Blobs,
    tables: Tables,
    documents: Documents,
    events: Events,
) -> IngestOutcome:
    """Commit an upload's rows to its source's table, once, or refuse it.

    Parameters
    ----------
    upload
        The object that arrived.
    project
        Whose source the object's key names.
    blobs
        The data bucket.
    tables
        Where the rows go.
    documents
        Where it is remembered which digests were committed.
    events
        Hears ``CommitCreated`` or ``UploadRefused``.

    Returns
    -------
    IngestOutcome
        What became of it; a refusal is an outcome, with a report, and not an error.

    Raises
    ------
    PlatformError
        If a service failed; the same call again is safe.
    """
    if upload.key.endswith("/"):
        return IngestOutcome("ignored", upload.place[1])
    digest, found = upload.name_digest, Findings()
    try:
        source = source_of(upload, project)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as spool:
            file = cast("BinaryIO", spool)
            digest = _fetch(upload, blobs, file)
            record, new = indexed_record(documents, source.name, digest), False
            if record is None:
                rows = _Rows(upload, digest, source=source, project=project.name, blobs=blobs, found=found)
                tables.ensure(source.name, arrow_schema(source.schema))
                commit, new = tables.append(source.name, rows.batches(file), rows.properties, ids=[digest])
                record = commit_record(commit, project.name, source.name)
    except (UploadRefused, ExpressionError) as error:
        return _refuse(upload, digest, str(error), found, project=project.name, blobs=blobs, events=events)
    index_record(documents, record)
    report_key = write_report(blobs, upload, project.name, digest, {**record, "status": "committed"})
    events.publish("CommitCreated", record)
    return IngestOutcome("committed" if new else "duplicate", source.name, record, report_key=report_key)


def _refuse(
    upload: Upload, digest: str, error: str, found: "Findings", *, project: str, blobs: Blobs, events: Events
) -> IngestOutcome:
    said = {
        "project": project,
        "source": upload.place[1],
        "upload": upload.described(digest),
        "error": error,
        "at": timestamp(upload.at),
    }
    report = {**said, "status": "refused", **found.described()}
    report_key = write_report(blobs, upload, project, digest, report)
    events.publish("UploadRefused", {**said, "report_key": report_key})
    return IngestOutcome("refused", upload.place[1], error=error, report_key=report_key)


def _fetch(upload: Upload, blobs: Blobs, file: BinaryIO) -> str:
    """Copy an upload to a local file, which a reader can seek in, and return its digest."""
    sha = hashlib.sha256()
    try:
        with blobs.open(upload.key, version=upload.version) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                sha.update(chunk)
                file.write(chunk)
    except NotFound as error:
        raise UploadRefused(
            f"the upload {upload.key} was deleted before it was read; upload it again"
        ) from error
    file.seek(0)
    return sha.hexdigest()


class Findings:
    """What the row checks found so far: how many rows failed, of which checks, and the first of them."""

    def __init__(self) -> None:
        self.rows = 0
        self.failed = 0
        self._reasons: Counter[str] = Counter()
        self._first: list[dict[str, Any]] = []

    def add(self, rows: int, failed_rows: list[FailedRow]) -> None:
        """Count a batch of so many rows, some of which failed."""
        self.rows += rows
        self.failed += len(failed_rows)
        for failed in failed_rows:
            self._reasons.update(failed.reasons)
        room = max(0, _SHOWN_FAILURES - len(self._first))
        self._first.extend(_plain(failed) for failed in failed_rows[:room])

    def described(self) -> dict[str, Any]:
        """Return the findings as a report names them."""
        return {
            "rows_read": self.rows,
            "rows_failed": self.failed,
            "failed_checks": dict(self._reasons.most_common()),
            "first_failed_rows": self._first,
        }

    def hold(self, tolerance: float) -> None:
        """Refuse the upload if a larger share of its rows failed than its source tolerates."""
        if self.failed <= tolerance * self.rows:
            return
        check, times = self._reasons.most_common(1)[0]
        first = self._first[0]
        raise UploadRefused(
            f"{self.failed} of {self.rows} rows fail checks, more than the tolerated {tolerance:.1%}; "
            f"most often {check} ({times} times), first in row {first['row']}: {first['reasons'][0]}; "
            "correct them and upload the file again"
        )


class _Rows:
    """The rows of one upload on their way to the table, failed ones put aside, all of them counted."""

    def __init__(
        self, upload: Upload, digest: str, *, source: Source, project: str, blobs: Blobs, found: Findings
    ) -> None:
        self.properties = commit_properties(upload, digest)
        self._name = upload.place[2]
        self._source = source
        self._quarantine_key = f"quarantine/{project}/{source.name}/{digest}.jsonl"
        self._blobs = blobs
        self._found = found

    def batches(self, file: BinaryIO) -> Iterator[pa.RecordBatch]:
        """Yield the rows that passed; at the end refuse the upload, or write down those that did not."""
        checker = Checker(self._source)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as aside:
            for batch in read_batches(file, name=self._name, schema=self._source.schema):
                passed, failed_rows = checker.check(batch)
                self._found.add(batch.num_rows, failed_rows)
                aside.writelines(canonical_json(_plain(failed)) + b"\n" for failed in failed_rows)
                yield passed
            self._found.hold(self._source.tolerance)
            if self._found.failed:
                aside.seek(0)
                self._blobs.put(self._quarantine_key, aside.read(), content_type="application/jsonl")
        rows = self._found.rows - self._found.failed
        set_counts(self.properties, rows=rows, quarantined=self._found.failed)


def _plain(failed: FailedRow) -> dict[str, Any]:
    values = {
        name: timestamp(value) if isinstance(value, datetime) else value
        for name, value in failed.values.items()
    }
    # An infinity is no JSON; as text it is still told.
    values = {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
    return {"row": failed.row, "reasons": list(failed.reasons), "values": values}
