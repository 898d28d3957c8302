"""Each cloud does what AWS documents, but for what is recorded as differing."""

from collections.abc import Iterator

import pytest

from bench.clouds import OURS, LocalCloud, ministack, ours
from bench.peers import MINISTACK
from tests.differential.catalog import SCENARIOS
from tests.differential.record import PAGE, load, page
from tests.differential.scenario import Scenario, differences, observe

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.slug)


@pytest.fixture(scope="module")
def local_cloud() -> Iterator[LocalCloud]:
    with ours() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def peer() -> Iterator[LocalCloud]:
    with ministack() as cloud:
        yield cloud


@each_scenario
def test_ours_does_what_is_documented_but_for_what_is_recorded(
    scenario: Scenario, local_cloud: LocalCloud
) -> None:
    found = differences(observe(scenario, local_cloud), scenario.expected)
    assert found == load(OURS).get(scenario.name, {})


@pytest.mark.differential
@each_scenario
def test_the_peer_differs_as_recorded(scenario: Scenario, peer: LocalCloud) -> None:
    found = differences(observe(scenario, peer), scenario.expected)
    assert found == load(MINISTACK.name).get(scenario.name, {})


def test_the_page_holds_what_is_recorded() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `python -m tests.differential`"


def test_every_scenario_names_the_pages_it_was_read_from_and_has_a_name_of_its_own() -> None:
    assert all(scenario.documentation for scenario in SCENARIOS)
    assert len({scenario.slug for scenario in SCENARIOS}) == len(SCENARIOS)
