"""Stacks made, changed and removed through CloudFormation's own API, as boto3 and the CDK CLI use it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.cloud import Cloud

Template = dict[str, Any]
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    },
}


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def create(cloud: Cloud, name: str, template: Template) -> dict[str, str]:
    cloud.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
    return outputs(cloud, name)


def update(cloud: Cloud, name: str, template: Template) -> dict[str, str]:
    cloud.client("cloudformation").update_stack(StackName=name, TemplateBody=json.dumps(template))
    return outputs(cloud, name)


def outputs(cloud: Cloud, name: str) -> dict[str, str]:
    stack = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def queues(cloud: Cloud) -> list[str]:
    return [url.rpartition("/")[2] for url in cloud.client("sqs").list_queues().get("QueueUrls", [])]


def test_a_template_with_anything_unmodelled_is_refused_before_anything_is_made(cloud: Cloud) -> None:
    template = {
        "Resources": {
            "Q": queue(QueueName="never-made"),
            "Bad": queue(Wings=2),
            "Fleet": {"Type": "AWS::EC2::Fleet", "Properties": {}},
        }
    }
    with pytest.raises(ClientError) as refused:
        create(cloud, "Refused", template)
    said = str(refused.value)
    assert "stack Refused, resource Bad (AWS::SQS::Queue): property Wings" in said
    assert "stack Refused, resource Fleet: the local cloud has no AWS::EC2::Fleet" in said
    assert "never-made" not in queues(cloud)
    assert "Refused" not in [stack["stack"] for stack in cloud.resources()]


def test_a_failed_stack_takes_back_what_it_made_and_says_which_resource_failed(cloud: Cloud) -> None:
    template = {
        "Resources": {
            "First": queue(QueueName="taken-back"),
            "Second": {**queue(QueueName="bad name!"), "DependsOn": "First"},
        }
    }
    client = cloud.client("cloudformation")
    create(cloud, "Failed", template)
    stack = client.describe_stacks(StackName="Failed")["Stacks"][0]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "stack Failed, resource Second (AWS::SQS::Queue)" in stack["StackStatusReason"]
    assert "taken-back" not in queues(cloud)
    client.delete_stack(StackName="Failed")
    template["Resources"]["Second"] = queue()
    create(cloud, "Failed", template)
    assert "taken-back" in queues(cloud)


def test_resources_are_made_after_those_they_refer_to(cloud: Cloud) -> None:
    template = {
        "Resources": {
            "A": queue(
                RedrivePolicy={"deadLetterTargetArn": {"Fn::GetAtt": ["B", "Arn"]}, "maxReceiveCount": 3}
            ),
            "B": {**queue(), "DependsOn": ["C"]},
            "C": queue(),
        }
    }
    create(cloud, "Ordered", template)
    assert {each["logical_id"] for each in cloud.resources() if each["stack"] == "Ordered"} == {"A", "B", "C"}


def test_resources_that_depend_in_a_circle_are_refused(cloud: Cloud) -> None:
    template = {"Resources": {"A": {**queue(), "DependsOn": "B"}, "B": {**queue(), "DependsOn": "A"}}}
    with pytest.raises(ClientError, match="A → B → A"):
        create(cloud, "Circle", template)


def test_an_export_can_be_imported_by_another_stack(cloud: Cloud) -> None:
    exporting = {
        "Resources": {"Q": queue()},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Q", "Arn"]}, "Export": {"Name": "letters"}}},
    }
    arn = create(cloud, "Exporting", exporting)["Arn"]
    importing = {
        "Resources": {
            "Q": queue(
                RedrivePolicy={"deadLetterTargetArn": {"Fn::ImportValue": "letters"}, "maxReceiveCount": 3}
            )
        },
        "Outputs": {"Url": {"Value": {"Ref": "Q"}}},
    }
    url = create(cloud, "Importing", importing)["Url"]
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    assert json.loads(attributes["Attributes"]["RedrivePolicy"])["deadLetterTargetArn"] == arn


def test_an_update_changes_what_changed_and_keeps_the_rest(cloud: Cloud) -> None:
    template = {
        "Resources": {"Kept": queue(), "Changed": queue(VisibilityTimeout=30), "Gone": queue()},
        "Outputs": {name: {"Value": {"Ref": name}} for name in ("Kept", "Changed")},
    }
    before = create(cloud, "Updated", template)
    template["Resources"]["Changed"] = queue(VisibilityTimeout=60)
    template["Resources"]["New"] = queue(QueueName="new-one")
    del template["Resources"]["Gone"]
    after = update(cloud, "Updated", template)
    timeout = cloud.client("sqs").get_queue_attributes(
        QueueUrl=after["Changed"], AttributeNames=["VisibilityTimeout"]
    )
    assert after == before
    assert timeout["Attributes"]["VisibilityTimeout"] == "60"
    assert "new-one" in queues(cloud)
    assert not any("Updated-Gone" in name for name in queues(cloud))


def test_what_refers_to_a_replaced_resource_is_updated_too(cloud: Cloud) -> None:
    def template(source: str) -> Template:
        return {
            "Resources": {
                "Role": ROLE,
                "Letters": queue(QueueName=f"letters-{source}"),
                "Function": {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {
                        "Code": {"ZipFile": "def handler(event, context): return 1"},
                        "Handler": "index.handler",
                        "Runtime": "python3.13",
                        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                        "Environment": {"Variables": {"LETTERS": {"Ref": "Letters"}}},
                    },
                },
            },
            "Outputs": {"Function": {"Value": {"Ref": "Function"}}},
        }

    create(cloud, "Following", template("one"))
    function = update(cloud, "Following", template("two"))["Function"]
    environment = cloud.client("lambda").get_function_configuration(FunctionName=function)["Environment"]
    assert environment["Variables"]["LETTERS"].endswith("/letters-two")
    assert "letters-one" not in queues(cloud)


def test_changed_code_runs_from_the_next_invocation_on(cloud: Cloud) -> None:
    def template(answer: int) -> Template:
        return {
            "Resources": {
                "Role": ROLE,
                "Function": {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {
                        "FunctionName": "answering",
                        "Code": {"ZipFile": f"def handler(event, context): return {answer}"},
                        "Handler": "index.handler",
                        "Runtime": "python3.13",
                        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    },
                },
            }
        }

    answers = []
    for step, answer in ((create, 1), (update, 2)):
        step(cloud, "Answering", template(answer))
        answers.append(cloud.client("lambda").invoke(FunctionName="answering")["Payload"].read())
    assert answers == [b"1", b"2"]


def test_a_retained_resource_outlives_its_stack(cloud: Cloud) -> None:
    kept = {**queue(QueueName="kept"), "DeletionPolicy": "Retain"}
    create(cloud, "Leaving", {"Resources": {"Kept": kept, "Lost": queue(QueueName="lost")}})
    cloud.client("cloudformation").delete_stack(StackName="Leaving")
    assert "kept" in queues(cloud)
    assert "lost" not in queues(cloud)


def test_a_change_set_makes_and_updates_a_stack_with_its_outputs_and_exports(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")

    def change(kind: str, template: Template) -> None:
        client.create_change_set(
            StackName="Sets", ChangeSetName=kind, ChangeSetType=kind, TemplateBody=json.dumps(template)
        )
        client.execute_change_set(StackName="Sets", ChangeSetName=kind)

    template = {
        "Resources": {"Q": queue()},
        "Outputs": {"Url": {"Value": {"Ref": "Q"}, "Export": {"Name": "sets-url"}}},
    }
    change("CREATE", template)
    first = outputs(cloud, "Sets")["Url"]
    template["Resources"]["Q"] = queue(QueueName="named-now")
    change("UPDATE", template)
    exports = {each["Name"]: each["Value"] for each in client.list_exports()["Exports"]}
    assert first != outputs(cloud, "Sets")["Url"]
    assert outputs(cloud, "Sets")["Url"].endswith("/named-now")
    assert exports["sets-url"] == outputs(cloud, "Sets")["Url"]


def test_a_change_set_that_fails_takes_back_what_it_made_and_a_refused_one_makes_no_stack(
    cloud: Cloud,
) -> None:
    client = cloud.client("cloudformation")

    def change(template: Template) -> None:
        client.create_change_set(
            StackName="Unmade", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=json.dumps(template)
        )
        client.execute_change_set(StackName="Unmade", ChangeSetName="c")

    with pytest.raises(ClientError, match="property Wings"):
        change({"Resources": {"Q": queue(Wings=2)}})
    assert "Unmade" not in [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
    failing = {
        "Resources": {"A": queue(QueueName="unmade"), "B": {**queue(QueueName="no!"), "DependsOn": "A"}}
    }
    change(failing)
    stack = client.describe_stacks(StackName="Unmade")["Stacks"][0]
    assert "unmade" not in queues(cloud)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "stack Unmade, resource B" in stack["StackStatusReason"]


def test_a_stack_of_a_change_set_imports_what_others_export(cloud: Cloud) -> None:
    exporting = {
        "Resources": {"Q": queue()},
        "Outputs": {"Url": {"Value": {"Ref": "Q"}, "Export": {"Name": "for-sets"}}},
    }
    url = create(cloud, "ForSets", exporting)["Url"]
    importing = {
        "Resources": {"Q": queue()},
        "Outputs": {"Theirs": {"Value": {"Fn::ImportValue": "for-sets"}}},
    }
    client = cloud.client("cloudformation")
    client.create_change_set(
        StackName="FromSets", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=json.dumps(importing)
    )
    client.execute_change_set(StackName="FromSets", ChangeSetName="c")
    assert outputs(cloud, "FromSets")["Theirs"] == url


def test_a_condition_that_is_false_leaves_its_resource_out(cloud: Cloud) -> None:
    template = {
        "Parameters": {"Wanted": {"Type": "String", "Default": "no"}},
        "Conditions": {"Yes": {"Fn::Equals": [{"Ref": "Wanted"}, "yes"]}},
        "Resources": {"Q": {**queue(), "Condition": "Yes"}, "Other": queue()},
    }
    create(cloud, "Conditional", template)
    assert [each["logical_id"] for each in cloud.resources() if each["stack"] == "Conditional"] == ["Other"]
