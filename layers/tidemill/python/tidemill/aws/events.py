"""Events on an EventBridge bus."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tidemill.aws.failures import aws_failures
from tidemill.canonical import canonical_json
from tidemill.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "tidemill"


class EventBridgeEvents:
    """Publishes with source ``tidemill``; the kind is EventBridge's detail-type."""

    def __init__(self, bus: str, *, client: "EventBridgeClient") -> None:
        self.bus = bus
        self._client = client

    def publish(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Send one event; Unavailable if the bus did not take it."""
        entry = {
            "Source": SOURCE,
            "DetailType": kind,
            "Detail": canonical_json(dict(detail)).decode(),
            "EventBusName": self.bus,
        }
        with aws_failures(f"publishing {kind} on bus {self.bus}"):
            answer = self._client.put_events(Entries=[entry])  # type: ignore[list-item]  # a plain dict is one
        # PutEvents answers 200 even when it dropped the event.
        if answer["FailedEntryCount"]:
            refusal = answer["Entries"][0]
            raise Unavailable(
                f"bus {self.bus} refused {kind}: {refusal.get('ErrorCode')} ({refusal.get('ErrorMessage')}); "
                "it is safe to publish again"
            )
