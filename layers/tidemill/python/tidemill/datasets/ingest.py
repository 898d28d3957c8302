"""One upload becomes one commit, or is refused whole.

Each write of an ingest can be the last before a crash, so they come in this order: quarantined
rows, findings, the commit, the index of digests, the report, the event. Before the commit nothing
refers to what was written, and a retry writes the same; from the commit on, a retry finds it (by the
index, or by the digest among the commit's ids) and goes on with what was still missing. The event is
published on every delivery, because nobody knows whether it was before.
"""

import hashlib
import tempfile
from collections.abc import Mapping
from functools import partial
from typing import Any, BinaryIO, cast

from tidemill.datasets.added_rows import REQUESTS_ENDING
from tidemill.datasets.ahead import one_ahead
from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.blocking import block, lift
from tidemill.datasets.findings import ChecksFailed, Findings
from tidemill.datasets.moments import timestamp
from tidemill.datasets.refusals import note_refusal
from tidemill.datasets.requested_rows import requested_rows, row_by_row
from tidemill.datasets.tables import TablesInParts
from tidemill.datasets.uploaded_rows import UploadedRows, stored_findings
from tidemill.datasets.uploads import (
    IngestOutcome,
    Upload,
    commit_record,
    hold_to_size,
    index_record,
    indexed_record,
    source_of,
    write_report,
)
from tidemill.errors import CallerError, ExpressionError, NotFound, UploadRefused
from tidemill.ports import Blobs, Documents, Events
from tidemill.project import Project, Source

_IN_MEMORY_BYTES = 16 * 1024 * 1024
_CHUNK_BYTES = 4 * 1024 * 1024


def ingest_upload(
    upload: Upload,
    *,
    project: Project,
    blobs: Blobs,
    tables: TablesInParts,
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
        Where it is remembered which digests were committed, and which sources are blocked.
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
    return _Ingest(
        upload, project=project, blobs=blobs, tables=tables, documents=documents, events=events
    ).run()


class _Ingest:
    """One upload, and every port it needs."""

    def __init__(
        self,
        upload: Upload,
        *,
        project: Project,
        blobs: Blobs,
        tables: TablesInParts,
        documents: Documents,
        events: Events,
    ) -> None:
        self._upload = upload
        self._project = project
        self._blobs = blobs
        self._tables = tables
        self._documents = documents
        self._events = events
        self._digest = upload.name_digest
        self._findings = Findings()

    @property
    def _of_requests(self) -> bool:
        return self._upload.key.endswith(REQUESTS_ENDING)

    def run(self) -> IngestOutcome:
        try:
            source = source_of(self._upload, self._project)
            hold_to_size(self._upload)
            with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as spool:
                file = cast("BinaryIO", spool)
                self._digest = _fetch(self._upload, self._blobs, file)
                record, new = indexed_record(self._documents, source.name, self._digest), False
                if record is None:
                    rows = self._rows_of(file, source)
                    if rows is None:
                        return IngestOutcome("duplicate", source.name)
                    record, new = self._commit(source, rows)
        except (UploadRefused, ExpressionError) as error:
            return self._refuse(error)
        index_record(self._documents, record)
        lift(self._documents, source.name, since=record["at"])
        found = stored_findings(self._blobs, record.get("findings"))
        found.pop("profile", None)
        report_key = self._report({**record, "status": "committed", **found})
        self._events.publish("CommitCreated", record)
        return IngestOutcome("committed" if new else "duplicate", source.name, record, report_key=report_key)

    def _rows_of(self, file: BinaryIO, source: Source) -> BinaryIO | None:
        """Return what holds the upload's rows: itself, or of a file of requests those that are its own."""
        if not self._of_requests:
            return file
        return requested_rows(
            file,
            name=self._upload.place[2],
            source=source.name,
            digest=self._digest,
            at=self._upload.at,
            documents=self._documents,
        )

    def _commit(self, source: Source, file: BinaryIO) -> tuple[dict[str, Any], bool]:
        rows = UploadedRows(
            self._upload,
            self._digest,
            project=self._project,
            source=row_by_row(source) if self._of_requests else source,
            tables=self._tables,
            blobs=self._blobs,
        )
        self._tables.ensure(source.name, arrow_schema(source.schema), was=source.was)
        try:
            commit, new = rows.append(file)
        finally:
            self._findings = rows.findings
        return commit_record(commit, self._project.name, source.name), new

    def _refuse(self, error: CallerError) -> IngestOutcome:
        source = self._upload.place[1]
        said = {
            "project": self._project.name,
            "source": source,
            "upload": self._upload.described(self._digest),
            "error": str(error),
            "failed": self._findings.failed,
            "at": timestamp(self._upload.at),
        }
        report_key = self._report({**said, "status": "refused", **self._findings.to_json()})
        refusal = {**said, "report_key": report_key}
        note_refusal(self._documents, refusal)
        if isinstance(error, ChecksFailed):
            block(self._documents, self._tables, refusal)
        self._events.publish("UploadRefused", refusal)
        return IngestOutcome("refused", source, error=str(error), report_key=report_key)

    def _report(self, report: Mapping[str, Any]) -> str:
        return write_report(self._blobs, self._upload, self._project.name, self._digest, report)


def _fetch(upload: Upload, blobs: Blobs, file: BinaryIO) -> str:
    """Copy an upload to a local file, which a reader can seek in, and return its digest."""
    sha = hashlib.sha256()
    try:
        with blobs.open(upload.key, version=upload.version) as stream:
            for chunk in one_ahead(iter(partial(stream.read, _CHUNK_BYTES), b"")):
                sha.update(chunk)
                file.write(chunk)
    except NotFound as error:
        raise UploadRefused(
            f"the upload {upload.key} was deleted before it was read; upload it again"
        ) from error
    file.seek(0)
    return sha.hexdigest()
