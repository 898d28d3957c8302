"""The local cloud's control plane, as the demo uses it: its virtual clock, and waiting until it is quiet."""

import json
from typing import Any

import pandas as pd
import urllib3

from tidemill.errors import Unavailable

# A jump over many firings, each with a training run, takes its time.
TIMEOUT_SECONDS = 600.0


class Control:
    """``/_local/`` of one local cloud.

    Parameters
    ----------
    endpoint
        The cloud's URL.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._http = urllib3.PoolManager(timeout=TIMEOUT_SECONDS, retries=False)

    def set_clock(self, moment: pd.Timestamp) -> None:
        """Make it that moment; nothing fires on the way."""
        self._post("clock", {"set": _text(moment)})

    def advance_to(self, moment: pd.Timestamp) -> None:
        """Let time pass until that moment; what is due on the way fires in order, and is worked off."""
        self._post("clock", {"advance_to": _text(moment)})

    def settle(self) -> None:
        """Return when nothing is in flight."""
        self._post("settle", {"timeout_seconds": TIMEOUT_SECONDS})

    def _post(self, path: str, body: Any) -> None:
        url = f"{self._endpoint}/_local/{path}"
        headers = {"content-type": "application/json"}
        response = self._http.request("POST", url, body=json.dumps(body), headers=headers)
        if response.status >= 400:
            raise Unavailable(f"POST {url} answered {response.status}: {response.data[:500].decode()}")


def _text(moment: pd.Timestamp) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
