"""What a data scientist does with a deployed Tidemill from a notebook.

    import tidemill
    t = tidemill.connect()
    t.dataset("flights", at="2013-03").to_pandas()
    t.features(observations, ["origin_delays", "plane"])
    t.training_set("late_arrival@7").to_pandas()
    t.predict("late_arrival", rows)

The features are computed by the same kernel that made the training sets, here on this machine.
"""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tidemill.client.deployment import Deployment
from tidemill.client.frames import columns_of, frame_of, request_rows
from tidemill.client.known_tables import check_table
from tidemill.client.progress import watched_steps
from tidemill.datasets.arrow import to_columns
from tidemill.datasets.export import read_version
from tidemill.datasets.tables import Commit
from tidemill.datasets.versions import LATEST, find_version
from tidemill.errors import InvalidRequest, NotFound, did_you_mean
from tidemill.expressions import Columns, Type
from tidemill.features.offline import join_features
from tidemill.project import FeatureView, Project, load_project
from tidemill.registry.package import load_files
from tidemill.registry.runs import get_run
from tidemill.registry.versions import get_version
from tidemill.training.matrix import TRAINING_SETS, TrainingMatrix

ROWS_A_REQUEST = 1000


@dataclass(frozen=True)
class Dataset:
    """The rows of a source at one version.

    Attributes
    ----------
    source
        The source's name.
    commit
        The version's last commit.
    """

    source: str
    commit: Commit
    _deployment: Deployment

    @property
    def snapshot_id(self) -> int:
        """The Iceberg snapshot, by which every engine finds the same rows."""
        return self.commit.snapshot_id

    def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table."""
        with watched_steps() as steps:
            steps.start(f"reading {self.source}", 1)
            tables, history = self._deployment.tables, self._deployment.history
            rows = read_version(tables, history, self.source, self.snapshot_id)
            steps.step(f"{rows.num_rows:,} rows")
        return rows

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a frame."""
        frame: pd.DataFrame = self.to_arrow().to_pandas(self_destruct=True, split_blocks=True)
        return frame


@dataclass(frozen=True)
class TrainingSet:
    """What a model learned from, read back and verified against its digest.

    Attributes
    ----------
    digest
        Of the training set.
    description
        Its dataset version, feature plan, split and dropped rows.
    """

    digest: str
    description: Mapping[str, Any]
    _files: Mapping[str, bytes]

    def to_pandas(self) -> pd.DataFrame:
        """Return its rows: ``@key``, ``@time``, ``@label``, ``@split``, request columns and inputs."""
        return pd.read_parquet(io.BytesIO(self._files["rows.parquet"]))

    def to_matrix(self) -> tuple[np.ndarray[Any, np.dtype[np.float32]], np.ndarray[Any, np.dtype[np.bool_]]]:
        """Return what the estimator was given: float32 of shape (n_rows, n_features), and the labels."""
        matrix = TrainingMatrix.from_bytes(self._files["matrix.npz"])
        return matrix.features, matrix.labels


class Tidemill:
    """A deployed Tidemill, in a local cloud or in AWS.

    Parameters
    ----------
    deployment
        Where it is.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment

    def __repr__(self) -> str:
        return f"Tidemill({self.deployment.project!r} at {self.deployment.endpoint.name})"

    @cached_property
    def project(self) -> Project:
        """The deployed project's declarations, as this checkout has them."""
        return load_project(self.deployment.project)

    def dataset(self, source: str, at: str = LATEST) -> Dataset:
        """Return a source's rows at a version.

        Parameters
        ----------
        source
            The source, or another table of the project, such as ``predictions_late_arrival``.
        at
            ``latest``, a snapshot id, a tag, or a date: ``2013-03-01`` or ``2013-03``, to its end.

        Raises
        ------
        NotFound
            If there is no such table or version.
        """
        check_table(self.deployment.tables, self.project, source)
        commit = find_version(self.deployment.tables, self.deployment.history, source, at)
        return Dataset(source, commit, self.deployment)

    def features(
        self,
        frame: pd.DataFrame,
        views: Sequence[str | FeatureView],
        *,
        time: str = "time",
        at: str = LATEST,
    ) -> pd.DataFrame:
        """Join features to observations, each as it was known at the observation's own time.

        Parameters
        ----------
        frame
            Shape (n_rows, n_columns): the views' entity keys, and a time for each row; other columns stay.
        views
            Names of the project's views, or views that are only being tried.
        time
            The column of times; those without a zone are UTC.
        at
            The version of the sources to read.

        Returns
        -------
        pandas.DataFrame
            The frame with a column for each feature, its rows in their order and under their index.

        Raises
        ------
        InvalidRequest
            If the frame lacks a column, or has one that a feature is named like.
        NotFound
            If the project has no such view.
        """
        chosen = [self._view(view) for view in views]
        asked = columns_of(frame, {**_key_types(chosen), time: Type.TIMESTAMP})
        features: dict[str, Any] = {}
        with watched_steps() as steps:
            sources = {view.source.name: view.source.schema for view in chosen}
            steps.start("reading sources", len(sources))
            rows: dict[str, Columns] = {}
            for name, schema in sources.items():
                read = self.dataset(name, at)
                table = self.deployment.tables.rows(name, snapshot_id=read.snapshot_id, columns=list(schema))
                rows[name] = to_columns(table, schema)
                steps.step(name)
            steps.start("joining views", len(chosen))
            for view in chosen:
                features |= join_features(asked, [view], rows, time)
                steps.step(view.name)
        _check_free(frame, features)
        return pd.concat([frame, frame_of(features, frame.index)], axis="columns")

    def training_set(self, of: str) -> TrainingSet:
        """Return what a run, or a model version such as ``late_arrival@7``, was trained on.

        Raises
        ------
        NotFound
            If there is no such run or version, or the run made no training set.
        Corrupt
            If a stored byte is not what the digest says.
        """
        digest = self._training_set_digest(of)
        names = ["description.json", "rows.parquet", "matrix.npz"]
        files = load_files(self.deployment.data, TRAINING_SETS, digest, names)
        return TrainingSet(digest, json.loads(files["description.json"]), files)

    def predict(self, model: str, frame: pd.DataFrame, *, version: int | None = None) -> pd.DataFrame:
        """Ask a model about rows, as any caller of the API does.

        Parameters
        ----------
        model
            The model.
        frame
            Shape (n_rows, n_columns): the model's request columns; others stay here.
        version
            Ask this version; by default the one in service, and then the predictions are recorded.

        Returns
        -------
        pandas.DataFrame
            ``prediction``, ``probability``, ``id`` and ``version`` under the frame's index.

        Raises
        ------
        InvalidRequest, NotFound
            If the frame lacks a column, or the API refuses a row; the message is the API's own.
        """
        observed = self.project.model(model).observations
        rows = request_rows(frame, list(dict.fromkeys([observed.key, *observed.request])))
        answers: list[dict[str, Any]] = []
        with watched_steps() as steps:
            chunks = [rows[start : start + ROWS_A_REQUEST] for start in range(0, len(rows), ROWS_A_REQUEST)]
            steps.start(f"asking {model}", len(chunks))
            for chunk in chunks:
                answer = self.deployment.api.predict(model, chunk, version=version)
                answers += [{**each, "version": answer["version"]} for each in answer["predictions"]]
                steps.step()
        columns = ["prediction", "probability", "id", "version"]
        return pd.DataFrame(answers, columns=columns).set_index(frame.index)

    def _view(self, view: str | FeatureView) -> FeatureView:
        if isinstance(view, FeatureView):
            return view
        by_name = {each.name: each for each in self.project.views}
        if view not in by_name:
            known = did_you_mean(view, by_name)
            raise NotFound(f"project `{self.project.name}` has no feature view `{view}`{known}")
        return by_name[view]

    def _training_set_digest(self, of: str) -> str:
        model, _, version = of.partition("@")
        if version.isdecimal():
            lineage = get_version(self.deployment.documents, model, int(version)).lineage
            return str(lineage["training_set"])
        steps = get_run(self.deployment.documents, of).steps
        if "build_training_set" not in steps:
            raise NotFound(f"run {of} made no training set; `tidemill runs show {of}` says how it ended")
        return str(steps["build_training_set"]["training_set"])


def _key_types(views: Iterable[FeatureView]) -> dict[str, Type]:
    return {key: view.source.schema[key] for view in views for key in view.entity.keys}


def _check_free(frame: pd.DataFrame, features: Iterable[str]) -> None:
    taken = sorted(set(features) & {str(name) for name in frame.columns})
    if taken:
        raise InvalidRequest(
            f"the frame has columns named like features: {', '.join(taken)}; rename or drop them first"
        )
