"""A kind of figure cannot be added without entering the suites that hold offline and online to the oracle."""

from typing import get_args

import pytest

import tidemill
from tests.features.histories import ENTITY, FEATURES, ORACLE, SCHEMA, START, every_feature, oracle
from tidemill import FeatureView, Source
from tidemill.features.aggregates import KINDS
from tidemill.project.views import Aggregate, AggregateKind


def test_what_can_be_declared_is_what_is_computed_and_what_the_oracle_knows() -> None:
    assert set(get_args(AggregateKind)) == set(KINDS) == set(ORACLE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_in_the_views_of_both_suites_and_in_the_public_library(kind: str) -> None:
    assert kind in {feature.kind for feature in FEATURES.values() if isinstance(feature, Aggregate)}
    assert callable(getattr(tidemill, kind))
    assert kind in tidemill.__all__


def test_a_kind_that_the_oracle_does_not_know_fails_the_suites() -> None:
    source = Source("events", SCHEMA, ["shop"], "at")
    view = FeatureView("everything", ENTITY, source, every_feature([*KINDS, "median"]))
    with pytest.raises(KeyError, match="median"):
        oracle(view, [], ("a", 1), START)
