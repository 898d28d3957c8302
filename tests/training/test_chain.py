"""The steps in order make, judge and promote a version; repeated or raced, they do no harm."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tests.training.toy import Laboratory, laboratory, make_context, trip_rows, trips, upload
from tidemill import Improves, Parity, SkewFree
from tidemill.errors import CallerError, Conflict, GateFailed
from tidemill.features.online import OnlineItem
from tidemill.memory.online import MemoryOnlineStore
from tidemill.registry.aliases import CHAMPION, get_alias, history, move_alias
from tidemill.registry.package import load_package
from tidemill.registry.runs import get_run
from tidemill.registry.versions import get_version, list_versions
from tidemill.statistics.profile import ReferenceProfile
from tidemill.training.matrix import load_training_set
from tidemill.training.onnx_session import positive_probabilities

AT = "2024-02-26T00:00:00Z"
LATER = "2024-03-11T00:00:00Z"
PACKAGE = {
    "model.onnx", "serving.json", "reference.json", "card.md", "lineage.json", "estimator.skops",
}  # fmt: skip


def _gate(state: dict[str, Any], name: str) -> dict[str, Any]:
    return next(gate for gate in state["check_gates"]["gates"] if gate["gate"] == name)


def test_a_first_run_makes_a_version_that_passes_and_becomes_champion(lab: Laboratory) -> None:
    state = lab.run("r1", at=AT)
    assert state["promote_model"] == {"promoted": True, "alias": "champion", "version": 1, "previous": None}
    assert [gate["gate"] for gate in state["check_gates"]["gates"]] == [
        "improves",
        "parity",
        "skew_free",
        "slices:zone",
    ]
    run = get_run(lab.documents, "r1")
    assert (run.status, run.version, run.promoted) == ("finished", 1, True)
    assert set(run.steps) >= {
        "pin_dataset",
        "build_training_set",
        "candidates",
        "select_candidate",
        "check_gates",
    }
    version = get_version(lab.documents, "long_trip", 1)
    assert version.lineage["dataset"] == state["pin_dataset"]["dataset"]
    assert version.lineage["run_id"] == "r1"


def test_the_package_holds_all_that_serving_and_monitoring_need(lab: Laboratory) -> None:
    state = lab.run("r1", at=AT)
    files = load_package(lab.models, "long_trip", state["register_model"]["package"])
    assert set(files) == PACKAGE
    serving = json.loads(files["serving.json"])
    assert (serving["model"], serving["threshold"], serving["metric"]) == ("long_trip", 0.5, "roc_auc")
    reference = ReferenceProfile.from_json(json.loads(files["reference.json"]))
    training_set = load_training_set(lab.data, state["build_training_set"]["training_set"])
    assert [column.name for column in reference.columns] == training_set.description["inputs"]
    assert reference.quality.low < state["evaluate_candidate"]["metrics"]["roc_auc"] < reference.quality.high
    fitted = training_set.matrix.fitted_on("train_and_validation")
    assert all(column.histogram.rows == fitted.sum() for column in reference.columns)
    assert "roc_auc" in files["card.md"].decode()


def test_repeating_any_step_answers_the_same_and_writes_nothing(lab: Laboratory) -> None:
    state = lab.run("r1", at=AT)
    written = lab.written()
    for name, step in lab.steps(make_context("r1", at=AT)).items():
        assert step(state) == state[name], name
    assert lab.written() == written
    assert len(history(lab.documents, "long_trip", CHAMPION)) == 1
    assert len(list_versions(lab.documents, "long_trip")) == 1


def test_the_same_training_gives_the_same_package_in_another_run_and_order_of_rows(lab: Laboratory) -> None:
    other = Laboratory(lab.model)
    rows = trip_rows(56)
    shuffled = np.random.default_rng(3).permutation(len(rows["trip"]))
    upload(other.tables, trips, {name: column.take(shuffled) for name, column in rows.items()}, "shuffled")
    for source in ("zones",):
        other.tables.ensure(source, lab.tables.rows(source).schema)
        other.tables.append(source, iter(lab.tables.rows(source).to_batches()), {}, ids=["zones"])
    packages = {
        each.run(run, at=AT)["register_model"]["package"] for each, run in ((lab, "r1"), (other, "r2"))
    }
    assert len(packages) == 1


def test_a_challenger_is_compared_with_the_champion_on_the_same_rows(lab: Laboratory) -> None:
    lab.run("r1", at=AT)
    upload(lab.tables, trips, trip_rows(14, first=56), "trips-56")
    state = lab.run("r2", at=LATER)
    champion = state["pin_dataset"]["champion"]
    assert champion["version"] == 1
    improves = _gate(state, "improves")
    graph = load_package(lab.models, "long_trip", champion["package"], ["model.onnx"])["model.onnx"]
    matrix = load_training_set(lab.data, state["build_training_set"]["training_set"]).matrix
    scores = positive_probabilities(graph, matrix.features[matrix.test])
    positive, negative = scores[matrix.labels[matrix.test]], scores[~matrix.labels[matrix.test]]
    wins = (positive[:, None] > negative).mean() + 0.5 * (positive[:, None] == negative).mean()
    assert improves["figures"]["champion"] == pytest.approx(wins)
    assert improves["passed"] == (improves["figures"]["gain"]["point"] > 0)


def test_a_champion_with_other_codes_or_features_sees_the_rows_through_its_own_plan(lab: Laboratory) -> None:
    lab.run("r1", at=AT)
    fewer = lab.declared(features=[feature for feature in lab.model.features if feature != "rain"])
    state = fewer.run("r2", at=AT)
    assert state["build_training_set"]["champion_matrix"] is not None
    ours = get_version(lab.documents, "long_trip", 1).metrics["roc_auc"]
    assert _gate(state, "improves")["figures"]["champion"] == pytest.approx(ours, abs=1e-12)
    assert not state["check_gates"]["passed"], "rain matters, so a model without it is worse"


def test_a_version_that_fails_a_gate_is_kept_but_not_promoted(lab: Laboratory) -> None:
    lab.run("r1", at=AT)
    state = lab.declared(gates=[Improves(by=0.5), Parity()]).run("r2", at=AT)
    assert "promote_model" not in state
    assert (get_version(lab.documents, "long_trip", 2).passed, get_run(lab.documents, "r2").promoted) == (
        False,
        False,
    )
    alias = get_alias(lab.documents, "long_trip", CHAMPION)
    assert alias is not None
    assert alias.version == 1
    with pytest.raises(GateFailed, match="did not pass its gates"):
        lab.steps(make_context("r2", at=AT))["promote_model"](state)


def test_of_two_runs_that_saw_the_same_champion_only_the_first_promotes(lab: Laboratory) -> None:
    lab = lab.declared(gates=[])
    first = lab.run("r1", at=AT, until="register_model")
    second = lab.run("r2", at=AT, until="register_model")
    lab.steps(make_context("r1", at=AT))["promote_model"](first)
    with pytest.raises(Conflict, match="moved since this decision was made"):
        lab.steps(make_context("r2", at=AT))["promote_model"](second)
    alias = get_alias(lab.documents, "long_trip", CHAMPION)
    assert alias is not None
    assert alias.version == 1


def test_a_rollback_during_a_run_makes_its_promotion_a_conflict(lab: Laboratory) -> None:
    lab = lab.declared(gates=[])
    for run in ("r1", "r2"):
        lab.run(run, at=AT)
    state = lab.run("r3", at=AT, until="register_model")
    move_alias(lab.documents, "long_trip", CHAMPION, 1, revision=2, at=AT, by="rollback")
    with pytest.raises(Conflict, match="now points at version 1"):
        lab.steps(make_context("r3", at=AT))["promote_model"](state)


def test_parameters_set_by_hand_replace_what_is_searched(lab: Laboratory) -> None:
    state = lab.run(
        "r1", at=AT, overrides={"max_iter": 7, "l2_regularization": 2.0}, until="select_candidate"
    )
    assert state["select_candidate"]["candidate"]["params"] == {"max_iter": 7, "l2_regularization": 2.0}
    assert state["select_candidate"]["tried"] == 1


@pytest.mark.parametrize(
    ("overrides", "message"),
    [({"max_itr": 7}, "did you mean `max_iter`"), ({"max_iter": -1}, "can not be fitted.*max_iter")],
)
def test_a_wrong_parameter_is_the_callers_error(
    lab: Laboratory, overrides: dict[str, int], message: str
) -> None:
    with pytest.raises(CallerError, match=message):
        lab.run("r1", at=AT, overrides=overrides)


def test_a_source_without_data_names_it_and_the_way_out() -> None:
    with pytest.raises(CallerError, match=r"`trips`.*no commits.*`tidemill upload trips FILE`"):
        Laboratory().run("r1", at=AT)


def test_a_pinned_run_does_not_see_what_is_uploaded_later(lab: Laboratory) -> None:
    pinned = lab.run("r1", at=AT, until="pin_dataset")
    upload(lab.tables, trips, trip_rows(7, first=49, seed=9), "late")
    assert lab.run("r1", at=AT, until="pin_dataset") == pinned
    assert (
        lab.run("r1", at=AT, until="build_training_set")["build_training_set"]
        == (laboratory().run("r1", at=AT, until="build_training_set")["build_training_set"])
    )


def test_skew_between_the_paths_fails_the_gate(lab: Laboratory) -> None:
    class Stuck(MemoryOnlineStore):
        """Forgets to count what a commit added to an item that is there."""

        def put(self, key: str, item: OnlineItem) -> bool:
            return key in self._items or super().put(key, item)

    upload(lab.tables, trips, trip_rows(10, first=56), "trips-56")
    upload(lab.tables, trips, trip_rows(7, first=66), "trips-66")
    lab.replay_store = Stuck
    state = lab.declared(gates=[SkewFree(rows=60)]).run("r1", at=LATER)
    gate = _gate(state, "skew_free")
    assert not gate["passed"]
    assert "zone_minutes_14d" in gate["message"]
    assert "rain" not in gate["message"]


def test_an_empty_store_is_skew(lab: Laboratory) -> None:
    class Empty(MemoryOnlineStore):
        def get_many(self, keys: Any, *, consistent: bool = False) -> dict[str, OnlineItem]:
            del keys, consistent
            return {}

    lab.replay_store = Empty
    assert not lab.run("r1", at=AT, until="check_gates")["check_gates"]["passed"]


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (["pin", "training_set"], ["sklearn", "pandas", "scipy", "skl2onnx", "onnxruntime", "boto3"]),
        (["train", "select", "evaluate", "gates"], ["pyarrow", "boto3"]),
        (["register", "promote", "failure"], ["pyarrow", "sklearn", "pandas", "onnx", "scipy"]),
    ],
)
def test_each_step_runs_without_what_its_layer_does_not_ship(modules: list[str], absent: list[str]) -> None:
    imports = "; ".join(f"import tidemill.training.{module}" for module in modules)
    code = f"import sys; sys.modules.update(dict.fromkeys({absent})); {imports}"
    subprocess.run([sys.executable, "-c", code], check=True)
