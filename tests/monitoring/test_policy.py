"""The retrain policy as a table: what gives a reason, and what holds it back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill import Retrain
from tidemill.monitoring.policy import Attempt, Decision, decide, run_name

NOW = datetime(2013, 3, 11, tzinfo=UTC)
ANY = Retrain(on=["drift", "performance"], cooldown="7d", budget_per_day=2)


def report(at: datetime = NOW, **changes: Any) -> dict[str, Any]:
    quiet = {
        "model": "late_arrival",
        "version": 3,
        "window_end": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "drift": False,
        "drifted_features": [],
        "performance": "ok",
        "quality": None,
        "new_rows": 0,
    }
    return quiet | changes


def drifted(at: datetime = NOW) -> dict[str, Any]:
    return report(at, drift=True, drifted_features=["temp", "wind_speed"])


def trained(days_ago: float, *, promoted: bool | None = True, name: str = "earlier") -> Attempt:
    return Attempt(NOW - timedelta(days=days_ago), name, promoted)


def decided(
    seen: dict[str, Any], *attempts: Attempt, policy: Retrain = ANY, running: tuple[str, ...] = ()
) -> Decision:
    return decide(seen, attempts=attempts, policy=policy, running=running, at=NOW)


def test_a_quiet_report_gives_no_reason() -> None:
    assert decided(report()) == Decision(retrain=False, reason=None, guard=None, run_id=None)


def test_drift_is_a_reason_and_names_the_features() -> None:
    decision = decided(drifted())
    assert decision.retrain
    assert decision.reason is not None
    assert (decision.reason.kind, decision.reason.detail) == ("drift", "temp, wind_speed")
    assert decision.run_id == "late_arrival-20130311T000000Z"


def test_a_loss_of_quality_is_a_stronger_reason_than_drift() -> None:
    quality = {"metric": "roc_auc", "measured": 0.61, "reference": 0.70}
    decision = decided(drifted() | {"performance": "worse", "quality": quality})
    assert decision.reason is not None
    assert decision.reason.kind == "performance"
    assert decision.reason.detail == "roc_auc 0.610, was 0.700 on the test set"


@pytest.mark.parametrize(
    ("seen", "policy", "kind"),
    [
        (drifted(), Retrain(on=["performance"]), None),
        (report(performance="worse"), Retrain(on=["drift"]), None),
        (report(performance="unknown"), ANY, None),
        (report(drift=None), ANY, None),
        (report(new_rows=5000), Retrain(on=["rows"], min_rows=5000), "rows"),
        (report(new_rows=4999), Retrain(on=["rows"], min_rows=5000), None),
        (report(), Retrain(on=["schedule"], every="30d"), "schedule"),
        (report(), Retrain(on=["schedule"], every="90d"), None),
        (drifted() | {"version": None}, ANY, None),
    ],
)
def test_only_what_the_declaration_names_is_a_reason(
    seen: dict[str, Any], policy: Retrain, kind: str | None
) -> None:
    reason = decided(seen, trained(45), policy=policy).reason
    assert (reason.kind if reason else None) == kind


@pytest.mark.parametrize(
    ("attempts", "running", "guard"),
    [
        ([], (), None),
        ([trained(7)], (), None),
        ([trained(6.9)], (), "cooldown: until 2013-03-11T02:24:00Z"),
        ([trained(30)], ("r-1",), "running: r-1 has not ended"),
        ([trained(0, name="late_arrival-20130311T000000Z")], (), "answered: this report started"),
        # one training that was not promoted leaves the cooldown, the second doubles it, the third again
        ([trained(8, promoted=False), trained(20)], (), None),
        ([trained(8, promoted=False), trained(20, promoted=False)], (), "cooldown: until 2013-03-17T"),
        ([trained(15, promoted=False), trained(20, promoted=False)], (), None),
        ([trained(15, promoted=False)] * 3, (), "after 3 trainings in a row that were not promoted"),
        ([trained(8, promoted=None), trained(20, promoted=False)], (), None),
    ],
)
def test_the_first_guard_that_applies_holds_it_back(
    attempts: list[Attempt], running: tuple[str, ...], guard: str | None
) -> None:
    decision = decided(drifted(), *attempts, running=running)
    assert decision.retrain is (guard is None)
    assert decision.reason is not None
    assert (decision.guard is None) if guard is None else guard in str(decision.guard)


def test_the_daily_budget_is_of_any_24_hours() -> None:
    often = Retrain(on=["drift"], cooldown="1h", budget_per_day=2)
    spent = [trained(0.2, name="a"), trained(0.9, name="b")]
    assert decided(drifted(), *spent, policy=often).guard == "budget: 2 of 2 trainings a day are spent"
    assert decided(drifted(), trained(0.2), trained(1.1, name="b"), policy=often).retrain


def simulate(days: int, verdict: Any, promoted: Any, policy: Retrain) -> list[Attempt]:
    """Fire daily, train at once when told to, and return the trainings, the newest first."""
    attempts: list[Attempt] = []
    for number in range(days):
        at = NOW + timedelta(days=number)
        seen = drifted(at) if verdict(number) else report(at)
        decision = decide(seen, attempts=attempts, policy=policy, running=(), at=at)
        if decision.retrain and decision.run_id:
            attempts.insert(0, Attempt(at, decision.run_id, promoted(number)))
    return attempts


def test_flapping_drift_trains_no_more_often_than_the_cooldown() -> None:
    assert len(simulate(70, lambda number: number % 2 == 0, lambda _: True, ANY)) <= 10


def test_poisoned_data_that_never_makes_a_better_model_does_not_storm() -> None:
    attempts = simulate(365, lambda _: True, lambda _: False, ANY)
    assert len(attempts) == 6  # 52 at the bare cooldown


def test_after_a_promotion_the_cooldown_is_the_declared_one_again() -> None:
    attempts = simulate(100, lambda _: True, lambda number: number >= 40, ANY)
    newest, before = attempts[0], attempts[1]
    assert newest.at - before.at == timedelta(days=7)


@settings(deadline=None)
@given(
    past=st.lists(st.tuples(st.floats(0, 60), st.sampled_from([True, False, None])), max_size=8),
    seen=st.sampled_from([drifted(), report()]),
    cooldown=st.sampled_from(["1h", "1d", "7d"]),
    budget=st.integers(1, 3),
)
def test_guards_always_hold_and_decisions_can_be_made_again(
    past: list[tuple[float, bool | None]], seen: dict[str, Any], cooldown: str, budget: int
) -> None:
    policy = Retrain(on=["drift"], cooldown=cooldown, budget_per_day=budget)
    attempts = [
        trained(ago, promoted=ok, name=f"r{i}")
        for i, (ago, ok) in enumerate(sorted(past, key=lambda p: p[0]))
    ]
    decision = decide(seen, attempts=attempts, policy=policy, running=(), at=NOW)
    assert decision == decide(seen, attempts=attempts, policy=policy, running=(), at=NOW)
    assert decision == Decision.from_json(decision.to_json())
    if decision.retrain:
        assert seen["drift"]
        assert all(NOW - one.at >= timedelta(seconds=policy.cooldown_seconds) for one in attempts)
        assert sum(one.at > NOW - timedelta(days=1) for one in attempts) < budget


@settings(deadline=None)
@given(st.text(min_size=1, max_size=120))
def test_a_run_name_is_one_that_step_functions_takes(model: str) -> None:
    name = run_name(model, "2013-03-11T00:00:00Z")
    assert len(name) <= 80
    assert all(character.isascii() and (character.isalnum() or character in "_-") for character in name)
