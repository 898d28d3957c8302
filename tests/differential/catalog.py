"""Every scenario of the suite."""

from tests.differential.scenario import Scenario
from tests.differential.scenarios import (
    errors,
    events,
    functions,
    http_apis,
    machines,
    objects,
    queues,
    stacks,
    tables,
)

SCENARIOS: tuple[Scenario, ...] = (
    *queues.SCENARIOS,
    *events.SCENARIOS,
    *machines.SCENARIOS,
    *http_apis.SCENARIOS,
    *tables.SCENARIOS,
    *objects.SCENARIOS,
    *functions.SCENARIOS,
    *errors.SCENARIOS,
    *stacks.SCENARIOS,
)
