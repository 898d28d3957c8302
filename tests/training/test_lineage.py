"""Lineage names what a model was made with, wherever the code lies."""

from pathlib import Path

from tidemill.project.code import code_digest
from tidemill.training.lineage import library_versions


def _package(folder: Path, text: str) -> Path:
    (folder / "toy").mkdir(parents=True)
    (folder / "toy" / "__init__.py").write_text(text)
    return folder / "toy"


def test_the_code_digest_follows_the_sources_and_not_their_place(tmp_path: Path) -> None:
    here, there = _package(tmp_path / "a", "x = 1\n"), _package(tmp_path / "b", "x = 1\n")
    other = _package(tmp_path / "c", "x = 2\n")
    assert code_digest([here]) == code_digest([there]) != code_digest([other])


def test_what_is_not_source_does_not_count(tmp_path: Path) -> None:
    package = _package(tmp_path, "x = 1\n")
    before = code_digest([package])
    (package / "notes.txt").write_text("thoughts")
    assert code_digest([package]) == before


def test_the_versions_of_what_fits_and_converts_are_named() -> None:
    assert {"python", "numpy", "scikit-learn", "skl2onnx"} <= set(library_versions())
