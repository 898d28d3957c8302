"""A function is given what its handler asks the composition root for: nothing less, and nothing more."""

import ast
from typing import Any

import pytest

from infra.config import ROOT

FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))
NEEDS = {
    "settings": set(),
    "project": set(),
    "data_blobs": {"TIDEMILL_DATA_BUCKET"},
    "models_blobs": {"TIDEMILL_MODELS_BUCKET"},
    "documents": {"TIDEMILL_EXPERIMENTS_TABLE"},
    "online_store": {"TIDEMILL_FEATURES_TABLE"},
    "served_items": {"TIDEMILL_FEATURES_TABLE"},
    "events": {"TIDEMILL_EVENT_BUS"},
    "predictions_queue": {"TIDEMILL_PREDICTIONS_QUEUE_URL"},
    "rows_queue": {"TIDEMILL_ROWS_QUEUE_URL"},
    "training_executions": {"TIDEMILL_TRAINING_STATE_MACHINE_ARN"},
    "backfill_executions": {"TIDEMILL_BACKFILL_STATE_MACHINE_ARN"},
    "served_views": {"TIDEMILL_EXPERIMENTS_TABLE", "TIDEMILL_MODELS_BUCKET"},
    "tables": {"TIDEMILL_DATABASE", "TIDEMILL_DATA_BUCKET"},
    "table_history": {"TIDEMILL_DATABASE"},
    "table_upkeep": {"TIDEMILL_DATABASE"},
}
NEEDS["backfills"] = NEEDS["served_views"] | NEEDS["tables"] | NEEDS["online_store"]
NEEDS["housekeeping"] = NEEDS["backfills"] | NEEDS["backfill_executions"]
LOAD_THE_PROJECT = {"project", "backfills", "housekeeping"}


def asked_of_wiring(function: str) -> set[str]:
    tree = ast.parse((ROOT / "functions" / function / "handler.py").read_text())
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "wiring"
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_environment_names_exactly_what_the_handler_uses(assembly: Any, function: str) -> None:
    needed: set[str] = set().union(*(NEEDS[name] for name in asked_of_wiring(function)))
    variables = assembly.functions()[function]["Environment"]["Variables"]
    given = {name for name in variables if name.startswith("TIDEMILL_")}
    assert given == needed | {"TIDEMILL_PROJECT"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_projects_layer_is_there_for_handlers_that_load_the_project(assembly: Any, function: str) -> None:
    layers = [layer["Ref"] for layer in assembly.functions()[function]["Layers"]]
    loads = bool(asked_of_wiring(function) & LOAD_THE_PROJECT)
    assert any(layer.startswith("LayersProjects") for layer in layers) == loads
