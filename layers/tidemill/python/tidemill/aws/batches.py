"""Answering a batch of queue messages one by one, so that only those that failed come again."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from tidemill.aws.redelivery import postpone

_log = logging.getLogger(__name__)


def answer_messages(
    event: Mapping[str, Any],
    answer: Callable[[Mapping[str, Any]], object],
    *,
    postpone: Callable[[Mapping[str, Any]], None] = postpone,
) -> dict[str, Any]:
    """Call a function with each record of an SQS event.

    Parameters
    ----------
    event
        The event of an SQS event source mapping that reports batch item failures.
    answer
        Handles one record. What it can settle, a refused upload say, it settles; any error sends the
        message back, and in the end to the dead letters, where it is seen and nothing is lost.
    postpone
        Says when a record that failed is to come again.

    Returns
    -------
    dict
        ``batchItemFailures``, naming the messages to deliver again.

    Examples
    --------
    >>> answer_messages({"Records": [{"messageId": "a", "body": "1"}]}, lambda record: int(record["body"]))
    {'batchItemFailures': []}
    """
    failed = []
    for record in event["Records"]:
        try:
            answer(record)
        except Exception:  # noqa: BLE001  # one message's failure must not take its batch along
            _log.exception("message %s failed and will be delivered again", record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
            postpone(record)
    return {"batchItemFailures": failed}
