"""Log groups that send their lines to functions: only those that let CloudWatch Logs invoke them."""

import logging
from typing import Any

from moto.awslambda.models import LambdaBackend
from moto.logs.exceptions import InvalidParameterException
from moto.logs.models import LogsBackend

from emulator.events.hooks import Hooks
from emulator.lambda_api.notifications import MayInvoke

_log = logging.getLogger(__name__)

_LOGS = "logs.amazonaws.com"


def install(hooks: Hooks, *, may_invoke: MayInvoke) -> None:
    """Ask for the permission when a subscription is made and when lines are sent.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    may_invoke
        Knows the functions' policies.
    """
    put, send = LogsBackend.put_subscription_filter, LambdaBackend.send_log_event

    def source(backend: Any, group: str) -> str:
        return f"arn:aws:logs:{backend.region_name}:{backend.account_id}:log-group:{group}:*"

    def put_checked(  # noqa: PLR0917  moto's signature
        backend: Any, group: str, name: str, pattern: str, destination_arn: str, role_arn: str
    ) -> None:
        if ":lambda:" in destination_arn:
            refusal = may_invoke(destination_arn, _LOGS, source(backend, group))
            if refusal:
                raise InvalidParameterException(
                    "Could not execute the lambda function. Make sure you have given CloudWatch Logs "
                    f"permission to execute your function. {refusal}"
                )
        put(backend, group, name, pattern, destination_arn, role_arn)

    def send_checked(backend: Any, function_arn: str, name: str, group: str, *lines: Any) -> None:
        refusal = may_invoke(function_arn, _LOGS, source(backend, group))
        if refusal:
            _log.warning("lines of %s are not sent: %s", group, refusal)
            return
        send(backend, function_arn, name, group, *lines)

    hooks.replace(LogsBackend, "put_subscription_filter", put_checked)
    hooks.replace(LambdaBackend, "send_log_event", send_checked)
