"""The prediction log: what was served, as queue messages that are recorded once.

A request's predictions become one or more messages of at most ``MAX_MESSAGE_BYTES``. Everything
about a message follows from its predictions: a send that is repeated because its answer was lost
carries the same chunk id, and whoever records chunks by their id records it once.

The message is JSON ``{"model", "chunk", "data"}``; ``data`` is a deflated, base64-encoded JSON
document of columns, the features as little-endian float32 in row order.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypedDict

import numpy as np
import numpy.typing as npt

from tidemill.canonical import digest_json
from tidemill.errors import Corrupt

MAX_MESSAGE_BYTES = 200_000  # SQS takes 256 KiB; some room for the envelope and attributes


class LoggedRow(TypedDict):
    """One served prediction as it is recorded in ``predictions_<model>``."""

    id: str
    key: str
    time: datetime  # what was predicted for: the observation's time
    at: datetime  # when it was predicted
    version: int
    probability: float
    prediction: bool
    features: list[float]  # float32 row of the model's matrix; NaN is null or unseen


@dataclass(frozen=True)
class Chunk:
    """A decoded message: the model, the id it is recorded once under, and its rows."""

    model: str
    id: str
    rows: list[LoggedRow]


@dataclass(frozen=True)
class Predictions:
    """The predictions of one request, column by column, in the order of its rows.

    Parameters
    ----------
    model, version, at
        What answered, and when.
    ids, keys, times
        Prediction id, observation key and observation time of each row.
    probabilities
        Of the label being true, shape (n_rows,).
    labels
        The decisions at the model's threshold, shape (n_rows,).
    features
        The model's matrix, float32, shape (n_rows, n_features).
    """

    model: str
    version: int
    at: datetime
    ids: Sequence[str]
    keys: Sequence[str]
    times: Sequence[datetime]
    probabilities: npt.NDArray[np.float64]
    labels: npt.NDArray[np.bool_]
    features: npt.NDArray[np.float32]

    def slice(self, start: int, stop: int) -> "Predictions":
        """Return the predictions of rows ``start`` to ``stop``."""
        return Predictions(
            self.model,
            self.version,
            self.at,
            self.ids[start:stop],
            self.keys[start:stop],
            self.times[start:stop],
            self.probabilities[start:stop],
            self.labels[start:stop],
            self.features[start:stop],
        )


class PredictionQueue(Protocol):
    """Where messages of the prediction log go; an error means that some may not have arrived."""

    def send(self, bodies: Sequence[str]) -> None:
        """Send messages; Unavailable unless every one was accepted."""
        ...


def encode_messages(predictions: Predictions) -> list[str]:
    """Encode predictions as message bodies of at most ``MAX_MESSAGE_BYTES`` each.

    Parameters
    ----------
    predictions
        At least one prediction.

    Returns
    -------
    list of str
        The bodies; equal predictions give equal bodies.
    """
    return list(_encode(predictions))


def _encode(predictions: Predictions) -> Iterator[str]:
    body = _encode_one(predictions)
    n_rows = len(predictions.ids)
    if len(body) <= MAX_MESSAGE_BYTES or n_rows == 1:
        yield body
        return
    yield from _encode(predictions.slice(0, n_rows // 2))
    yield from _encode(predictions.slice(n_rows // 2, n_rows))


def _encode_one(predictions: Predictions) -> str:
    features = np.ascontiguousarray(predictions.features, dtype="<f4")
    columns = {
        "version": predictions.version,
        "at": predictions.at.isoformat(),
        "id": list(predictions.ids),
        "key": list(predictions.keys),
        "time": [time.isoformat() for time in predictions.times],
        "probability": predictions.probabilities.tolist(),
        "prediction": predictions.labels.tolist(),
        "features": base64.b64encode(features.tobytes()).decode(),
    }
    data = base64.b64encode(zlib.compress(json.dumps(columns).encode(), 6)).decode()
    # The ids name everything in the rows, so they name the chunk.
    return json.dumps(
        {"model": predictions.model, "chunk": digest_json(columns["id"]), "data": data}, separators=(",", ":")
    )


def decode_message(body: str) -> Chunk:
    """Decode a message of the prediction log.

    Parameters
    ----------
    body
        What ``encode_messages`` made.

    Returns
    -------
    Chunk
        The model, the chunk's id, and its rows with times in UTC.

    Raises
    ------
    Corrupt
        If the body is not such a message; the queue's dead letters keep it.
    """
    try:
        message = json.loads(body)
        columns = json.loads(zlib.decompress(base64.b64decode(message["data"], validate=True)))
        rows = list(_rows(columns))
        return Chunk(str(message["model"]), str(message["chunk"]), rows)
    except (ValueError, KeyError, TypeError, zlib.error, binascii.Error) as error:
        raise Corrupt(f"a message of the prediction log can not be read: {error}") from error


def _rows(columns: dict[str, Any]) -> Iterator[LoggedRow]:
    ids = columns["id"]
    features = np.frombuffer(base64.b64decode(columns["features"], validate=True), dtype="<f4")
    matrix = features.reshape(len(ids), -1).tolist()
    at = datetime.fromisoformat(columns["at"])
    rows = zip(
        ids,
        columns["key"],
        columns["time"],
        columns["probability"],
        columns["prediction"],
        matrix,
        strict=True,
    )
    for identity, key, time, probability, prediction, values in rows:
        yield LoggedRow(
            id=identity,
            key=key,
            time=datetime.fromisoformat(time),
            at=at,
            version=columns["version"],
            probability=probability,
            prediction=prediction,
            features=values,
        )


def prediction_ids(
    model: str,
    version: int,
    at: datetime,
    *,
    keys: Sequence[str],
    times: Sequence[datetime],
    features: npt.NDArray[np.float32],
) -> list[str]:
    """Name each prediction after what it is: the same prediction always has the same id.

    Parameters
    ----------
    model, version, at
        What answers, and when.
    keys, times
        Observation key and time of each row.
    features
        The model's matrix, float32, shape (n_rows, n_features).

    Returns
    -------
    list of str
        32 hexadecimal characters (128 bits) each; rows of one request differ by their place in it.
    """
    matrix = np.ascontiguousarray(features, dtype="<f4")
    moment = at.isoformat()
    return [
        digest_json(
            [
                model,
                version,
                moment,
                row,
                key,
                time.isoformat(),
                base64.b64encode(matrix[row].tobytes()).decode(),
            ]
        )[:32]
        for row, (key, time) in enumerate(zip(keys, times, strict=True))
    ]
