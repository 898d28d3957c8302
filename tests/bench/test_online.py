"""The online bench compares only reads of what training computes."""

from collections.abc import Callable

import pytest

from bench.online.__main__ import Differs, check
from bench.online.store import MOST_ENTITIES, Features, figures, latest_values
from tidemill.expressions import Columns, null_column


class Forgetful:
    """Reads nulls where there is something."""

    def __init__(self, features: Features) -> None:
        self._features = features

    def read(self, n_entities: int) -> Columns:
        """Read nulls."""
        computed = self.computed(n_entities)
        return {name: null_column(each.type, n_entities) for name, each in computed.items()}

    def computed(self, n_entities: int) -> Columns:
        """Compute what is right."""
        return self._features.computed(n_entities)


@pytest.mark.parametrize("stored", [latest_values, figures])
def test_what_is_timed_is_what_training_computes_and_the_raw_read_is_of_the_same_items(
    stored: Callable[[str], Features], aws_endpoint: str
) -> None:
    features = stored(aws_endpoint)
    check(features)
    raw = features.read_raw(MOST_ENTITIES)
    assert len(raw) == MOST_ENTITIES
    assert all(raw)
    with pytest.raises(Differs, match="is not read as it is computed"):
        check(Forgetful(features))
