"""Metrics: lines of a function's log that CloudWatch makes metrics of (its embedded metric format)."""

import json
import sys
import time
from collections.abc import Mapping
from typing import Protocol

NAMESPACE = "Tidemill"


class Count(Protocol):
    """What counts something as a metric."""

    def __call__(
        self, name: str, value: int, dimensions: Mapping[str, str], details: Mapping[str, str], /
    ) -> None:
        """Count so many; the details are in the log beside the metric."""
        ...


def count_metric(name: str, value: int, dimensions: Mapping[str, str], details: Mapping[str, str], /) -> None:
    """Write one count to the log.

    Parameters
    ----------
    name
        The metric's, in the namespace ``Tidemill``.
    value
        How many.
    dimensions
        What the metric is told apart by: few values each.
    details
        What else whoever looks at the log should know.

    References
    ----------
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": "Count"}],
    }
    line = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        **dimensions,
        **details,
        name: value,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
