"""Sending to an SQS queue."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tidemill.aws.failures import aws_failures
from tidemill.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BATCH_MESSAGES = 10
_BATCH_BYTES = 256 * 1024


class SqsQueue:
    """One queue, addressed by its URL."""

    def __init__(self, url: str, *, client: "SQSClient") -> None:
        self.url = url
        self._client = client

    def send(self, bodies: Sequence[str]) -> None:
        """Send messages, as few calls as SQS allows; Unavailable unless every one was accepted."""
        for batch in _batches(bodies):
            with aws_failures(f"sending to queue {self.url}"):
                answer = self._client.send_message_batch(
                    QueueUrl=self.url,
                    Entries=[{"Id": str(number), "MessageBody": body} for number, body in enumerate(batch)],
                )
            # A batch answers 200 even when it dropped messages.
            if failed := answer.get("Failed"):
                raise Unavailable(
                    f"queue {self.url} refused {len(failed)} of {len(batch)} messages: "
                    f"{failed[0]['Code']} ({failed[0].get('Message')}); it is safe to send them again"
                )


def _batches(bodies: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for body in bodies:
        body_bytes = len(body.encode())
        if batch and (len(batch) == _BATCH_MESSAGES or size + body_bytes > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += body_bytes
    if batch:
        yield batch
