"""Size budgets: what is meant to be read stays small enough to be read."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = ("layers/tidemill/python", "functions", "projects", "infra", "emulator", "cli")
MODULE_LINES = 400
FUNCTION_LINES = 40
HANDLER_LINES = 40


def modules() -> list[Path]:
    files = [path for folder in SHIPPED for path in sorted((ROOT / folder).rglob("*.py"))]
    return [*files, ROOT / "layers" / "build.py"]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, source: list[str]) -> int:
    """Count the lines of a function's body without its docstring, comments and blank lines."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    lines = source[body[0].lineno - 1 : body[-1].end_lineno] if body else []
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_fits_the_budget(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_functions_code_fits_on_a_screen(path: Path) -> None:
    source = path.read_text().splitlines()
    lengths = {function.name: code_lines(function, source) for function in functions(path)}
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "functions").glob("*/handler.py")), ids=lambda path: path.parent.name
)
def test_a_handler_is_parse_call_answer(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= HANDLER_LINES
