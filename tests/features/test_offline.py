"""join_features computes what its documentation says, against an oracle in plain Python."""

from collections.abc import Sequence
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.histories import Row, moments, oracle, rows, to_columns, turning_points, views
from tidemill import FeatureView, Int, String, Timestamp
from tidemill.expressions import column
from tidemill.features.offline import join_features

SHOPS = st.sampled_from([("a", 1), ("a", 2), ("b", 1), ("z", 1), (None, 1)])


@settings(deadline=None, max_examples=80)
@given(view=views(), history=st.lists(rows(), max_size=20), data=st.data())
def test_every_feature_is_what_a_brute_force_count_over_known_rows_gives(
    view: FeatureView, history: Sequence[Row], data: st.DataObject
) -> None:
    questions: list[tuple[tuple[str | None, int | None], datetime]] = data.draw(
        st.lists(st.tuples(SHOPS, moments(1500)), min_size=1, max_size=4)
    )
    if history:
        row = data.draw(st.sampled_from(history))
        questions += [((row.shop, row.shelf), at) for at in turning_points(row)]
    asked = {
        "shop": column(String, [key[0] for key, _ in questions]),
        "shelf": column(Int, [key[1] for key, _ in questions]),
        "at": column(Timestamp, [at for _, at in questions]),
    }
    found = join_features(asked, [view], {"events": to_columns(history)}, "at")
    for position, (key, at) in enumerate(questions):
        expected = oracle(view, history, key, at)
        for name, values in found.items():
            assert values.to_list()[position] == expected[name], (name, key, at)
