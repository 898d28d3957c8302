"""What is served travels in messages that are small, exact, and named after what they hold."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.errors import Corrupt
from tidemill.serving.prediction_log import (
    MAX_MESSAGE_BYTES,
    Predictions,
    decode_message,
    encode_messages,
    prediction_ids,
)

AT = datetime(2013, 3, 4, 6, 0, 0, 123000, tzinfo=UTC)


def predictions(n_rows: int, n_features: int = 3, seed: int = 1) -> Predictions:
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(n_rows, n_features)).astype(np.float32)
    features[0, 0] = np.nan
    keys = [f"UA-{row}" for row in range(n_rows)]
    times = [AT + timedelta(minutes=row) for row in range(n_rows)]
    probabilities = generator.random(n_rows)
    return Predictions(
        model="late_arrival",
        version=7,
        at=AT,
        ids=prediction_ids("late_arrival", 7, AT, keys=keys, times=times, features=features),
        keys=keys,
        times=times,
        probabilities=probabilities,
        labels=probabilities > 0.5,
        features=features,
    )


def test_a_decoded_message_holds_exactly_what_was_predicted() -> None:
    sent = predictions(5)
    [body] = encode_messages(sent)
    chunk = decode_message(body)
    assert chunk.model == "late_arrival"
    assert [row["id"] for row in chunk.rows] == list(sent.ids)
    assert [row["time"] for row in chunk.rows] == list(sent.times)
    assert {row["at"] for row in chunk.rows} == {AT}
    assert {row["version"] for row in chunk.rows} == {7}
    assert [row["probability"] for row in chunk.rows] == sent.probabilities.tolist()
    assert [row["prediction"] for row in chunk.rows] == sent.labels.tolist()
    received = np.array([row["features"] for row in chunk.rows], dtype=np.float32)
    assert received.tobytes() == sent.features.tobytes()


def test_the_same_predictions_make_the_same_messages() -> None:
    assert encode_messages(predictions(20)) == encode_messages(predictions(20))


def test_a_thousand_wide_rows_are_split_into_messages_that_fit_the_queue() -> None:
    sent = predictions(1000, n_features=200)
    bodies = encode_messages(sent)
    assert len(bodies) > 1
    assert max(map(len, bodies)) <= MAX_MESSAGE_BYTES
    chunks = [decode_message(body) for body in bodies]
    assert [row["id"] for chunk in chunks for row in chunk.rows] == list(sent.ids)
    assert len({chunk.id for chunk in chunks}) == len(chunks)


@settings(deadline=None)
@given(n_rows=st.integers(1, 30), n_features=st.integers(1, 5), seed=st.integers(0, 100))
def test_ids_differ_between_rows_and_repeat_with_their_content(
    n_rows: int, n_features: int, seed: int
) -> None:
    one, again = predictions(n_rows, n_features, seed), predictions(n_rows, n_features, seed)
    assert list(one.ids) == list(again.ids)
    assert len(set(one.ids)) == n_rows


def test_another_moment_key_version_or_feature_is_another_id() -> None:
    base = predictions(1)
    ids = {
        prediction_ids("late_arrival", 7, AT, keys=base.keys, times=base.times, features=base.features)[0],
        prediction_ids("late_arrival", 8, AT, keys=base.keys, times=base.times, features=base.features)[0],
        prediction_ids("late_arrival", 7, AT, keys=["x"], times=base.times, features=base.features)[0],
        prediction_ids("late_arrival", 7, AT, keys=base.keys, times=[AT], features=base.features + 1)[0],
        prediction_ids(
            "late_arrival",
            7,
            AT + timedelta(milliseconds=1),
            keys=base.keys,
            times=base.times,
            features=base.features,
        )[0],
    }
    assert len(ids) == 5


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "[]",
        '{"model": "m", "chunk": "c", "data": "!"}',
        '{"model": "m", "chunk": "c", "data": "AAAA"}',
    ],
)
def test_a_message_that_is_none_is_corrupt(body: str) -> None:
    with pytest.raises(Corrupt, match="prediction log can not be read"):
        decode_message(body)
