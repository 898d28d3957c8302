"""Run by Feast's own environment: declares a view as Feast users do and reads it from a remote online store.

``feast_client.py URL REPOSITORY`` prints what was read as one JSON object.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path

from feast import Entity, FeatureStore, FeatureView, Field, FileSource  # type: ignore[import-not-found]  # in its own environment
from feast.repo_config import RegistryConfig, RepoConfig  # type: ignore[import-not-found]  # as above
from feast.types import Float64, Int64  # type: ignore[import-not-found]  # as above
from feast.value_type import ValueType  # type: ignore[import-not-found]  # as above


def main(url: str, repository: Path) -> None:
    """Read three features of three places."""
    config = RepoConfig(
        project="consumer",
        provider="local",
        registry=RegistryConfig(path=str(repository / "registry.db")),
        online_store={"type": "remote", "path": url},
        entity_key_serialization_version=3,
    )
    place = Entity(name="place", join_keys=["place"], value_type=ValueType.STRING)
    fields = [Field(name="mean_1d", dtype=Float64), Field(name="size", dtype=Float64)]
    view = FeatureView(
        name="places",
        entities=[place],
        schema=[*fields, Field(name="rows", dtype=Int64)],
        source=FileSource(path=str(repository / "never-read.parquet"), timestamp_field="at"),
        ttl=timedelta(days=365_0),
    )
    store = FeatureStore(config=config)
    store.registry.apply_entity(place, config.project)
    store.registry.apply_feature_view(view, config.project)
    answer = store.get_online_features(
        features=["places:mean_1d", "places:size", "places:rows"],
        entity_rows=[{"place": name} for name in ("Oslo", "Bergen", "Rome")],
    )
    sys.stdout.write("\n" + json.dumps(answer.to_dict()) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
