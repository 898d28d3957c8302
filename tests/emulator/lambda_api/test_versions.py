"""Published versions and aliases, through the API."""

from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError


def test_a_published_version_runs_the_code_and_configuration_it_was_made_from(workshop: Any) -> None:
    arn = workshop.function("frozen", Environment={"Variables": {"STAGE": "one"}}, MemorySize=128)
    version = workshop.client.publish_version(FunctionName="frozen")["Version"]
    workshop.recode("frozen", "NEW")
    workshop.client.update_function_configuration(
        FunctionName="frozen", Environment={"Variables": {"STAGE": "two"}}, MemorySize=256
    )
    published = workshop.call("frozen:1")
    assert version == "1"
    assert published == {
        "code": "CODE",
        "variable": "one",
        "version": "1",
        "context_version": "1",
        "arn": f"{arn}:1",
        "memory": "128",
    }
    latest = workshop.call("frozen")
    assert (latest["code"], latest["variable"], latest["version"]) == ("NEW", "two", "$LATEST")
    assert latest["arn"] == arn


@pytest.mark.parametrize("name", ["named", "arn", "partial"])
def test_names_arns_and_qualifiers_find_the_same_version(workshop: Any, name: str) -> None:
    arn = workshop.function(f"found-{name}")
    workshop.client.publish_version(FunctionName=f"found-{name}")
    workshop.client.create_alias(FunctionName=f"found-{name}", Name="live", FunctionVersion="1")
    spelled = {"named": f"found-{name}", "arn": arn, "partial": f"123456789012:function:found-{name}"}[name]
    for qualifier in ("1", "live"):
        answer = workshop.client.invoke(FunctionName=spelled, Qualifier=qualifier)
        assert answer["ExecutedVersion"] == "1"
        assert workshop.call(f"{spelled}:{qualifier}")["arn"] == f"{arn}:{qualifier}"


def test_contradicting_qualifiers_and_unknown_ones_are_refused(workshop: Any) -> None:
    workshop.function("strict")
    with pytest.raises(ClientError, match="does not match the specified qualifier"):
        workshop.client.invoke(FunctionName="strict:1", Qualifier="2")
    with pytest.raises(ClientError, match=r"ResourceNotFoundException.*strict:7"):
        workshop.client.invoke(FunctionName="strict", Qualifier="7")


def test_publishing_again_without_a_change_gives_the_same_version(workshop: Any) -> None:
    workshop.function("same")

    def publish() -> Any:
        return workshop.client.publish_version(FunctionName="same")["Version"]

    assert [publish(), publish()] == ["1", "1"]
    workshop.recode("same", "NEW")
    assert [publish(), publish()] == ["2", "2"]
    workshop.client.update_function_configuration(FunctionName="same", Timeout=7)
    assert publish() == "3"


def test_a_number_is_never_given_twice(workshop: Any) -> None:
    workshop.function("numbered")
    workshop.client.publish_version(FunctionName="numbered")
    workshop.recode("numbered", "SECOND")
    workshop.client.publish_version(FunctionName="numbered")
    workshop.client.delete_function(FunctionName="numbered", Qualifier="2")
    workshop.recode("numbered", "THIRD")
    assert workshop.client.publish_version(FunctionName="numbered")["Version"] == "3"


def test_publishing_other_code_than_expected_is_refused(workshop: Any) -> None:
    workshop.function("guarded")
    digest = workshop.client.get_function(FunctionName="guarded")["Configuration"]["CodeSha256"]
    with pytest.raises(ClientError, match=r"CodeSHA256 \(other\) is different"):
        workshop.client.publish_version(FunctionName="guarded", CodeSha256="other")
    assert workshop.client.publish_version(FunctionName="guarded", CodeSha256=digest)["Version"] == "1"


def test_a_version_that_an_alias_points_to_is_not_deleted(workshop: Any) -> None:
    workshop.function("kept")
    workshop.client.publish_version(FunctionName="kept")
    workshop.client.create_alias(FunctionName="kept", Name="live", FunctionVersion="1")
    with pytest.raises(ClientError, match=r"ResourceConflictException.*aliases reference it: \[live\]"):
        workshop.client.delete_function(FunctionName="kept", Qualifier="1")
    workshop.client.delete_alias(FunctionName="kept", Name="live")
    workshop.client.delete_function(FunctionName="kept", Qualifier="1")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        workshop.call("kept:1")
    with pytest.raises(ClientError, match="LATEST version cannot be deleted"):
        workshop.client.delete_function(FunctionName="kept", Qualifier="$LATEST")


def test_a_weighted_alias_sends_exactly_its_share_of_100_calls_to_the_second_version(workshop: Any) -> None:
    workshop.function("weighted")
    workshop.client.publish_version(FunctionName="weighted")
    workshop.recode("weighted", "SECOND")
    workshop.client.publish_version(FunctionName="weighted")
    workshop.client.create_alias(
        FunctionName="weighted",
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}},
    )
    ran = Counter(
        workshop.client.invoke(FunctionName="weighted", Qualifier="live")["ExecutedVersion"]
        for _ in range(100)
    )
    assert ran == {"1": 90, "2": 10}
    workshop.client.update_alias(FunctionName="weighted", Name="live", FunctionVersion="2", RoutingConfig={})
    assert workshop.call("weighted:live")["code"] == "SECOND"


@pytest.mark.parametrize(
    ("version", "weights", "reason"),
    [
        ("$LATEST", {"1": 0.5}, "LATEST is not supported"),
        ("1", {"1": 0.5}, "already included"),
        ("1", {"2": 1.5}, "must be 0 to 1"),
        ("1", {"9": 0.5}, "not found"),
        ("9", {}, "not found"),
    ],
)
def test_an_alias_that_lambda_would_refuse_is_refused(
    workshop: Any, version: str, weights: dict[str, float], reason: str
) -> None:
    name = f"refused-{abs(hash((version, str(weights))))}"
    workshop.function(name)
    workshop.client.publish_version(FunctionName=name)
    workshop.recode(name, "SECOND")
    workshop.client.publish_version(FunctionName=name)
    routing = {"AdditionalVersionWeights": weights}
    with pytest.raises(ClientError, match=rf"(?i){reason}"):
        workshop.client.create_alias(
            FunctionName=name, Name="live", FunctionVersion=version, RoutingConfig=routing
        )


def test_an_alias_changed_meanwhile_is_not_changed_by_its_old_revision(workshop: Any) -> None:
    workshop.function("revised")
    workshop.client.publish_version(FunctionName="revised")
    old = workshop.client.create_alias(FunctionName="revised", Name="live", FunctionVersion="1")
    new = workshop.client.update_alias(
        FunctionName="revised", Name="live", Description="more", RevisionId=old["RevisionId"]
    )
    assert (new["Description"], new["FunctionVersion"]) == ("more", "1")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        workshop.client.update_alias(
            FunctionName="revised", Name="live", Description="lost", RevisionId=old["RevisionId"]
        )


def test_a_function_goes_on_with_a_layer_that_was_deleted(workshop: Any) -> None:
    layer = workshop.client.publish_layer_version(
        LayerName="gone", Content={"ZipFile": b"PK\x05\x06" + bytes(18)}
    )
    workshop.function("layered", Layers=[layer["LayerVersionArn"]])
    workshop.client.delete_layer_version(LayerName="gone", VersionNumber=layer["Version"])
    workshop.client.update_function_configuration(FunctionName="layered", Timeout=5)
    assert workshop.call("layered")["code"] == "CODE"
