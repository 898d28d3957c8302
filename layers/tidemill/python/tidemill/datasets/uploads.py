"""What an upload is, what became of it, and how both are written down."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tidemill.canonical import canonical_json, digest_json
from tidemill.datasets.added_rows import KNOWN_FOR, REQUESTS_ENDING
from tidemill.datasets.findings import Findings
from tidemill.datasets.moments import timestamp
from tidemill.datasets.report_page import upload_page
from tidemill.datasets.tables import Commit
from tidemill.errors import UploadRefused, did_you_mean
from tidemill.ports import Blobs, Documents
from tidemill.project import Project, Source
from tidemill.project.code import code_version

Status = Literal["committed", "duplicate", "refused", "ignored"]
_PREFIX = "tidemill."
_FAILED_PROPERTY = f"{_PREFIX}failed"
_SAID = ("bucket", "key", "version", "digest", "rows", "quarantined", "warnings", "code", "findings", "at")
LARGEST_BYTES = 5 * 1024**3
"""The largest object that S3 takes in one part. A function's disk holds it, and its time is enough."""
NEWEST_PROPERTY = f"{_PREFIX}newest"
"""The commit property that says when the newest of its rows is from; empty where none has a time."""
FINDINGS_PROPERTY = f"{_PREFIX}findings"
"""The commit property that says where in the data bucket the findings of its checks lie."""


@dataclass(frozen=True)
class Upload:
    """One object under ``uploads/<project>/<source>/``.

    Attributes
    ----------
    bucket, key
        Where it lies.
    version
        The bucket's version id of it; None for whatever is there.
    at
        When it arrived, by the event that told of it.
    size_bytes
        How large it is, if the event told of it.
    """

    bucket: str
    key: str
    version: str | None
    at: datetime
    size_bytes: int = 0

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Upload":
        """Read an ``Object Created`` event of EventBridge, whose keys stand as they are, not URL-encoded."""
        detail = event["detail"]
        return cls(
            bucket=detail["bucket"]["name"],
            key=detail["object"]["key"],
            version=detail["object"].get("version-id") or None,
            at=datetime.fromisoformat(event["time"]),
            size_bytes=detail["object"].get("size", 0),
        )

    @property
    def place(self) -> tuple[str, str, str]:
        """The project, the source and the file that the key names; empty where it names none."""
        parts = [*self.key.split("/", 3), "", "", ""]
        return (parts[1], parts[2], parts[3]) if parts[0] == "uploads" else ("", "", "")

    @property
    def name_digest(self) -> str:
        """A digest of the upload's name, for one whose bytes are not known."""
        return digest_json([self.bucket, self.key, self.version])

    def described(self, digest: str) -> dict[str, str]:
        """Return the upload as events, reports and commits name it."""
        return {"bucket": self.bucket, "key": self.key, "version": self.version or "", "digest": digest}


@dataclass(frozen=True)
class IngestOutcome:
    """What became of an upload.

    Attributes
    ----------
    status
        ``committed``; ``duplicate`` if the same bytes had been committed before, or every request in the
        file came with another; ``refused``; or
        ``ignored`` for the empty object that stands for a folder.
    source
        The source's name as the key has it.
    record
        What ``CommitCreated`` says of the commit that holds the upload's rows, if one does.
    error
        Why it was refused.
    report_key
        Where the report lies in the data bucket.
    """

    status: Status
    source: str
    record: Mapping[str, Any] | None = None
    error: str | None = None
    report_key: str | None = None


def hold_to_size(upload: Upload) -> None:
    """Refuse an upload that is too large, before it is read.

    Raises
    ------
    UploadRefused
        If it is larger than ``LARGEST_BYTES``.
    """
    if upload.size_bytes > LARGEST_BYTES:
        raise UploadRefused(
            f"the upload {upload.key} has {upload.size_bytes / 1024**3:.1f} GiB, and "
            f"{LARGEST_BYTES / 1024**3:.0f} GiB are the most; split it, and upload the parts one by one"
        )


def source_of(upload: Upload, project: Project) -> Source:
    """Return the source an upload is for.

    Raises
    ------
    UploadRefused
        If its key names no source of the project.
    """
    project_name, source_name, file = upload.place
    if not file:
        raise UploadRefused(f"the key {upload.key} is not uploads/<project>/<source>/<file>; upload it there")
    if project_name != project.name:
        raise UploadRefused(
            f"the key {upload.key} names project `{project_name}`, but this is `{project.name}`; "
            f"upload it under uploads/{project.name}/"
        )
    by_name = {source.name: source for source in project.sources}
    if source_name not in by_name:
        raise UploadRefused(
            f"project `{project.name}` has no source `{source_name}`{did_you_mean(source_name, by_name)}; "
            f"its sources are {', '.join(sorted(by_name))}"
        )
    return by_name[source_name]


def commit_properties(upload: Upload, digest: str, project: str) -> dict[str, str]:
    """Return what a commit says of its upload and of the code that reads it; counts come later."""
    code = code_version(project)
    described = {**upload.described(digest), "code": code, "at": timestamp(upload.at)}
    return {f"{_PREFIX}{name}": value for name, value in described.items()}


def set_counts(properties: dict[str, str], *, rows: int, newest: str | None, findings: Findings) -> None:
    """Write into a commit's properties how many rows it has, how new they are, and what failed."""
    properties[NEWEST_PROPERTY] = newest or ""
    if findings.failed:
        properties[_FAILED_PROPERTY] = json.dumps(findings.failed, ensure_ascii=False)
    properties[f"{_PREFIX}rows"] = str(rows)
    properties[f"{_PREFIX}quarantined"] = str(findings.rows_quarantined)
    properties[f"{_PREFIX}warnings"] = str(findings.warnings)


def committed_at(commit: Commit) -> datetime | None:
    """Return when a commit's upload arrived; None for a commit that was not made of an upload."""
    said = commit.properties.get(f"{_PREFIX}at")
    return datetime.fromisoformat(said) if said else None


def rows_of(commit: Commit) -> int:
    """Return how many rows a commit's upload brought."""
    return int(commit.properties.get(f"{_PREFIX}rows") or 0)


def commit_record(commit: Commit, project: str, source: str) -> dict[str, Any]:
    """Return a commit as the detail of its ``CommitCreated`` event, which is also what the index keeps."""
    said = {name: commit.properties.get(f"{_PREFIX}{name}", "") for name in _SAID}
    return {
        "project": project,
        "source": source,
        "snapshot_id": commit.snapshot_id,
        "sequence": commit.sequence,
        "upload": {name: said[name] for name in ("bucket", "key", "version", "digest")},
        "rows": int(said["rows"] or 0),
        "quarantined": int(said["quarantined"] or 0),
        "warnings": int(said["warnings"] or 0),
        "failed": json.loads(commit.properties.get(_FAILED_PROPERTY, "[]")),
        "code": said["code"],
        "findings": said["findings"],
        "at": said["at"],
    }


def indexed_record(documents: Documents, source: str, digest: str) -> dict[str, Any] | None:
    """Return the record of the commit that holds a digest's rows, or None."""
    stored = documents.get(f"UPLOADS#{source}", digest)
    return None if stored is None else stored[0]


def index_record(documents: Documents, record: Mapping[str, Any]) -> None:
    """Remember which commit an upload became; writing it again writes the same.

    Bytes that came before are known for good, but for a file of requests: nobody but a queue sends one again.
    """
    upload, expires_at = record["upload"], None
    if upload["key"].endswith(REQUESTS_ENDING):
        expires_at = int((datetime.fromisoformat(record["at"]) + KNOWN_FOR).timestamp())
    documents.put(f"UPLOADS#{record['source']}", upload["digest"], record, expires_at=expires_at)


def forget_uploads(documents: Documents, source: str, digests: Iterable[str]) -> None:
    """Forget what uploads became, so that the same bytes may be committed again."""
    for digest in digests:
        documents.delete(f"UPLOADS#{source}", digest)


def write_report(blobs: Blobs, upload: Upload, project: str, digest: str, report: Mapping[str, Any]) -> str:
    """Write an upload's report, as a page and as JSON, and return the key of the JSON."""
    key = f"reports/uploads/{project}/{upload.place[1] or 'unknown'}/{digest}"
    blobs.put(f"{key}.html", upload_page(report).encode(), content_type="text/html; charset=utf-8")
    blobs.put(f"{key}.json", canonical_json(dict(report)), content_type="application/json")
    return f"{key}.json"
