"""The page's files, as they are served."""

import pytest

from emulator.control.pages import page_file


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("", "text/html; charset=utf-8"),
        ("page/style.css", "text/css; charset=utf-8"),
        ("page/page.js", "text/javascript; charset=utf-8"),
    ],
)
def test_each_file_has_its_type_and_lets_nothing_foreign_in(path: str, kind: str) -> None:
    answer = page_file(path)
    assert answer is not None
    headers = dict(answer.headers)
    assert headers["content-type"] == kind
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert answer.body


@pytest.mark.parametrize("path", ["page/../routes.py", "page/", "page/nothing.js", "index.html", "overview"])
def test_nothing_but_the_pages_own_files_is_served(path: str) -> None:
    assert page_file(path) is None


def test_the_page_loads_nothing_from_elsewhere() -> None:
    for path in ("", "page/style.css", "page/page.js"):
        answer = page_file(path)
        assert answer is not None
        assert b"https://" not in answer.body
        assert b"@import" not in answer.body
