"""Tidemill: what a project's declarations are written with, and the door to a deployed one.

``from tidemill import Source, col, mean, ...``, ``tidemill.connect()``. Importing it loads numpy and nothing
heavier; ``connect`` loads what it needs when it is called.
"""

import os
from typing import TYPE_CHECKING

from tidemill.expressions import (
    Bool,
    Expr,
    Float,
    Int,
    String,
    Timestamp,
    Type,
    col,
    concat,
    greatest,
    least,
    lit,
    when,
)
from tidemill.project import (
    Csv,
    Delay,
    Entity,
    FeatureView,
    Improves,
    Model,
    Monitor,
    Observations,
    Parity,
    Project,
    Retrain,
    SkewFree,
    Slices,
    Source,
    TimeSplit,
    Weekly,
    check,
    count,
    distinct,
    drift,
    first,
    freshness,
    last,
    latest,
    load_project,
    mean,
    null_rate,
    rate,
    references,
    row_count,
    std,
    unique,
    var,
)
from tidemill.project import largest as max  # noqa: A004  # the word every reader knows for it
from tidemill.project import smallest as min  # noqa: A004  # likewise
from tidemill.project import total as sum  # noqa: A004  # likewise

if TYPE_CHECKING:
    from tidemill.client.workbench import Tidemill

__all__ = [
    "Bool",
    "Csv",
    "Delay",
    "Entity",
    "Expr",
    "FeatureView",
    "Float",
    "Improves",
    "Int",
    "Model",
    "Monitor",
    "Observations",
    "Parity",
    "Project",
    "Retrain",
    "SkewFree",
    "Slices",
    "Source",
    "String",
    "TimeSplit",
    "Timestamp",
    "Type",
    "Weekly",
    "check",
    "col",
    "concat",
    "connect",
    "count",
    "distinct",
    "drift",
    "first",
    "freshness",
    "greatest",
    "last",
    "latest",
    "least",
    "lit",
    "load_project",
    "max",
    "mean",
    "min",
    "null_rate",
    "rate",
    "references",
    "row_count",
    "std",
    "sum",
    "unique",
    "var",
    "when",
]


def connect(endpoint_url: str | None = None) -> "Tidemill":
    """Return the deployed Tidemill to work with from here.

    Parameters
    ----------
    endpoint_url
        The cloud it runs in. By default the one the environment names (``AWS_ENDPOINT_URL``, or
        ``AWS_PROFILE`` and the like), else the local cloud that ``tidemill up`` started, else AWS.

    Returns
    -------
    Tidemill
        With ``dataset``, ``features``, ``training_set`` and ``predict``.
    """
    # What runs in AWS imports this module, and must not pay for what people use.
    from tidemill.client.deployment import Deployment  # noqa: PLC0415
    from tidemill.client.endpoint import CHECKOUT_STATE, find_endpoint  # noqa: PLC0415
    from tidemill.client.workbench import Tidemill  # noqa: PLC0415

    told = {} if endpoint_url is None else {"AWS_ENDPOINT_URL": endpoint_url}
    return Tidemill(Deployment(find_endpoint(CHECKOUT_STATE, {**os.environ, **told})))
