"""Feast, with its DuckDB offline store."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType  # type: ignore[import-not-found]  # in its own environment
from feast.repo_config import RepoConfig  # type: ignore[import-not-found]  # as above
from feast.types import Float64  # type: ignore[import-not-found]  # as above

from bench.features.programs.timed import NAMED_VIEWS, TTL_DAYS, VALUES, VIEWS, Answer, main


def as_of(
    observations: str, names: Sequence[str], key: ValueType, directory: Path
) -> Callable[[], pd.DataFrame]:
    """Declare some views, and join their latest values."""
    entity = Entity(name="entity", join_keys=["entity"], value_type=key)
    views = [
        FeatureView(
            name=name,
            entities=[entity],
            ttl=timedelta(days=TTL_DAYS),
            schema=[Field(name=f"{name}_{value}", dtype=Float64) for value in VALUES],
            source=FileSource(path=str(directory / f"{name}.parquet"), timestamp_field="at"),
            online=False,
        )
        for name in names
    ]
    place = tempfile.mkdtemp(prefix="bench-feast-")
    store = FeatureStore(
        config=RepoConfig(
            project="bench",
            provider="local",
            registry=f"{place}/registry.db",
            offline_store={"type": "duckdb"},
            online_store={"type": "sqlite", "path": f"{place}/online.db"},
            entity_key_serialization_version=3,
        )
    )
    store.apply([entity, *views])
    features = [f"{name}:{name}_{value}" for name in names for value in VALUES]
    return partial(_join, store, directory / f"{observations}.parquet", features)


def _join(store: FeatureStore, observations: Path, features: Sequence[str]) -> pd.DataFrame:
    asked = pd.read_parquet(observations).rename(columns={"at": "event_timestamp"})
    joined: pd.DataFrame = store.get_historical_features(asked, list(features)).to_df()
    return joined


def _answer(found: pd.DataFrame) -> Answer:
    return {
        str(name): float(found[name].sum()) for name in found if name not in {"entity", "event_timestamp"}
    }


if __name__ == "__main__":
    main(
        {
            "as_of": partial(as_of, "observations", VIEWS, ValueType.INT64),
            "as_of_named": partial(as_of, "named_observations", NAMED_VIEWS, ValueType.STRING),
        },
        _answer,
    )
