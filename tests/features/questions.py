"""Questions to the online store about the histories' entities, and how far back it owes an answer."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from tidemill import FeatureView, Int, String, Timestamp
from tidemill.expressions import Column, Columns, column
from tidemill.features.definitions import define, read_events

ENTITIES = [("a", 1), ("a", 2), ("b", 1), ("ü", -(10**15)), ("a", None), ("never", 1)]


def ask(moments_asked: Sequence[datetime]) -> dict[str, Column]:
    """Return a request that asks for every entity at every moment."""
    pairs = [(entity, at) for at in moments_asked for entity in ENTITIES]
    return {
        "shop": column(String, [entity[0] for entity, _ in pairs]),
        "shelf": column(Int, [entity[1] for entity, _ in pairs]),
        "at": column(Timestamp, [at for _, at in pairs]),
    }


def answerable(view: FeatureView, committed: Columns, asked: Columns) -> list[bool]:
    """Say which questions are not too far in the past for what the store keeps."""
    definition = define(view)
    events = read_events(definition, committed)
    keys = list(zip(*(events.columns[name].to_list() for name in ("shop", "shelf")), strict=True))
    newest: dict[object, int] = {}
    for key, visible in zip(keys, events.visible.tolist(), strict=True):
        newest[key] = max(newest.get(key, visible), visible)
    questions = zip(asked["shop"].to_list(), asked["shelf"].to_list(), asked["at"].values, strict=True)
    return [
        int(at.astype(np.int64)) >= newest.get((shop, shelf), -(2**62)) - definition.grace_us
        for shop, shelf, at in questions
    ]


def bits(values: Column, there: Sequence[bool]) -> list[object]:
    """Return values to be compared bit by bit; None where null or not asked for."""
    return [each if ok else None for each, ok in zip(bits_of(values.to_list()), there, strict=True)]


def bits_of(values: Sequence[object]) -> list[object]:
    """Return plain values such that only those of one type and the same bits are equal."""
    return [None if each is None else (type(each), _bits(each)) for each in values]


def _bits(value: object) -> object:
    return value.hex() if isinstance(value, float) else value
