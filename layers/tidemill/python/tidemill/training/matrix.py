"""The training matrix as training steps read it: numbers only, no Arrow, no pickle."""

import io
import json
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tidemill.ports import Blobs
from tidemill.registry.package import load_files

TRAINING_SETS = "training-sets"
TRAIN, VALIDATION, TEST = 0, 1, 2
FitOn = Literal["train", "train_and_validation"]
Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class TrainingMatrix:
    """Rows to learn from, in order of time.

    Attributes
    ----------
    features
        Shape (n_rows, n_features), float32, NaN where missing.
    labels
        Shape (n_rows,), bool.
    times
        When each row's prediction is made, shape (n_rows,), datetime64[us] in UTC.
    split
        0 train, 1 validation, 2 test, shape (n_rows,).
    """

    features: Matrix
    labels: Mask
    times: NDArray[np.datetime64]
    split: NDArray[np.int8]

    @property
    def test(self) -> Mask:
        """Which rows are the test set."""
        return np.equal(self.split, TEST)

    @property
    def validation(self) -> Mask:
        """Which rows are the validation set."""
        return np.equal(self.split, VALIDATION)

    def fitted_on(self, fit_on: FitOn) -> Mask:
        """Which rows an estimator is fitted to."""
        return np.equal(self.split, TRAIN) if fit_on == "train" else np.not_equal(self.split, TEST)

    def to_bytes(self) -> bytes:
        """Return the matrix as an ``.npz`` file; equal matrices give equal bytes."""
        times = self.times.astype("datetime64[us]").view(np.int64)
        return arrays_to_bytes(X=self.features, y=self.labels, time=times, split=self.split)

    @staticmethod
    def from_bytes(data: bytes) -> "TrainingMatrix":
        """Return the matrix that ``to_bytes`` wrote."""
        arrays = arrays_from_bytes(data)
        return TrainingMatrix(
            arrays["X"], arrays["y"], arrays["time"].view("datetime64[us]"), arrays["split"]
        )


def arrays_to_bytes(**arrays: NDArray[Any]) -> bytes:
    """Return arrays as an ``.npz`` file, uncompressed: numpy dates every entry 1980, so bytes repeat.

    Examples
    --------
    >>> arrays_to_bytes(a=np.arange(3)) == arrays_to_bytes(a=np.arange(3))
    True
    """
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def arrays_from_bytes(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz`` file; one that holds objects is refused."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


@dataclass(frozen=True, eq=False)
class StoredTrainingSet:
    """A training set read back: its description and its matrix, both verified against the digest."""

    digest: str
    description: dict[str, Any]
    matrix: TrainingMatrix


def load_training_set(blobs: Blobs, digest: str) -> StoredTrainingSet:
    """Read what training needs of a training set.

    Parameters
    ----------
    blobs
        The data bucket.
    digest
        Of the training set, as the step that built it answered.

    Returns
    -------
    StoredTrainingSet
        Without the rows in words, which only people read.

    Raises
    ------
    NotFound
        If there is no such training set.
    Corrupt
        If its bytes are not what the digest says.
    """
    files = load_files(blobs, TRAINING_SETS, digest, ["description.json", "matrix.npz"])
    return StoredTrainingSet(
        digest=digest,
        description=json.loads(files["description.json"]),
        matrix=TrainingMatrix.from_bytes(files["matrix.npz"]),
    )
