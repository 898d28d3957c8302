"""Outcomes: the labels that the observations' own source brings, when it is known."""

import numpy as np
import pyarrow as pa

from tidemill.datasets.arrow import to_columns
from tidemill.expressions import evaluate
from tidemill.project.models import Model


def outcome_columns(model: Model) -> list[str]:
    """Return the source's columns that outcomes are made from, in the schema's order."""
    observations = model.observations
    needed = model.label.columns() | observations.source.known_expression.columns() | {observations.key}
    return [name for name in observations.source.schema if name in needed]


def outcomes_of(rows: pa.Table, model: Model) -> pa.Table:
    """Return the outcomes that rows of the observations' source tell.

    Parameters
    ----------
    rows
        With at least ``outcome_columns``.
    model
        Whose label.

    Returns
    -------
    pa.Table
        ``key`` as text, ``label`` and ``known_at``; rows without a label or a key are left out.
    """
    source = model.observations.source
    schema = {name: source.schema[name] for name in outcome_columns(model)}
    columns = to_columns(rows, schema)
    label, known, key = evaluate(model.label, columns), source.known_times(columns), model.observations.key
    told = np.flatnonzero(label.valid & known.valid & columns[key].valid)
    return pa.table(
        {
            "key": pa.array([str(value) for value in columns[key].values[told]], pa.string()),
            "label": pa.array(label.values[told], pa.bool_()),
            "known_at": pa.array(known.values[told], pa.timestamp("us", "UTC")),
        }
    )
