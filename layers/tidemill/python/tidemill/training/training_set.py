"""Building the training set: pinned rows joined point-in-time, for people to read and for training."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tidemill.canonical import canonical_json
from tidemill.datasets.arrow import from_columns
from tidemill.datasets.stored_rows import StoredRows
from tidemill.datasets.tables import PartReader
from tidemill.datasets.versions import DatasetVersion
from tidemill.errors import CallerError
from tidemill.expressions import Array, Bool, Column, Columns, Int, Schema, from_array, take_rows
from tidemill.features.offline import join_features
from tidemill.features.online import OnlineStore
from tidemill.features.plan import FeaturePlan, assemble, compile_plan, fit_encodings, matrix
from tidemill.ports import Blobs, Documents
from tidemill.project import Model, SkewFree, Slices
from tidemill.registry.package import load_files, store_files
from tidemill.registry.runs import record_step
from tidemill.training.candidates import candidates
from tidemill.training.context import RunContext
from tidemill.training.matrix import TRAIN, TRAINING_SETS, TrainingMatrix, arrays_to_bytes
from tidemill.training.observations import Observed, describe_split, observe, split_by_time
from tidemill.training.replay import replay

_TIME = "@time"  # no declared column can be named so


def build_training_set(
    context: RunContext,
    model: Model,
    *,
    pinned: Mapping[str, Any],
    tables: PartReader,
    data: Blobs,
    documents: Documents,
    replay_store: Callable[[], OnlineStore],
) -> dict[str, Any]:
    """Build the training set of a pinned dataset and keep it under its digest.

    Parameters
    ----------
    context
        Of the run.
    model
        The declaration.
    pinned
        What the step ``pin_dataset`` answered.
    tables
        The project's tables.
    data
        The data bucket.
    documents
        The experiments table.
    replay_store
        Makes an empty online store in memory, to replay test rows through.

    Returns
    -------
    dict
        ``training_set`` (digest), ``candidates`` to try, ``rows`` by part, and, to compare with the
        champion, ``champion_matrix``: the digest of the test rows as its plan sees them, None if it
        sees them as this one does; ``incomparable`` says why it can not see them at all.

    Raises
    ------
    CallerError
        If there are too few observations with a known label, or only one class.
    """
    dataset = DatasetVersion.from_json(pinned["dataset"])
    sources = StoredRows(tables, dataset.snapshots, _schemas(model))
    cutoff = np.datetime64(dataset.cutoff.astimezone(UTC).replace(tzinfo=None), "us")
    observed = observe(model, sources[model.observations.source.name], cutoff)
    split = split_by_time(model.name, observed, model.split)
    plan, inputs = _fit_plan(model, sources, observed, split)
    training = TrainingMatrix(matrix(plan, inputs), observed.labels, observed.time.values, split)
    test = np.flatnonzero(training.test)
    described = _description(model, pinned["dataset"], plan, observed, split)
    files = {
        "description.json": canonical_json(described),
        "rows.parquet": _parquet(observed, inputs, split),
        "matrix.npz": training.to_bytes(),
        "checks.npz": arrays_to_bytes(
            **_slices(model, {**observed.request, **inputs}, test),
            **_replayed(model, plan, sources, observed, rows=test, store=replay_store()),
        ),
    }
    digest = store_files(data, TRAINING_SETS, files)
    result = {
        "training_set": digest,
        "rows": {name: part["rows"] for name, part in described["split"].items()},
        "candidates": candidates(model.search, context.overrides),
        **_for_champion(
            pinned["champion"],
            plan,
            sources=sources,
            source=model.observations.source.name,
            observed=_only(observed, test),
            data=data,
            digest=digest,
        ),
    }
    record_step(documents, context.run_id, "build_training_set", result)
    return result


def _description(
    model: Model, dataset: Mapping[str, Any], plan: FeaturePlan, observed: Observed, split: NDArray[np.int8]
) -> dict[str, Any]:
    return {
        "format": 1,
        "model": model.name,
        "dataset": dataset,
        "plan": plan.to_json(),
        "inputs": list(plan.inputs),
        "vocabularies": {name: list(values) for name, values in plan.encodings.items()},
        "split": describe_split(observed, split),
        "dropped": dict(observed.dropped),
    }


def _schemas(model: Model) -> dict[str, Schema]:
    sources = [model.observations.source, *(view.source for view in model.views)]
    return {source.name: source.schema for source in sources}


def _fit_plan(
    model: Model, sources: Mapping[str, Columns], observed: Observed, split: NDArray[np.int8]
) -> tuple[FeaturePlan, Columns]:
    """Return the plan with its encodings, fitted to the training rows alone, and all rows' inputs."""
    plan = compile_plan(model)
    inputs = _inputs(plan, sources, observed)
    return fit_encodings(plan, take_rows(inputs, np.flatnonzero(split == TRAIN))), inputs


def _inputs(plan: FeaturePlan, sources: Mapping[str, Columns], observed: Observed) -> dict[str, Column]:
    asked = {**observed.request, _TIME: observed.time}
    return assemble(plan, observed.request, join_features(asked, plan.views, sources, _TIME))


def _inputs_by(plan: FeaturePlan, sources: StoredRows, source: str, observed: Observed) -> dict[str, Column]:
    """Return the inputs of a plan that may know the sources as they were declared before."""
    schemas = {source: dict(plan.request)}
    for view in plan.views:
        if view.source in sources:
            schemas.setdefault(view.source, {}).update(view.schema)
    known, request = sources.by(schemas), observed.request
    if any(name not in request or request[name].type is not type_ for name, type_ in plan.request.items()):
        own = known[source]
        request = take_rows({name: own[name] for name in plan.request}, observed.rows)
    return _inputs(plan, known, replace(observed, request=request))


def _parquet(observed: Observed, inputs: Columns, split: NDArray[np.int8]) -> bytes:
    rows = {
        "@key": observed.key,
        _TIME: observed.time,
        "@label": from_array(Bool, observed.labels),
        "@split": from_array(Int, split),
        **observed.request,
        **inputs,
    }
    buffer = io.BytesIO()
    pq.write_table(from_columns(rows), buffer, compression="zstd", compression_level=1)
    return buffer.getvalue()


def _slices(model: Model, columns: Columns, test: Array) -> dict[str, Array]:
    """Return the value of every sliced column on the test rows, as text."""
    names = [gate.column for gate in model.gates if isinstance(gate, Slices)]
    return {
        f"slice:{name}": np.array([str(value) for value in columns[name].take(test).to_list()], np.str_)
        for name in names
    }


def _replayed(
    model: Model,
    plan: FeaturePlan,
    sources: Mapping[str, Columns],
    observed: Observed,
    *,
    rows: Array,
    store: OnlineStore,
) -> dict[str, Array]:
    """Replay as many test rows as the gate asks for, spread evenly over the test set."""
    wanted = max((gate.rows for gate in model.gates if isinstance(gate, SkewFree)), default=0)
    if wanted == 0:
        none = np.empty((0, len(plan.inputs)), dtype=np.float32)
        return {"replayed_rows": np.empty(0, dtype=np.int64), "replayed": none}
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, wanted).astype(np.intp))]
    return {
        "replayed_rows": chosen.astype(np.int64),
        "replayed": replay(plan, model.views, sources, observed, chosen=chosen, store=store),
    }


def _only(observed: Observed, rows: Array) -> Observed:
    return Observed(
        request=take_rows(observed.request, rows),
        key=observed.key.take(rows),
        time=observed.time.take(rows),
        labels=observed.labels[rows],
        dropped=observed.dropped,
        rows=observed.rows[rows],
    )


def _for_champion(
    champion: Mapping[str, Any] | None,
    plan: FeaturePlan,
    *,
    sources: StoredRows,
    source: str,
    observed: Observed,
    data: Blobs,
    digest: str,
) -> dict[str, Any]:
    """Store the test rows as the champion's plan sees them, where that is not as this run's does."""
    answer: dict[str, Any] = {"champion_matrix": None, "incomparable": None}
    if champion is None:
        return answer
    files = load_files(data, TRAINING_SETS, champion["training_set"], ["description.json"])
    theirs = json.loads(files["description.json"])["plan"]
    if theirs == plan.to_json():
        return answer
    champion_plan = FeaturePlan.from_json(theirs)
    try:
        features = matrix(champion_plan, _inputs_by(champion_plan, sources, source, observed))
    except CallerError as error:  # what it needs is no longer in the data: it could not serve either
        return answer | {"incomparable": str(error)}
    prefix = f"{TRAINING_SETS}/{digest}/champion"
    return answer | {
        "champion_matrix": store_files(data, prefix, {"matrix.npz": arrays_to_bytes(X=features)})
    }
