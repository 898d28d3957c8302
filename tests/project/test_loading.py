"""load_project finds a package by name and says where in it a mistake is."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import projects
from tidemill import load_project
from tidemill.errors import DeclarationError, NotFound

GOOD = "from tidemill import Project\nproject = Project({name!r}, sources=[], models=[])\n"
MISTAKEN = "from tidemill import Entity\n\norigin = Entity('origin', [])\n"


@pytest.fixture
def packages(tmp_path: Path) -> Iterator[Path]:
    """Give a folder beside ``projects`` in which tests write packages of their own."""
    root = tmp_path / "projects"
    root.mkdir()
    projects.__path__.append(str(root))
    yield root
    projects.__path__.remove(str(root))
    for name in [name for name in sys.modules if name.startswith("projects.scratch")]:
        del sys.modules[name]


def write(root: Path, name: str, text: str) -> None:
    (root / name).mkdir()
    (root / name / "__init__.py").write_text(text)


def test_a_project_is_loaded_by_name(packages: Path) -> None:
    write(packages, "scratch", GOOD.format(name="scratch"))
    assert load_project("scratch").name == "scratch"


def test_a_mistake_is_told_with_its_file_and_line(packages: Path) -> None:
    write(packages, "scratch_mistaken", MISTAKEN)
    with pytest.raises(DeclarationError) as caught:
        load_project("scratch_mistaken")
    place = packages / "scratch_mistaken" / "__init__.py"
    assert str(caught.value).startswith(f"{place}:3: entity `origin`: keys is []")


def test_a_package_without_a_project_or_with_another_name_is_refused(packages: Path) -> None:
    write(packages, "scratch_empty", "")
    write(packages, "scratch_other", GOOD.format(name="another"))
    with pytest.raises(DeclarationError, match="add one"):
        load_project("scratch_empty")
    with pytest.raises(DeclarationError, match="name it `scratch_other`"):
        load_project("scratch_other")


def test_a_project_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound, match="there is no project `nowhere`"):
        load_project("nowhere")
