"""Synthesis is repeated when something that goes into it has changed, and only then."""

from pathlib import Path
from typing import Any

import pytest

from infra.config import ROOT
from infra.synth import INGREDIENTS, MARK, ingredients_digest, synthesize


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in INGREDIENTS:
        folder = tmp_path / name
        if name.endswith(".json"):
            folder.write_text("{}")
        else:
            folder.mkdir()
            (folder / "a.py").write_text("A = 1\n")
    return tmp_path


def test_an_assembly_that_is_up_to_date_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / MARK).write_text(ingredients_digest(ROOT))
    (tmp_path / "manifest.json").write_text("made before")
    assert synthesize(tmp_path) == tmp_path
    assert (tmp_path / "manifest.json").read_text() == "made before"


def test_a_finished_assembly_is_marked_with_what_it_was_made_from(assembly: Any) -> None:
    assert len((assembly.folder / MARK).read_text()) == 64


@pytest.mark.parametrize("name", [name for name in INGREDIENTS if "." not in name])
def test_a_changed_file_changes_the_digest(checkout: Path, name: str) -> None:
    before = ingredients_digest(checkout)
    (checkout / name / "a.py").write_text("A = 2\n")
    assert ingredients_digest(checkout) != before


def test_a_renamed_file_changes_the_digest(checkout: Path) -> None:
    before = ingredients_digest(checkout)
    (checkout / "infra" / "a.py").rename(checkout / "infra" / "b.py")
    assert ingredients_digest(checkout) != before


def test_byte_code_does_not_change_the_digest(checkout: Path) -> None:
    before = ingredients_digest(checkout)
    cache = checkout / "functions" / "__pycache__"
    cache.mkdir()
    (cache / "a.cpython-313.pyc").write_bytes(b"\0")
    assert ingredients_digest(checkout) == before


def test_no_asset_ships_byte_code(assembly: Any) -> None:
    assert list(assembly.folder.glob("asset.*/**/*.pyc")) == []


def test_the_projects_layer_is_laid_out_as_lambda_wants_it(assembly: Any) -> None:
    assert list(assembly.folder.glob("asset.*/python/projects/flights/__init__.py"))
    assert list(assembly.folder.glob("asset.*/python/tidemill/errors.py"))
