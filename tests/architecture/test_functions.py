"""A function's folder is an asset, not a package: what it may hold and import is checked here."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path for path in (ROOT / "functions").iterdir() if path.name != "__pycache__")


def imported(path: Path) -> set[str]:
    """Return the top-level names of all modules a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_function_has_a_handler_of_two_arguments(folder: Path) -> None:
    tree = ast.parse((folder / "handler.py").read_text())
    (handler,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "handler"]
    assert [argument.arg for argument in handler.args.args] == ["event", "context"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_function_imports_the_library_and_the_standard_library_only(folder: Path) -> None:
    for path in folder.rglob("*.py"):
        assert imported(path) - sys.stdlib_module_names <= {"tidemill"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_nothing_happens_at_import_but_definitions(folder: Path) -> None:
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    for node in ast.parse((folder / "handler.py").read_text()).body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        assert is_docstring or isinstance(node, allowed)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            assert not any(isinstance(part, ast.Call) for part in ast.walk(node))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_function_does_not_import_what_people_use_on_their_machines(folder: Path) -> None:
    """No lower part of the library may either, by the contracts; so a handler has no way to it."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("tidemill.client")
