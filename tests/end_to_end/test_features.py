"""Features from outside: listed, read by command and API, compared, and filled anew from history."""

from typing import Any

import pytest

from cli.demo.system import LocalSystem
from tests.end_to_end.test_commands import call, read
from tidemill.client.deployment import wait_for
from tidemill.client.endpoint import LocalCloud
from tidemill.features.generations import FOLLOWED_WITHIN_SECONDS

pytestmark = pytest.mark.end_to_end


def features_of(cloud: LocalCloud, *key: str) -> dict[str, Any]:
    """Return what `tidemill features get` says, by view."""
    return {answer["view"]: answer["features"] for answer in read(cloud, "features", "get", *key)}


def begin_readers_anew(system: LocalSystem) -> None:
    """Have features read by new processes, as a function's new settings do: they remember no generation.

    That those that run follow by themselves is shown where a view is filled from history.
    """
    [name] = [
        name for id_, name in system.deployment.functions().items() if id_.startswith("ReadFeaturesFunction")
    ]
    functions = system.deployment.endpoint.client("lambda")
    megabytes = functions.get_function_configuration(FunctionName=name)["MemorySize"]
    functions.update_function_configuration(FunctionName=name, MemorySize=megabytes + 1)


def test_views_are_listed_with_who_uses_them_and_none_is_behind(
    cloud: LocalCloud, system: LocalSystem
) -> None:
    assert system.deployment.project == "flights"
    listed = {one["view"]: one for one in read(cloud, "features")}
    assert set(listed) >= {"origin_delays", "carrier_at_origin_delays", "plane"}
    assert "late_arrival@1" in listed["plane"]["used_by"]
    assert {one["commits_behind"] for one in listed.values()} == {0}
    assert read(cloud, "features", "diff") == []
    assert read(cloud, "features", "show", "plane")["version"] == listed["plane"]["version"]


def test_an_entity_is_looked_up_by_its_keys(cloud: LocalCloud, system: LocalSystem) -> None:
    assert system.deployment.project == "flights"
    found = features_of(cloud, "carrier=UA", "origin=EWR")
    assert list(found) == ["carrier_at_origin_delays"]
    assert 0 < found["carrier_at_origin_delays"]["carrier_at_origin_late_rate_28d"] < 1
    wrong = call(cloud, "features", "get", "airport=JFK")
    assert wrong.returncode == 1
    assert "no view has the keys airport; there are: carrier=...; " in wrong.stderr


def test_feasts_shape_is_answered_by_the_deployed_api(system: LocalSystem) -> None:
    body = {"features": ["origin_delays:origin_arr_delay_14d"], "entities": {"origin": ["JFK", "XXX"]}}
    answer = system.deployment.api.call("POST", "/get-online-features", body)
    assert answer["metadata"]["feature_names"] == ["origin", "origin_arr_delay_14d"]
    assert answer["results"][1]["statuses"] == ["PRESENT", "NOT_FOUND"]


def test_a_view_is_filled_from_history_to_the_same_values(cloud: LocalCloud, system: LocalSystem) -> None:
    before = features_of(cloud, "origin=JFK")
    assert before["origin_delays"]["origin_arr_delay_28d"] is not None
    forget(system, cloud, "origin_delays", ["EWR", "JFK", "LGA"])
    assert features_of(cloud, "origin=JFK")["origin_delays"]["origin_arr_delay_28d"] is None
    filled = read(cloud, "features", "backfill", "origin_delays")
    assert (filled["status"], filled["commits_behind"]) == ("SUCCEEDED", 0)
    wait_for(
        lambda: served(system, "origin_delays", "JFK") == before["origin_delays"] or None,
        what="readers to follow to the new items",
        seconds=2 * FOLLOWED_WITHIN_SECONDS,
    )
    assert features_of(cloud, "origin=JFK") == before


def served(system: LocalSystem, view: str, entity: str) -> dict[str, Any]:
    """Return what the deployed API says of an entity."""
    answer = system.deployment.api.call("GET", f"/features/{view}?key={entity}")
    features: dict[str, Any] = answer["features"]
    return features


def forget(system: LocalSystem, cloud: LocalCloud, view: str, origins: list[str]) -> None:
    """Put the online store back to where the view had just been declared."""
    (version,) = [one["version"] for one in read(cloud, "features") if one["view"] == view]
    dynamodb, outputs = system.deployment.endpoint.client("dynamodb"), system.deployment.outputs
    mark = {"partition": {"S": "WATERMARK#flights"}, "sort": {"S": f"{view}@{version}"}}
    dynamodb.delete_item(TableName=outputs["ExperimentsTable"], Key=mark)
    for origin in origins:
        key = {"key": {"S": f'{view}@{version}#["{origin}"]'}}
        dynamodb.delete_item(TableName=outputs["FeaturesTable"], Key=key)
