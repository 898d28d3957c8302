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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tidemill.client.deployment import Deployment
from tidemill.client.failures import cloud_failures
from tidemill.client.frames import check_columns, columns_of, frame_of, request_rows
from tidemill.client.known_tables import check_table
from tidemill.client.progress import watched_steps
from tidemill.datasets.export import columns_of as columns_of_version
from tidemill.datasets.moments import timestamp
from tidemill.datasets.stored_rows import StoredRows
from tidemill.datasets.tables import AT_PROPERTY, Commit
from tidemill.datasets.versions import LATEST, find_version
from tidemill.errors import InvalidRequest, NotFound, did_you_mean
from tidemill.expressions import Type
from tidemill.features.definitions import define
from tidemill.features.offline import join_features
from tidemill.project import FeatureView, Project, load_project
from tidemill.registry.aliases import list_aliases
from tidemill.registry.package import load_files
from tidemill.registry.runs import get_run
from tidemill.registry.versions import get_version, list_versions
from tidemill.training.matrix import TRAINING_SETS, TrainingMatrix

ROWS_A_REQUEST = 1000
_TRAINING_FILES = ("description.json", "rows.parquet", "matrix.npz")

Version = str | int | date
"""How a version of a dataset may be named."""


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        """Say which rows these are; nothing is read for it."""
        arrived = self.commit.properties.get(AT_PROPERTY, "at no known time")
        return f"Dataset({self.source!r}, snapshot {self.snapshot_id}, arrived {arrived})"

    @property
    def snapshot_id(self) -> int:
        """The Iceberg snapshot, by which every engine finds the same rows."""
        return self.commit.snapshot_id

    def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table."""
        found, source, snapshot_id = self._deployment, self.source, self.snapshot_id
        with cloud_failures(found.endpoint.name), watched_steps() as steps:
            columns = columns_of_version(found.history, source, snapshot_id)
            parts = found.tables.parts(source, snapshot_id=snapshot_id, columns=columns)
            steps.start(f"reading {source}", parts.files)
            read: list[pa.Table] = []
            for part in parts.tables:
                read.append(part)
                steps.step(f"{sum(map(len, read)):,} of {parts.rows:,} rows")
        if not read:
            return found.tables.rows(source, snapshot_id=snapshot_id, columns=columns).select(columns)
        return pa.concat_tables(read).select(columns)

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a frame."""
        frame: pd.DataFrame = self.to_arrow().to_pandas(self_destruct=True, split_blocks=True)
        return frame


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        """Say whose training set it is, and how large."""
        rows = sum(part["rows"] for part in self.description["split"].values())
        return f"TrainingSet({self.description['model']!r}, {rows:,} rows, {self.digest[:12]})"

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
        """Say where it is; nobody is asked for it."""
        return f"Tidemill(at {self.deployment.endpoint.name})"

    @cached_property
    def project(self) -> Project:
        """The deployed project's declarations, as this checkout has them."""
        with self._reached():
            return load_project(self.deployment.project)

    def dataset(self, source: str, at: Version = LATEST) -> Dataset:
        """Return a source's rows at a version.

        Parameters
        ----------
        source
            The source, or another table of the project, such as ``predictions_late_arrival``.
        at
            ``latest``, a snapshot id, a tag, or a date: ``2013-03-01`` or ``2013-03``, to its end; a
            ``date`` means the same, a ``datetime`` or ``Timestamp`` the very moment.

        Raises
        ------
        NotFound
            If there is no such table or version.
        """
        with self._reached():
            check_table(self.deployment.tables, lambda: self.project, source)
            name = _version_name(at)
            commit = find_version(self.deployment.tables, self.deployment.history, source, name)
        return Dataset(source, commit, self.deployment)

    def features(
        self,
        frame: pd.DataFrame,
        views: str | FeatureView | Sequence[str | FeatureView],
        *,
        time: str = "time",
        at: Version = LATEST,
    ) -> pd.DataFrame:
        """Join features to observations, each as it was known at the observation's own time.

        Parameters
        ----------
        frame
            Shape (n_rows, n_columns): the views' entity keys, and a time for each row; other columns stay.
        views
            Names of the project's views, or views that are only being tried.
        time
            The column of times, or of text that is one; those without a zone are UTC.
        at
            The version of the sources to read, as ``dataset`` takes it. Of many sources two are in memory,
            and of each the columns that the views read.

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
        chosen = self._views(views)
        asked = columns_of(frame, {**_key_types(chosen), time: Type.TIMESTAMP})
        _check_free(frame, [name for view in chosen for name in view.features])
        features: dict[str, Any] = {}
        with self._reached(), watched_steps() as steps:

            def told(source: str, done: int, files: int) -> None:
                if done == 1:
                    steps.start(f"reading {source}", files)
                steps.step()

            rows = self._rows_for(chosen, at, told)
            for view in chosen:
                source = rows[view.source.name]
                steps.start(f"joining {view.name}", 1)
                features |= join_features(asked, [view], {view.source.name: source}, time)
                steps.step(_rows(len(frame)))
        return pd.concat([frame, frame_of(features, frame.index)], axis="columns")

    def training_set(self, of: str) -> TrainingSet:
        """Return what a run or a model version was trained on.

        Parameters
        ----------
        of
            A run's id, or a model with a version or an alias: ``late_arrival@7``, ``late_arrival@champion``.

        Raises
        ------
        NotFound
            If there is no such run or version, or the run made no training set.
        Corrupt
            If a stored byte is not what the digest says.
        """
        files: dict[str, bytes] = {}
        with self._reached(), watched_steps() as steps:
            digest = self._training_set_digest(of)
            steps.start(f"reading the training set of {of}", len(_TRAINING_FILES))
            for name in _TRAINING_FILES:
                files |= load_files(self.deployment.data, TRAINING_SETS, digest, [name])
                steps.step(name)
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
        names = list(dict.fromkeys([observed.key, *observed.request]))
        check_columns(frame, names)
        answers: list[dict[str, Any]] = []
        with self._reached(), watched_steps() as steps:
            starts = range(0, len(frame), ROWS_A_REQUEST)
            steps.start(f"asking {model}", len(starts))
            for start in starts:
                rows = request_rows(frame.iloc[start : start + ROWS_A_REQUEST], names)
                with _counted_from(start):
                    answer = self.deployment.api.predict(model, rows, version=version)
                answers += [{**each, "version": answer["version"]} for each in answer["predictions"]]
                steps.step(_rows(len(answers)))
        columns = ["prediction", "probability", "id", "version"]
        return pd.DataFrame(answers, columns=columns).set_index(frame.index)

    def _reached(self) -> AbstractContextManager[None]:
        return cloud_failures(self.deployment.endpoint.name)

    def _views(self, views: str | FeatureView | Sequence[str | FeatureView]) -> list[FeatureView]:
        chosen = [views] if isinstance(views, str | FeatureView) else list(views)
        by_name = {each.name: each for each in self.project.views}
        if not chosen:
            raise InvalidRequest(f"no view is named; the project has {', '.join(sorted(by_name))}")
        for view in chosen:
            if isinstance(view, str) and view not in by_name:
                known = did_you_mean(view, by_name)
                raise NotFound(f"project `{self.project.name}` has no feature view `{view}`{known}")
        return [by_name[view] if isinstance(view, str) else view for view in chosen]

    def _rows_for(
        self, views: Sequence[FeatureView], at: Version, told: Callable[[str, int, int], None]
    ) -> StoredRows:
        """Return what reads the columns that some views need of their sources."""
        read: dict[str, set[str]] = {}
        for view in views:
            read.setdefault(view.source.name, set()).update(define(view).columns)
        schemas = {
            view.source.name: {
                name: type_ for name, type_ in view.source.schema.items() if name in read[view.source.name]
            }
            for view in views
        }
        snapshots = {source: self.dataset(source, at).snapshot_id for source in schemas}
        return StoredRows(self.deployment.tables, snapshots, schemas, told=told)

    def _training_set_digest(self, of: str) -> str:
        documents = self.deployment.documents
        model, at, version = of.partition("@")
        if at:
            return str(get_version(documents, model, self._version(model, version)).lineage["training_set"])
        if of in {each.name for each in self.project.models}:
            raise NotFound(
                f"`{of}` is a model; name one of its versions or an alias, such as `{of}@champion`"
            )
        steps = get_run(documents, of).steps
        if "build_training_set" not in steps:
            raise NotFound(f"run {of} made no training set; `tidemill runs show {of}` says how it ended")
        return str(steps["build_training_set"]["training_set"])

    def _version(self, model: str, version: str) -> int:
        known = {each.name for each in self.project.models}
        if model not in known and not list_versions(self.deployment.documents, model):
            raise NotFound(f"there is no model `{model}`{did_you_mean(model, known)}")
        if version.isdecimal():
            return int(version)
        aliases = list_aliases(self.deployment.documents, model)
        if version not in aliases:
            raise NotFound(f"model `{model}` has no alias `{version}`{did_you_mean(version, aliases)}")
        return aliases[version]


def _version_name(at: Version) -> str:
    """Write a version's name as it is written in text."""
    if isinstance(at, datetime):
        return timestamp(at if at.tzinfo else at.replace(tzinfo=UTC))
    return at.isoformat() if isinstance(at, date) else str(at)


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


@contextmanager
def _counted_from(start: int) -> Iterator[None]:
    """Let a refusal of one of many requests say which rows of the frame it was about."""
    try:
        yield
    except InvalidRequest as error:
        if not start:
            raise
        raise InvalidRequest(f"{error} (rows are counted from row {start:,} of the frame)") from error


def _key_types(views: Iterable[FeatureView]) -> dict[str, Type]:
    return {key: view.source.schema[key] for view in views for key in view.entity.keys}


def _check_free(frame: pd.DataFrame, features: Iterable[str]) -> None:
    taken = sorted(set(features) & {str(name) for name in frame.columns})
    if taken:
        raise InvalidRequest(
            f"the frame has columns named like features: {', '.join(taken)}; rename or drop them first"
        )
