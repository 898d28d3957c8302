"""Each gate's verdict follows from the figures, and its message says them."""

from typing import Any

import pytest

from tests.training.toy import make_context
from tidemill import Improves, Parity, SkewFree, Slices
from tidemill.errors import CallerError
from tidemill.memory.documents import MemoryDocuments
from tidemill.project import Gate
from tidemill.registry.runs import start_run
from tidemill.training.gates import judge
from tidemill.training.select import select_candidate


def _evaluation(**changes: Any) -> dict[str, Any]:
    return {
        "metric": "roc_auc", "test_rows": 500, "metrics": {"roc_auc": 0.71}, "incomparable": None,
        "champion": {"version": 3, "metrics": {"roc_auc": 0.70}}, "gain": _gain(0.01, -0.01, 0.03),
        "parity": {"rows": 500, "max_difference": 1e-7}, "skew": {"rows": 10, "mismatched": 0, "columns": {}},
        "slices": {"zone": [{"value": "a", "rows": 300, "gain": _gain(-0.08, -0.12, -0.04)}]}, **changes,
    }  # fmt: skip


def _gain(point: float, low: float, high: float) -> dict[str, float]:
    return {"point": point, "low": low, "high": high, "level": 0.95}


NOBODY = {"champion": None, "gain": None}
UNSURE = {"zone": [{"value": "a", "rows": 300, "gain": _gain(-0.08, -0.2, 0.04)}]}
SKEWED = {"rows": 10, "mismatched": 2, "columns": {"rain": 2}}


@pytest.mark.parametrize(
    ("gate", "changes", "passed", "says"),
    [
        (Improves(), {}, True, "0.7100 against 0.7000 of champion version 3"),
        (Improves(), {"gain": _gain(0.01, 0.001, 0.02)}, True, "proven)"),
        (Improves(by=0.02), {}, False, "more than +0.0200 wanted"),
        (Improves(), {"gain": _gain(-0.01, -0.02, -0.001)}, False, "a proven loss"),
        (Improves(), {"gain": _gain(0.0, 0.0, 0.0)}, False, "gain +0.0000"),
        (Improves(by=0.5), NOBODY, True, "no champion to compare with"),
        (Improves(), {**NOBODY, "incomparable": "no column `rain`"}, True, "no column `rain`"),
        (Parity(), {}, True, "1.00e-07"),
        (Parity(tolerance=1e-8), {}, False, "1e-08 is allowed"),
        (SkewFree(), {}, True, "0 of 10"),
        (SkewFree(), {"skew": SKEWED}, False, "2 of 10 test rows replayed through the online path differ"),
        (SkewFree(), {"skew": {"rows": 0, "mismatched": 0, "columns": {}}}, False, "0 of 0"),
        (Slices("zone", max_drop=0.05), {}, False, "a (-0.0800)"),
        (Slices("zone", max_drop=0.1), {}, True, "0 of 1"),
        (Slices("zone", max_drop=0.05), {"slices": UNSURE}, True, "0 of 1"),
        (Slices("zone", max_drop=0.05), NOBODY, True, "no champion"),
    ],
)  # fmt: skip
def test_the_verdict_follows_from_the_figures(
    gate: Gate, changes: dict[str, Any], *, passed: bool, says: str
) -> None:
    verdict = judge(gate, _evaluation(**changes))
    assert verdict["passed"] == passed
    assert says in verdict["message"]


def _trained(*values: float, metric: str = "brier") -> list[dict[str, Any]]:
    return [{"candidate": {"params": {"n": n}}, "metrics": {metric: value}} for n, value in enumerate(values)]


def test_selection_knows_which_way_a_metric_goes_and_takes_the_first_of_equals() -> None:
    documents = MemoryDocuments()
    context = make_context("r1", at="2024-01-01T00:00:00Z")
    start_run(documents, "r1", model="long_trip", at=context.at, reason={}, overrides={})
    chosen = select_candidate(context, "brier", trained=_trained(0.2, 0.1, 0.1), documents=documents)
    assert chosen["candidate"] == {"params": {"n": 1}}


def test_a_metric_defined_for_no_candidate_is_the_callers_error() -> None:
    context = make_context("r1", at="2024-01-01T00:00:00Z")
    with pytest.raises(CallerError, match="no candidate of model `long_trip` has a brier"):
        select_candidate(context, "brier", trained=_trained(float("nan")), documents=MemoryDocuments())
