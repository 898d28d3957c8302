"""Intrinsic functions give what CloudFormation gives, and name what they cannot work on."""

from typing import Any

import pytest

from emulator.deploy.failures import TemplateError
from emulator.deploy.intrinsics import Scope
from emulator.deploy.template import in_order, parameter_values, parse_template

TEMPLATE: dict[str, Any] = {
    "Conditions": {
        "Yes": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Both": {"Fn::And": [{"Condition": "Yes"}, {"Fn::Or": [{"Condition": "No"}, {"Condition": "Yes"}]}]},
    },
    "Mappings": {"Sizes": {"dev": {"memory": 128}}},
    "Resources": {},
}


class World:
    """One resource, one export, one stored value."""

    def ref(self, logical_id: str) -> Any:
        return "queue-1" if logical_id == "Queue" else None

    def attribute(self, logical_id: str, name: str) -> Any:
        return f"{logical_id}:{name}"

    def imported(self, name: str) -> str:
        return f"of {name}"

    def dynamic(self, service: str, reference: str) -> str:
        return f"{service} {reference}"


def resolve(value: Any) -> Any:
    parameters = {"Stage": "dev", "Names": ["a", "b"], "AWS::Region": "us-east-1"}
    return Scope(TEMPLATE, parameters, World()).resolve(value)


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ({"Ref": "Stage"}, "dev"),
        ({"Ref": "Queue"}, "queue-1"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "Queue:Arn"),
        ({"Fn::GetAtt": "Queue.Arn"}, "Queue:Arn"),
        ({"Fn::Sub": "${Queue}/${Queue.Arn}/${!kept}/${Stage}"}, "queue-1/Queue:Arn/${kept}/dev"),
        ({"Fn::Sub": ["${Mine}-${Stage}", {"Mine": {"Ref": "Queue"}}]}, "queue-1-dev"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, 3, True]]}, "a-dev-3-true"),
        ({"Fn::Join": [",", {"Ref": "Names"}]}, "a,b"),
        ({"Fn::Select": ["1", {"Ref": "Names"}]}, "b"),
        ({"Fn::Split": [",", "x,y"]}, ["x", "y"]),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "memory"]}, 128),
        ({"Fn::FindInMap": ["Sizes", "live", "memory", {"DefaultValue": 1}]}, 1),
        ({"Fn::If": ["Both", "yes", "no"]}, "yes"),
        ({"Fn::If": ["No", "yes", "no"]}, "no"),
        ({"Fn::ImportValue": {"Fn::Sub": "${Stage}-x"}}, "of dev-x"),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Base64": "hi"}, "aGk="),
        ({"Fn::GetAZs": ""}, ["us-east-1a", "us-east-1b", "us-east-1c"]),
        ({"Fn::ToJsonString": {"a": {"Ref": "Stage"}}}, '{"a":"dev"}'),
        ({"Fn::Length": {"Ref": "Names"}}, 2),
        ("{{resolve:ssm:/a/b:1}}!", "ssm /a/b:1!"),
        ({"A": {"Ref": "AWS::NoValue"}, "B": [1, {"Ref": "AWS::NoValue"}]}, {"B": [1]}),
    ],
)
def test_a_function_gives_what_cloudformation_gives(value: Any, given: Any) -> None:
    assert resolve(value) == given


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"Fn::Transform": {}}, "Fn::Transform is not among the functions of the local cloud"),
        ({"Fn::Select": [5, ["a"]]}, "Fn::Select cannot work on"),
        ({"Ref": "Nobody"}, "Ref names Nobody, which is neither a parameter nor a resource"),
        ({"Fn::FindInMap": ["Sizes", "live", "memory"]}, "hold no Sizes.live.memory"),
        ({"Fn::If": ["Maybe", 1, 2]}, "no condition Maybe"),
    ],
)
def test_what_cannot_be_resolved_is_named(value: Any, said: str) -> None:
    with pytest.raises(TemplateError, match=said):
        resolve(value)


def test_a_rule_that_does_not_hold_refuses_the_parameters() -> None:
    rule = {
        "Assertions": [{"Assert": {"Fn::Contains": [["live"], {"Ref": "Stage"}]}, "AssertDescription": "no"}]
    }
    with pytest.raises(TemplateError, match="rule Stages: no"):
        Scope({**TEMPLATE, "Rules": {"Stages": rule}}, {"Stage": "dev"}, World()).check_rules()


def test_parameters_take_what_is_given_then_defaults_and_only_what_is_allowed() -> None:
    declared = {
        "A": {"Type": "String", "Default": "x", "AllowedValues": ["x", "y"]},
        "B": {"Type": "CommaDelimitedList", "Default": "1, 2"},
        "C": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/path"},
    }
    template = {"Parameters": declared}
    given = parameter_values(template, {"A": "y"}, lambda name: f"stored at {name}")
    assert given == {"A": "y", "B": ["1", "2"], "C": "stored at /path"}
    for wrong, said in (({"A": "z"}, "must be one of x, y"), ({"D": "1"}, r"\[D\] do not exist")):
        with pytest.raises(TemplateError, match=said):
            parameter_values(template, wrong, str)
    with pytest.raises(TemplateError, match=r"\[A\] must have values"):
        parameter_values({"Parameters": {"A": {"Type": "String"}}}, {}, str)


def test_short_forms_of_yaml_are_read() -> None:
    template = parse_template(
        "Resources:\n  A:\n    Type: AWS::SQS::Queue\n    DependsOn: B\n  B: {Type: x}\n"
    )
    assert in_order(template) == ["B", "A"]
    with pytest.raises(TemplateError, match="has no Resources"):
        parse_template("{}")
