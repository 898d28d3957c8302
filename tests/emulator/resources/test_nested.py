"""What stands inside properties is held against what is done with it, at any depth."""

from typing import Any

import pytest

from emulator.resources.coverage import RESOURCE_TYPES, problems
from emulator.resources.nested import INSIDES, unknown_inside

FREE_MAPS = {
    "AWS::ApiGatewayV2::Api": {"Tags"},
    "AWS::ApiGatewayV2::Stage": {"StageVariables", "RouteSettings", "Tags"},
    "AWS::ApiGatewayV2::Integration": {"RequestParameters", "ResponseParameters"},
    "AWS::Cognito::UserPool": {"UserPoolTags"},
}
DEEP = [
    ("AWS::S3::Bucket", {"VersioningConfiguration": {"Staus": "Enabled"}}, "VersioningConfiguration.Staus"),
    (
        "AWS::S3::Bucket",
        {"NotificationConfiguration": {"QueueConfigurations": [{"Queue": "q", "Event": "e", "Id": "i"}]}},
        "NotificationConfiguration.QueueConfigurations.Id",
    ),
    (
        "AWS::DynamoDB::Table",
        {"GlobalSecondaryIndexes": [{"Projection": {"ProjectionType": "ALL", "Keys": []}}]},
        "GlobalSecondaryIndexes.Projection.Keys",
    ),
    (
        "AWS::Events::Rule",
        {"Targets": [{"Id": "t", "Arn": "a", "InputTransformer": {"Template": "x"}}]},
        "Targets.InputTransformer.Template",
    ),
    ("AWS::SQS::Queue", {"RedrivePolicy": {"maxReceiveCont": 3}}, "RedrivePolicy.maxReceiveCont"),
    (
        "AWS::SQS::Queue",
        {"RedrivePolicy": {"Fn::If": ["C", {"maxReceiveCont": 3}, {"Ref": "AWS::NoValue"}]}},
        "RedrivePolicy.maxReceiveCont",
    ),
    ("AWS::Lambda::Function", {"EphemeralStorage": {"SizeInMB": 1}}, "EphemeralStorage.SizeInMB"),
]


@pytest.mark.parametrize(("kind", "properties", "path"), DEEP)
def test_a_name_inside_a_property_that_nothing_knows_is_refused(
    kind: str, properties: dict[str, Any], path: str
) -> None:
    assert unknown_inside(RESOURCE_TYPES[kind], properties) == [path]
    message = "\n".join(problems("Shop", {"Resources": {"It": {"Type": kind, "Properties": properties}}}))
    assert f"resource It ({kind}): property {path} is not modelled and would be ignored" in message


@pytest.mark.parametrize("name", sorted(RESOURCE_TYPES))
def test_no_honoured_property_takes_just_anything_inside(name: str) -> None:
    """Only paths that are the author's own, and maps of names, take what nobody has listed."""
    kind = RESOURCE_TYPES[name]
    free = {path.partition(".")[0] for path in INSIDES[name].free} if name in INSIDES else set()
    open_to_all = free | FREE_MAPS.get(name, set()) | {"Tags"}
    for honoured in {path.partition(".")[0] for path in kind.honoured} - open_to_all:
        nonsense = {honoured: {"Nonsense": {"More": 1}}}
        assert unknown_inside(kind, nonsense), f"{name}.{honoured} would take anything"


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::Lambda::Function", {"Environment": {"Variables": {"ANY": {"Ref": "It"}}}}),
        (
            "AWS::IAM::Role",
            {"Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": [{"Sid": "1"}]}}]},
        ),
        ("AWS::Events::Rule", {"EventPattern": {"detail": {"any": [{"prefix": "x"}]}}}),
        ("AWS::StepFunctions::StateMachine", {"DefinitionSubstitutions": {"Any": 1}}),
        ("AWS::SQS::Queue", {"RedrivePolicy": {"Fn::GetAtt": ["It", "Anything"]}}),
    ],
)
def test_what_is_the_author_s_own_is_not_looked_into(kind: str, properties: dict[str, Any]) -> None:
    assert unknown_inside(RESOURCE_TYPES[kind], properties) == []
