"""What the guides show is what works."""

import json
import re
from typing import Any

from cli.context import CHECKOUT
from tidemill.project import Project, load_project


def test_the_guides_project_can_be_declared_as_written() -> None:
    """Whoever copies it has a project."""
    page = (CHECKOUT / "docs" / "bring-your-own.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code.group(1), names)  # noqa: S102 - our own page
    assert isinstance(names["project"], Project)
    assert [model.name for model in names["project"].models] == ["churn"]


def test_the_quickstarts_row_is_one_the_model_can_be_asked_about() -> None:
    """It has the model's key and request columns and no other."""
    page = (CHECKOUT / "docs" / "quickstart.md").read_text()
    row = re.search(r"--row '(\{.*?\})'", page, re.DOTALL)
    assert row is not None
    asked = load_project("flights").model("late_arrival").observations
    assert set(json.loads(row.group(1))) == {asked.key, *asked.request}


def test_every_link_of_the_guides_leads_somewhere() -> None:
    """Relative links name files of the checkout."""
    for page in (CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+?)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
