"""The rows of a file of requests: those that no other file has brought, each judged by itself."""

import io
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO

from tidemill.canonical import canonical_json
from tidemill.datasets.added_rows import KNOWN_FOR, read_requests
from tidemill.errors import Conflict
from tidemill.ports import Documents
from tidemill.project import Source


def row_by_row(source: Source) -> Source:
    """Return a source whose checks put single rows aside and refuse nothing.

    In a file of requests lie rows of callers who know nothing of each other, and as many as came by:
    what one sends must not refuse what another sent, and the file as a whole says nothing.
    """
    checks = [
        each if each.severity == "warn" else replace(each, severity="quarantine", tolerance=None)
        for each in source.row_checks
    ]
    return replace(source, checks=checks, tolerance=1.0)


def requested_rows(
    file: BinaryIO, *, name: str, source: str, digest: str, at: datetime, documents: Documents
) -> BinaryIO | None:
    """Claim the parts of a file of requests, and return the rows of those it got as JSON Lines.

    A part that another file has claimed comes with that file, which is there and will be ingested
    or refused as well; so each part's rows are told of once, whichever file is ingested first, and
    however often.

    Parameters
    ----------
    file, name
        The file of requests.
    source
        The source it is for.
    digest
        Of the file's bytes, by which it claims.
    at
        When the file arrived; claims end ``KNOWN_FOR`` after.
    documents
        Where claims are kept.

    Returns
    -------
    BinaryIO | None
        Positioned at its start; None if other files have claimed every part.
    """
    rows = io.BytesIO()  # at most what one batch of messages brought
    claimed, expires_at = False, int((at + KNOWN_FOR).timestamp())
    for part, its_rows in read_requests(file, name):
        if _claimant(documents, source, part, digest, expires_at) == digest:
            claimed = True
            rows.writelines(canonical_json(row) + b"\n" for row in its_rows)
    rows.seek(0)
    return rows if claimed else None


def _claimant(documents: Documents, source: str, part: str, digest: str, expires_at: int) -> str:
    """Return the digest of the file a part belongs to: this one, if there was none before."""
    partition = f"ADDED#{source}"
    found = documents.get(partition, part)
    if found is None:
        try:
            documents.put(partition, part, {"upload": digest}, revision=0, expires_at=expires_at)
        except Conflict:  # another file was faster
            found = documents.get(partition, part)
    return digest if found is None else str(found[0]["upload"])
