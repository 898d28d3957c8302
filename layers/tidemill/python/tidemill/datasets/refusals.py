"""The uploads that were refused: no table knows of them, so they are written down beside it.

One document an upload, by when it arrived; the report itself lies in the data bucket for good.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from textwrap import shorten
from typing import Any

from tidemill.ports import Documents

LISTED_FOR = timedelta(days=90)
_ERROR_CHARACTERS = 300


def note_refusal(documents: Documents, refusal: Mapping[str, Any]) -> None:
    """Write down that an upload was refused; writing it again writes the same.

    Parameters
    ----------
    documents
        The experiments table.
    refusal
        What ``UploadRefused`` says: ``source``, ``at``, ``upload``, ``error``, ``failed`` and ``report_key``.
    """
    arrived = datetime.fromisoformat(refusal["at"])
    documents.put(
        _partition(refusal["source"]),
        f"{refusal['at']}#{refusal['upload']['digest']}",
        # The report has the whole sentence, which names every check.
        {**refusal, "error": shorten(refusal["error"], _ERROR_CHARACTERS, placeholder=" …")},
        expires_at=int((arrived + LISTED_FOR).timestamp()),
    )


def refused_uploads(documents: Documents, source: str) -> list[dict[str, Any]]:
    """Return the refusals of the last 90 days, the newest first, each as ``UploadRefused`` told it."""
    return [refusal for _, refusal in documents.query(_partition(source), descending=True)]


def _partition(source: str) -> str:
    return f"REFUSED#{source}"
