"""Feast, with its DynamoDB online store on the moto server whose address the command line gives.

Stores the values and says so by a line; then for each line with a number of entities it reads so many, and
answers with the milliseconds that took and the sum of what it read.
"""

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType  # type: ignore[import-not-found]  # in its own environment
from feast.repo_config import RepoConfig  # type: ignore[import-not-found]  # as above
from feast.types import Float64  # type: ignore[import-not-found]  # as above

from bench.online.values import FEATURES, N_ENTITIES, REGION, driver_names, numbers


def filled_store(url: str, directory: Path) -> FeatureStore:
    """Declare the view and write every entity's values."""
    config = RepoConfig(
        project="drives",
        provider="local",
        registry=str(directory / "registry.db"),
        online_store={"type": "dynamodb", "region": REGION, "endpoint_url": url},
        entity_key_serialization_version=3,
    )
    driver = Entity(name="driver", join_keys=["driver"], value_type=ValueType.STRING)
    view = FeatureView(
        name="drives",
        entities=[driver],
        schema=[Field(name=name, dtype=Float64) for name in FEATURES],
        source=FileSource(path=str(directory / "never-read.parquet"), timestamp_field="at"),
        ttl=timedelta(days=30),
    )
    store = FeatureStore(config=config)
    store.apply([driver, view])
    now = datetime.now(UTC)
    rows = {"driver": driver_names(), "at": [now] * N_ENTITIES, "created": [now] * N_ENTITIES, **numbers()}
    store.write_to_online_store("drives", pd.DataFrame(rows))
    return store


def main(url: str) -> None:
    """Store, and answer."""
    with tempfile.TemporaryDirectory() as directory:
        store = filled_store(url, Path(directory))
        sys.stdout.write("stored\n")
        sys.stdout.flush()
        names, features = driver_names(), [f"drives:{name}" for name in FEATURES]
        for line in sys.stdin:
            rows = [{"driver": name} for name in names[: int(line)]]
            began = time.perf_counter()
            answer = store.get_online_features(features=features, entity_rows=rows).to_dict()
            milliseconds = (time.perf_counter() - began) * 1000
            total = sum(sum(answer[name]) for name in FEATURES)
            sys.stdout.write(f"{milliseconds} {total}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
