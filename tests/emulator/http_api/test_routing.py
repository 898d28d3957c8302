"""Which route takes a request."""

import pytest

from emulator.http_api.routing import find_route

ROUTES = ["GET /pets", "GET /pets/{id}", "GET /pets/all", "ANY /pets/{id}", "ANY /{proxy+}", "$default"]


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/pets", "GET /pets"),
        ("GET", "/pets/all", "GET /pets/all"),
        ("GET", "/pets/7", "GET /pets/{id}"),
        ("PUT", "/pets/7", "ANY /pets/{id}"),
        ("GET", "/pets/7/toys", "ANY /{proxy+}"),
        ("GET", "/", "$default"),
    ],
)
def test_the_most_specific_route_takes_the_request(method: str, path: str, route: str) -> None:
    match = find_route(ROUTES, method, path)
    assert match is not None
    assert match.route_key == route


def test_no_route_is_no_match() -> None:
    assert find_route(["GET /pets"], "POST", "/pets") is None
    assert find_route(["GET /pets"], "GET", "/pets/7") is None


def test_parameters_are_decoded_after_the_path_was_split() -> None:
    match = find_route(["GET /a/{x}/{rest+}"], "GET", "/a/1%2F2/b/c%20d")
    assert match is not None
    assert match.path_parameters == {"x": "1/2", "rest": "b/c d"}
