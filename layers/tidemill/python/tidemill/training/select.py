"""Selecting the candidate that did best on the validation rows."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.errors import CallerError
from tidemill.ports import Documents
from tidemill.registry.runs import record_step
from tidemill.statistics.metrics import metric
from tidemill.training.context import RunContext


def select_candidate(
    context: RunContext, metric_name: str, *, trained: Sequence[Mapping[str, Any]], documents: Documents
) -> dict[str, Any]:
    """Return the best candidate by the model's metric; of equals, the one that comes first.

    Parameters
    ----------
    context
        Of the run.
    metric_name
        What candidates are compared by.
    trained
        What training each of them answered.
    documents
        The experiments table.

    Returns
    -------
    dict
        The best's ``candidate`` and validation ``metrics``, and how many were ``tried``.

    Raises
    ------
    CallerError
        If the metric is not defined on the validation rows for any of them.
    """
    measure = metric(metric_name)
    usable = [each for each in trained if math.isfinite(each["metrics"][metric_name])]
    if not usable:
        raise CallerError(
            f"no candidate of model `{context.model}` has a {metric_name} on the validation rows; "
            "lengthen TimeSplit(validation=)"
        )
    best = max(usable, key=lambda each: measure.gain(each["metrics"][metric_name], over=0.0))
    result = {"candidate": best["candidate"], "metrics": best["metrics"], "tried": len(trained)}
    record_step(documents, context.run_id, "candidates", {"trained": list(trained)})
    record_step(documents, context.run_id, "select_candidate", result)
    return result
