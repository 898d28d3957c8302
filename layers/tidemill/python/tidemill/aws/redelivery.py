"""When SQS delivers a message again whose handling failed."""

import logging
from collections.abc import Mapping
from typing import Any

from tidemill.aws.clients import client
from tidemill.aws.failures import aws_failures
from tidemill.errors import TidemillError

_FIRST_SECONDS = 30
_GROWTH = 8
_LONGEST_SECONDS = 3600

_log = logging.getLogger(__name__)


def postpone(record: Mapping[str, Any]) -> None:
    """Have a failed message come again after 30 seconds; then after 4 minutes, half an hour and an hour.

    By itself it would come when its visibility timeout is over. That allows for the longest work there may
    be, an hour for uploads, where most failures are over in seconds. A queue that cannot be told so
    delivers the message then.

    Parameters
    ----------
    record
        The message's record of an SQS event.
    """
    name, received = record["messageId"], int(record["attributes"]["ApproximateReceiveCount"])
    seconds = min(_FIRST_SECONDS * _GROWTH ** (received - 1), _LONGEST_SECONDS)
    queue = record["eventSourceARN"].rpartition(":")[2]
    try:
        with aws_failures(f"postponing message {name} of queue {queue}"):
            url = client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
            client("sqs").change_message_visibility(
                QueueUrl=url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=seconds
            )
    except TidemillError as error:
        _log.warning("message %s comes again when its visibility timeout is over: %s", name, error)
