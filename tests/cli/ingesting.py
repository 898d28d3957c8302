"""Commands beside a deployment in memory that ingests what is uploaded, as the deployed one does."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from projects.flights import project
from tests.cli.given import Given
from tidemill.client.deployment import Uploaded, digest_file
from tidemill.datasets.ingest import ingest_upload
from tidemill.datasets.uploads import Upload
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.events import MemoryEvents


class Ingesting(Given):
    """A deployment of the flights project in memory; uploads arrive when its clock says.

    Parameters
    ----------
    state_dir
        Where commands leave what they save.
    """

    def __init__(self, state_dir: Path) -> None:
        super().__init__(state_dir)
        self.found.now = datetime(2013, 1, 1, tzinfo=UTC)
        self.found.put_upload = self._put
        self.found.upload_report = self._report

    def _put(self, source: str, file: Path) -> Uploaded:
        blobs: MemoryBlobs = self.found.data
        key = f"uploads/flights/{source}/{file.name}"
        version = blobs.put(key, file.read_bytes()).version
        outcome = ingest_upload(
            Upload("data-bucket", key, version, self.found.now),
            project=project,
            blobs=blobs,
            tables=self.found.tables,
            documents=self.found.documents,
            events=MemoryEvents(),
        )
        return Uploaded(digest_file(file), str(outcome.report_key), "", None)

    def _report(self, uploaded: Uploaded) -> dict[str, Any]:
        key = uploaded.report_by_content
        return {**json.loads(self.found.data.get(key)), "report_key": key, "duplicate": False}
