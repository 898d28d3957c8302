"""The coverage table: what it refuses, and that the documentation says the same."""

from pathlib import Path
from typing import Any

import pytest

from emulator.resources.coverage import RESOURCE_TYPES, as_markdown, problems

DOCUMENT = Path(__file__).parents[3] / "docs" / "emulator.md"


def found_in(resource: dict[str, Any], **others: dict[str, Any]) -> list[str]:
    return problems("Shop", {"Resources": {"It": resource, **others}})


def test_the_documented_table_is_the_generated_one() -> None:
    assert as_markdown() in DOCUMENT.read_text(), "run `python -m emulator coverage --write docs/emulator.md`"


@pytest.mark.parametrize("name", sorted(RESOURCE_TYPES))
def test_no_property_is_both_honoured_and_without_effect(name: str) -> None:
    kind = RESOURCE_TYPES[name]
    assert not kind.honoured & set(kind.accepted)
    named = {kind.name_property} if kind.name_property else set()
    assert kind.replaced_by | named <= {p.partition(".")[0] for p in kind.honoured}


def test_an_unknown_type_is_refused_with_the_nearest_known() -> None:
    (message,) = found_in({"Type": "AWS::SQS::Queues"})
    assert "resource It" in message
    assert "no AWS::SQS::Queues (nearest: AWS::SQS::Queue)" in message


def test_a_type_that_is_left_out_for_a_reason_is_refused_with_the_way_out() -> None:
    (message,) = found_in({"Type": "AWS::Lambda::Url"})
    assert "no AWS::Lambda::Url; put an HTTP API (AWS::ApiGatewayV2::Api) before the function" in message


def test_a_custom_resource_of_cdk_that_runs_node_is_refused_with_the_way_out() -> None:
    (message,) = found_in({"Type": "Custom::CrossRegionExportReader", "Properties": {"ServiceToken": "arn"}})
    assert "does not run Custom::CrossRegionExportReader; the local cloud is one region" in message


def test_what_stands_beside_properties_and_would_be_ignored_is_refused() -> None:
    odd = {"Type": "AWS::SQS::Queue", "UpdatePolicy": {}, "DeletionPolicy": "Snapshot"}
    said = "\n".join(found_in(odd))
    assert "resource It: UpdatePolicy is not modelled" in said
    assert "resource It: DeletionPolicy is Snapshot; the local cloud knows Delete, Retain" in said
    assert (
        "does nothing with the template's Transform"
        in problems("Shop", {"Transform": "x", "Resources": {}})[0]
    )


def test_a_part_of_a_property_is_held_against_the_table_too() -> None:
    target = {"Id": "t", "Arn": "arn", "EcsParameters": {}}
    (message,) = found_in({"Type": "AWS::Events::Rule", "Properties": {"Targets": [target]}})
    assert "property Targets.EcsParameters is not modelled" in message


def test_an_attribute_that_no_type_answers_is_refused() -> None:
    user = {"Type": "AWS::SSM::Parameter", "Properties": {"Value": {"Fn::GetAtt": ["It", "Colour"]}}}
    (message,) = found_in({"Type": "AWS::SQS::Queue"}, User=user)
    assert "resource It (AWS::SQS::Queue): Fn::GetAtt asks for Colour" in message


def test_only_python_functions_run() -> None:
    (message,) = found_in({"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "nodejs22.x"}})
    assert "property Runtime is nodejs22.x; the local cloud runs Python functions only" in message


def test_the_helper_of_a_modelled_custom_resource_may_have_any_runtime() -> None:
    custom = {
        "Type": "Custom::S3AutoDeleteObjects",
        "Properties": {"ServiceToken": {"Fn::GetAtt": ["It", "Arn"]}, "BucketName": "b"},
    }
    helper = {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "nodejs22.x"}}
    assert found_in(helper, Custom=custom) == []
