"""The rows of one upload on their way to the table: checked, counted, some put aside."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

import pyarrow as pa

from tidemill.canonical import canonical_json, digest_bytes
from tidemill.datasets.checks import Checker
from tidemill.datasets.faults import Faults
from tidemill.datasets.findings import ColumnCounts, Findings
from tidemill.datasets.formats import Rows, read_rows
from tidemill.datasets.key_index import KeyIndex, referenced_keys
from tidemill.datasets.measures import Measures
from tidemill.datasets.tables import Appended, TablesInParts
from tidemill.datasets.uploads import FINDINGS_PROPERTY, Upload, commit_properties, set_counts
from tidemill.errors import Conflict, NotFound, UploadRefused
from tidemill.ports import Blobs
from tidemill.project import Project, Source
from tidemill.project.checks import Drift

_IN_MEMORY_BYTES = 16 * 1024 * 1024
_PART_BYTES = 16 * 1024 * 1024
_MOST_ASIDE_BYTES = 1024**3  # the disk of a function holds the file besides
_TRIES = 50  # at once there are as many writers as functions may run side by side


class UploadedRows:
    """Reads an upload's file, and appends what its source's checks let pass.

    Parameters
    ----------
    upload, digest
        Which upload, and the digest of its bytes.
    project, source
        Whose checks are applied.
    tables
        Where the rows go, and what they are compared with.
    blobs
        Where rows put aside and findings are written down.

    Attributes
    ----------
    findings
        What was found in the last attempt, also where it ended in a refusal.
    """

    def __init__(
        self,
        upload: Upload,
        digest: str,
        *,
        project: Project,
        source: Source,
        tables: TablesInParts,
        blobs: Blobs,
    ) -> None:
        self._upload = upload
        self._digest = digest
        self._project = project
        self._source = source
        self._tables = tables
        self._blobs = blobs
        self._index = KeyIndex(project, source, tables=tables, blobs=blobs)
        self.findings = Findings()

    def append(self, file: BinaryIO) -> Appended:
        """Append the file's rows in one commit, or find the commit that holds them.

        Where rows must be unique across commits, a commit carries the id of the one it was checked
        against: of two writers with the same, one finds that the other's is there, and checks anew.

        Raises
        ------
        UploadRefused
            If the file is broken, or the checks are against it.
        Conflict
            If other writers were faster every time.
        """
        for _ in range(_TRIES):
            ids = [self._digest, *self._base()]
            file.seek(0)
            properties = commit_properties(self._upload, self._digest, self._project.name)
            appended = self._tables.append(
                self._source.name, self._batches(file, properties), properties, ids=ids
            )
            if self._digest in appended.commit.ids:
                return appended
        raise Conflict(
            f"source `{self._source.name}`: other uploads were committed while this one was checked, "
            f"{_TRIES} times; it will be delivered again"
        )

    def _base(self) -> list[str]:
        if not self._index.checks:
            return []
        newest = self._tables.commits(self._source.name, last=1)
        return [f"after-{newest[-1].snapshot_id if newest else 0}"]

    def _batches(self, file: BinaryIO, properties: dict[str, str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows that are kept; then hold the findings, and write down what was put aside."""
        seen = self._index.load()
        checker = Checker(self._source, seen=seen, known=referenced_keys(self._source, self._tables))
        measures, faults = Measures(self._source), Faults(self._upload.place[2], self._source.schema)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as aside:
            try:
                for rows in self._read(file, faults):
                    kept, put_aside = checker.check(rows.batch, rows.numbers)
                    measures.add(kept)
                    if faults or aside.tell() > _MOST_ASIDE_BYTES:
                        continue  # it will be refused, and is read on for what else there is to report
                    aside.writelines(canonical_json(row.to_json()) + b"\n" for row in put_aside)
                    yield kept
            except UploadRefused as broken:
                self.findings = self._found(checker.findings(), faults, checker, measures)
                faults.hold(besides=f"then {broken}")
                raise
            verdicts = measures.verdicts(self._upload.at, self._earlier())
            self.findings = self._found(checker.findings(verdicts), faults, checker, measures)
            faults.hold(besides=self.findings.objections)
            self.findings.hold()
            _hold_to_size(aside)
            aside.seek(0)
            parts = list(self._store_parts(aside))
        profile = measures.profile()
        properties[FINDINGS_PROPERTY] = self._store_findings(profile, parts)
        properties |= self._index.save(seen)
        set_counts(properties, rows=measures.rows, newest=profile["newest"], findings=self.findings)

    def _read(self, file: BinaryIO, faults: Faults) -> Iterator[Rows]:
        name, source = self._upload.place[2], self._source
        return read_rows(file, name=name, schema=source.schema, faults=faults, csv=source.csv)

    def _found(self, findings: Findings, faults: Faults, checker: Checker, measures: Measures) -> Findings:
        """Add what kept rows from being read; checks say nothing where that is so of all rows."""
        return replace(
            findings,
            rows_read=faults.rows,
            verdicts=findings.verdicts if faults.unread < faults.rows else (),
            faults=faults.verdicts(),
            rows_unread=faults.unread,
            columns=[
                ColumnCounts(
                    name, type_.value, measures.nulls[name], checker.put_aside[name], faults.by_column[name]
                )
                for name, type_ in self._source.schema.items()
            ],
        )

    def _store_parts(self, aside: Any) -> Iterator[str]:
        while lines := aside.readlines(_PART_BYTES):
            data = b"".join(lines)
            place = f"{self._project.name}/{self._source.name}/{self._digest}"
            yield self._store(f"quarantine/{place}", data, ending="jsonl")

    def _store_findings(self, profile: Mapping[str, Any], parts: list[str]) -> str:
        document = {**self.findings.to_json(), "quarantine": parts, "profile": profile}
        place = f"{self._project.name}/{self._source.name}"
        return self._store(f"findings/{place}", canonical_json(document), ending="json")

    def _store(self, folder: str, data: bytes, *, ending: str) -> str:
        """Store data under its digest: a delivery that comes late can not replace what a commit names."""
        key = f"{folder}/{digest_bytes(data)}.{ending}"
        self._blobs.put(key, data, content_type=f"application/{ending}")
        return key

    def _earlier(self) -> list[Mapping[str, Any]]:
        """Return the profiles of the commits that drift is measured against, the newest first."""
        wanted = [each.commits for each in self._source.upload_checks if isinstance(each, Drift)]
        if not wanted:
            return []
        profiles = []
        for commit in reversed(self._tables.commits(self._source.name, last=max(wanted))):
            document = stored_findings(self._blobs, commit.properties.get(FINDINGS_PROPERTY))
            if "profile" in document:
                profiles.append(document["profile"])
        return profiles


def _hold_to_size(aside: Any) -> None:
    """Refuse an upload of which more is put aside than there is room for, whatever its source tolerates."""
    if aside.tell() > _MOST_ASIDE_BYTES:
        raise UploadRefused(
            f"rows of more than {_MOST_ASIDE_BYTES / 1024**3:.0f} GiB would be put aside; split the file, "
            "or correct what most of them fail, and upload it again"
        )


def stored_findings(blobs: Blobs, key: str | None) -> dict[str, Any]:
    """Return what was found of a committed upload; nothing for a commit that was made without checks."""
    if not key:
        return {}
    try:
        found: dict[str, Any] = json.loads(blobs.get(key))
    except NotFound:
        return {}
    return found
