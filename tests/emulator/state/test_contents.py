"""Everything that is kept returns: every backend with content, value by value."""

from pathlib import Path
from typing import Any

import pytest

from emulator.cloud import Cloud
from emulator.state.backends import KEPT, kept_backends, services_left_out
from tests.emulator.state.contents import fill, walk

Walked = dict[str, str]


def walked() -> dict[str, Walked]:
    found: dict[str, Walked] = {}
    others = {id(kept.backend): kept.backend for kept in kept_backends()}
    for kept in kept_backends():
        seen = {number: backend for number, backend in others.items() if backend is not kept.backend}
        found.setdefault(kept.key[0], {}).update(walk(kept.backend, kept.key[0], seen))
    return found


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    directory: Path = tmp_path_factory.mktemp("kept") / "state"
    with Cloud(port=0, state_dir=directory) as cloud:
        fill(cloud)
        cloud.settle(30)
        before = walked()
    with Cloud(port=0, state_dir=directory):
        return before, walked(), services_left_out()


@pytest.mark.parametrize("service", sorted(KEPT))
def test_every_value_of_a_service_returns(service: str, states: tuple[dict[str, Any], ...]) -> None:
    before, after, _ = states
    lost = {path: value for path, value in before[service].items() if after[service].get(path) != value}
    assert lost == {}
    assert after[service].keys() == before[service].keys()


def test_no_service_with_resources_is_left_out(states: tuple[Any, Any, list[str]]) -> None:
    assert states[2] == []
