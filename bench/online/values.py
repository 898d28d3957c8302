"""What is stored, for ours and the peer alike: a thousand drivers of ten numbers each."""

import random

REGION = "us-east-1"
N_ENTITIES = 1000
FEATURES = tuple(f"f{number}" for number in range(10))


def driver_names() -> list[str]:
    """Return the entities' keys."""
    return [f"driver_{number:04d}" for number in range(N_ENTITIES)]


def numbers() -> dict[str, list[float]]:
    """Return the features' values by name, one for each entity."""
    generator = random.Random(0)
    return {name: [generator.gauss(0, 1) for _ in range(N_ENTITIES)] for name in FEATURES}
