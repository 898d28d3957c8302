"""One model version, ready to answer: its plan, its graph, and nothing else.

The graph is data that ONNX Runtime interprets; no code of a package is ever run.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from tidemill.errors import InvalidRequest
from tidemill.expressions.columns import Column, Columns, Type
from tidemill.features.online import OnlineStore, read_features
from tidemill.features.plan import FeaturePlan, assemble, matrix
from tidemill.serving.prediction_log import Predictions, prediction_ids

PACKAGE_FILES = ("serving.json", "model.onnx")
"""What of a model package serving reads."""

_EARLIEST, _LATEST = np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31", "us")
_ERRORS_ONLY = 3

Freshness = Mapping[str, Sequence[datetime | None]]


@dataclass(frozen=True)
class Predictor:
    """A loaded model version.

    Attributes
    ----------
    model, version
        Which it is.
    plan
        How a request becomes a row of the matrix.
    threshold
        The probability from which a prediction is true.
    session
        The graph.
    """

    model: str
    version: int
    plan: FeaturePlan
    threshold: float
    session: Any

    @staticmethod
    def load(model: str, version: int, files: Mapping[str, bytes]) -> "Predictor":
        """Make a predictor of a package's verified files.

        Parameters
        ----------
        model, version
            Which the package is registered as.
        files
            At least ``PACKAGE_FILES``.
        """
        serving = json.loads(files["serving.json"])
        options = onnxruntime.SessionOptions()
        # One row takes microseconds; a pool of threads would take longer to wake than to predict.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        session = onnxruntime.InferenceSession(
            files["model.onnx"], options, providers=["CPUExecutionProvider"]
        )
        return Predictor(
            model, version, FeaturePlan.from_json(serving["plan"]), serving["threshold"], session
        )

    @property
    def schema(self) -> dict[str, Type]:
        """Type of every field of a request's row: the observation's key and the request columns."""
        return {self.plan.key: self.plan.key_type, **self.plan.request}

    @property
    def required(self) -> frozenset[str]:
        """The fields that may not be null: the key, and what the prediction's time is made from."""
        return frozenset({self.plan.key}) | self.plan.time.columns()

    def predict(self, request: Columns, store: OnlineStore, at: datetime) -> tuple[Predictions, Freshness]:
        """Predict every row of a request.

        Parameters
        ----------
        request
            Columns of ``schema``, n rows.
        store
            Where the views' features are looked up, all in one read.
        at
            The moment of the request.

        Returns
        -------
        tuple of Predictions and dict
            The predictions in the request's order, and by view when each row's features became known.

        Raises
        ------
        InvalidRequest
            If a row has no time, or the model no answer for it.
        """
        times = _datetimes(self.plan.times(request))
        features, freshness = read_features(self.plan, request, store, now=at)
        rows = matrix(self.plan, assemble(self.plan, request, features))
        probabilities = self.probabilities(rows)
        keys = [str(key) for key in request[self.plan.key].values.tolist()]
        predictions = Predictions(
            model=self.model,
            version=self.version,
            at=at,
            ids=prediction_ids(self.model, self.version, at, keys=keys, times=times, features=rows),
            keys=keys,
            times=times,
            probabilities=probabilities,
            labels=probabilities >= self.threshold,
            features=rows,
        )
        return predictions, freshness

    def probabilities(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Run the graph: the probability of true for each row of the matrix.

        Raises
        ------
        InvalidRequest
            If the model has no probability for a row.
        """
        [entry] = self.session.get_inputs()
        output = self.session.get_outputs()[-1].name
        [answer] = self.session.run([output], {entry.name: rows})
        probabilities = np.asarray(answer[:, 1], dtype=np.float64)
        beyond = np.flatnonzero(~np.isfinite(probabilities))
        if len(beyond):
            row = int(beyond[0])
            raise InvalidRequest(
                f"the model has no probability for `rows[{row}]`: a number is too large for it, or one "
                "is missing that it can not do without",
                field=f"rows[{row}]",
            )
        return probabilities


def _datetimes(times: Column) -> list[datetime]:
    within = times.valid & (times.values >= _EARLIEST) & (times.values < _LATEST)
    missing = np.flatnonzero(~within)
    if len(missing):
        row = int(missing[0])
        raise InvalidRequest(
            f"`rows[{row}]` gives no time for its prediction between the years 1 and 9999",
            field=f"rows[{row}]",
        )
    return times.to_list()
