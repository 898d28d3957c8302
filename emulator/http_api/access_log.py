"""Access logs of HTTP APIs: one line per request, in the stage's own format, in CloudWatch Logs.

(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html)
"""

import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from emulator import aws

_VARIABLE = re.compile(r"\$context\.([A-Za-z][\w.\-]*\w|[A-Za-z])")
_ABSENT = "-"


def format_line(template: str, values: Mapping[str, Any]) -> str:
    """Fill a format with what is known of a request.

    Parameters
    ----------
    template
        The stage's format, with ``$context`` variables.
    values
        By the variable's name after ``$context.``.

    Returns
    -------
    str
        The line; a variable that has no value is ``-``.

    Examples
    --------
    >>> format_line("$context.status $context.routeKey ($context.identity.caller).", {"status": 200,
    ...             "routeKey": "GET /"})
    '200 GET / (-).'
    """

    def fill(found: re.Match[str]) -> str:
        value = values.get(found[1])
        return _ABSENT if value is None or value == "" else str(value)

    return _VARIABLE.sub(fill, template)


class AccessLog:
    """Writes lines into log groups; safe to use from many threads.

    Parameters
    ----------
    region
        The cloud's region.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._lock = threading.Lock()

    def write(self, group_arn: str, api_id: str, line: str) -> None:
        """Append a line, stamped with the wall's time as all log lines are.

        Parameters
        ----------
        group_arn
            The log group's ARN. A group that is gone receives nothing, as in AWS.
        api_id
            Names the stream.
        line
            What to write.
        """
        group = group_arn.partition(":log-group:")[2].removesuffix(":*")
        logs = aws.backend("logs", self._region)
        event = {"timestamp": int(time.time() * 1000), "message": line}
        with self._lock:
            if group not in logs.groups:
                return
            if api_id not in logs.groups[group].streams:
                logs.create_log_stream(group, api_id)
            logs.put_log_events(group, api_id, [event])
