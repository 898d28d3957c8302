"""Running an ONNX graph over many rows, as evaluation does."""

import numpy as np
import onnxruntime

from tidemill.training.matrix import Floats, Matrix

_BLOCK_ROWS = 65_536


def positive_probabilities(graph: bytes, features: Matrix) -> Floats:
    """Return each row's probability of the positive class.

    Parameters
    ----------
    graph
        An ONNX graph whose last output is the classes' probabilities.
    features
        Shape (n_rows, n_features), float32.

    Returns
    -------
    ndarray
        Shape (n_rows,), as the float32 the graph answers, widened.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Threads that spin while they wait take the processor from the function beside this one.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    output = session.get_outputs()[-1].name
    blocks = [
        session.run([output], {entry.name: features[start : start + _BLOCK_ROWS]})[0][:, 1]
        for start in range(0, len(features), _BLOCK_ROWS)
    ]
    return np.concatenate(blocks).astype(np.float64) if blocks else np.empty(0)
