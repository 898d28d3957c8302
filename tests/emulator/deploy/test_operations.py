"""How stacks are changed: what fails is put back, what goes goes last, and the history tells it all."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.cloud import Cloud

Template = dict[str, Any]


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


class Stacks:
    """CloudFormation's API, with the stacks of one test."""

    def __init__(self, cloud: Cloud) -> None:
        self.client = cloud.client("cloudformation")
        self.cloud = cloud

    def create(self, name: str, template: Template, **options: Any) -> str:
        self.client.create_stack(StackName=name, TemplateBody=json.dumps(template), **options)
        return self.status(name)

    def update(self, name: str, template: Template, **options: Any) -> str:
        self.client.update_stack(StackName=name, TemplateBody=json.dumps(template), **options)
        return self.status(name)

    def status(self, name: str) -> str:
        return str(self.client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    def outputs(self, name: str) -> dict[str, str]:
        stack = self.client.describe_stacks(StackName=name)["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}

    def history(self, name: str) -> list[tuple[str, str]]:
        """Give logical id and status of each event, the first first."""
        events = self.client.describe_stack_events(StackName=name)["StackEvents"]
        times = [event["Timestamp"] for event in events]
        assert times == sorted(times, reverse=True)
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(events)]

    def queues(self) -> dict[str, dict[str, str]]:
        """Give every queue's attributes by its name."""
        sqs = self.cloud.client("sqs")
        return {
            url.rpartition("/")[2]: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
                "Attributes"
            ]
            for url in sqs.list_queues().get("QueueUrls", [])
        }


@pytest.fixture
def stacks(cloud: Cloud) -> Iterator[Stacks]:
    """Give the API; afterwards remove every stack, those others depend on last."""
    made = Stacks(cloud)
    yield made
    names = [stack["StackName"] for stack in made.client.describe_stacks()["Stacks"]]
    for name in names:
        made.client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    for name in names + names:
        made.client.delete_stack(StackName=name)


def test_a_failed_update_brings_back_what_was_there_before(stacks: Stacks) -> None:
    before = {
        "Resources": {"Kept": queue(QueueName="kept", VisibilityTimeout=30), "Gone": queue(QueueName="gone")},
        "Outputs": {"Which": {"Value": "before"}},
    }
    after = {
        "Resources": {
            "Kept": queue(QueueName="kept", VisibilityTimeout=60),
            "New": {**queue(QueueName="new"), "DependsOn": "Kept"},
            "Bad": {**queue(QueueName="bad name!"), "DependsOn": "New"},
        },
        "Outputs": {"Which": {"Value": "after"}},
    }
    stacks.create("Back", before)
    assert stacks.update("Back", after) == "UPDATE_ROLLBACK_COMPLETE"
    assert sorted(stacks.queues()) == ["gone", "kept"]
    assert stacks.queues()["kept"]["VisibilityTimeout"] == "30"
    assert stacks.outputs("Back") == {"Which": "before"}
    assert stacks.client.get_template(StackName="Back")["TemplateBody"] == before
    failed = [
        event
        for event in stacks.client.describe_stack_events(StackName="Back")["StackEvents"]
        if event["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert [event["LogicalResourceId"] for event in failed] == ["Bad"]
    assert "alphanumeric" in failed[0]["ResourceStatusReason"]
    after["Resources"]["Bad"] = queue()
    assert stacks.update("Back", after) == "UPDATE_COMPLETE"


def test_a_failed_creation_is_rolled_back_and_can_only_be_deleted(stacks: Stacks) -> None:
    template = {
        "Resources": {
            "First": queue(QueueName="first"),
            "Kept": {**queue(QueueName="kept-on-failure"), "DeletionPolicy": "Retain"},
            "Lost": {**queue(QueueName="lost-on-failure"), "DeletionPolicy": "RetainExceptOnCreate"},
            "Bad": {**queue(QueueName="bad name!"), "DependsOn": ["First", "Kept", "Lost"]},
        }
    }
    assert stacks.create("Rolled", template) == "ROLLBACK_COMPLETE"
    assert sorted(stacks.queues()) == ["kept-on-failure"]
    with pytest.raises(ClientError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        stacks.update("Rolled", {"Resources": {"First": queue()}})
    stacks.cloud.client("sqs").delete_queue(QueueUrl=f"{stacks.cloud.endpoint}/123456789012/kept-on-failure")


def test_history_tells_each_step_in_its_order(stacks: Stacks) -> None:
    stacks.create("Told", {"Resources": {"A": queue(), "B": {**queue(), "DependsOn": "A"}}})
    stacks.client.delete_stack(StackName="Told")
    assert stacks.history("Told") == [
        ("Told", "CREATE_IN_PROGRESS"),
        ("A", "CREATE_IN_PROGRESS"),
        ("A", "CREATE_COMPLETE"),
        ("B", "CREATE_IN_PROGRESS"),
        ("B", "CREATE_COMPLETE"),
        ("Told", "CREATE_COMPLETE"),
        ("Told", "DELETE_IN_PROGRESS"),
        ("B", "DELETE_IN_PROGRESS"),
        ("B", "DELETE_COMPLETE"),
        ("A", "DELETE_IN_PROGRESS"),
        ("A", "DELETE_COMPLETE"),
        ("Told", "DELETE_COMPLETE"),
    ]


def test_a_replaced_resource_is_made_anew_before_the_old_one_goes(stacks: Stacks) -> None:
    stacks.create("Replaced", {"Resources": {"Q": queue(QueueName="old")}})
    stacks.update("Replaced", {"Resources": {"Q": queue(QueueName="new"), "R": queue()}})
    of_q = [status for name, status in stacks.history("Replaced") if name in {"Q", "Replaced"}]
    assert of_q[of_q.index("UPDATE_IN_PROGRESS") :] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
        "UPDATE_COMPLETE",
    ]


def test_a_replaced_resource_stays_where_its_template_says_so(stacks: Stacks) -> None:
    kept = {**queue(QueueName="stays"), "UpdateReplacePolicy": "Retain"}
    stacks.create("Staying", {"Resources": {"Q": kept}})
    stacks.update("Staying", {"Resources": {"Q": {**kept, "Properties": {"QueueName": "another"}}}})
    assert {"stays", "another"} <= set(stacks.queues())
    stacks.cloud.client("sqs").delete_queue(QueueUrl=f"{stacks.cloud.endpoint}/123456789012/stays")


def test_an_export_in_use_can_be_neither_removed_nor_changed(stacks: Stacks) -> None:
    def exporting(name: str, **more: Any) -> Template:
        outputs = {"Name": {"Value": {"Ref": "Q"}, "Export": {"Name": "exported"}}}
        return {"Resources": {"Q": queue(QueueName=name)}, "Outputs": outputs, **more}

    stacks.create("From", exporting("one"))
    stacks.create(
        "To", {"Resources": {"Q": queue()}, "Outputs": {"It": {"Value": {"Fn::ImportValue": "exported"}}}}
    )
    assert stacks.client.list_imports(ExportName="exported")["Imports"] == ["To"]
    for template in (exporting("two"), exporting("one", Outputs={})):
        assert stacks.update("From", template) == "UPDATE_ROLLBACK_COMPLETE"
        reason = stacks.client.describe_stacks(StackName="From")["Stacks"][0]["StackStatusReason"]
        assert "exported" in reason
        assert "in use by To" in reason
    stacks.client.delete_stack(StackName="From")
    assert stacks.status("From") == "DELETE_FAILED"
    assert "one" in stacks.queues()


def test_a_change_set_lists_what_it_would_do_and_does_it_when_executed(stacks: Stacks) -> None:
    stacks.create(
        "Planned",
        {
            "Resources": {
                "Same": queue(QueueName="same"),
                "Changed": queue(QueueName="changed"),
                "Replaced": queue(QueueName="replaced"),
                "Follows": queue(
                    RedriveAllowPolicy={"sourceQueueArns": [{"Fn::GetAtt": ["Replaced", "Arn"]}]}
                ),
                "Gone": queue(QueueName="gone"),
            }
        },
    )
    after = {
        "Resources": {
            "Same": queue(QueueName="same"),
            "Changed": queue(QueueName="changed", VisibilityTimeout=5),
            "Replaced": queue(QueueName="replaced-now"),
            "Follows": queue(RedriveAllowPolicy={"sourceQueueArns": [{"Fn::GetAtt": ["Replaced", "Arn"]}]}),
            "New": queue(QueueName="new"),
        }
    }
    client = stacks.client
    client.create_change_set(StackName="Planned", ChangeSetName="c", TemplateBody=json.dumps(after))
    described = client.describe_change_set(StackName="Planned", ChangeSetName="c")
    changes = {
        each["ResourceChange"]["LogicalResourceId"]: (
            each["ResourceChange"]["Action"],
            each["ResourceChange"].get("Replacement"),
        )
        for each in described["Changes"]
    }
    assert changes == {
        "Changed": ("Modify", "False"),
        "Replaced": ("Modify", "True"),
        "Follows": ("Modify", "False"),
        "New": ("Add", None),
        "Gone": ("Remove", None),
    }
    assert "new" not in stacks.queues()
    client.execute_change_set(StackName="Planned", ChangeSetName="c")
    assert {"same", "changed", "replaced-now", "new"} <= set(stacks.queues())
    assert not {"replaced", "gone"} & set(stacks.queues())


def test_a_change_set_without_changes_fails_and_an_update_without_any_is_refused(stacks: Stacks) -> None:
    template = {"Resources": {"Q": queue()}}
    stacks.create("Same", template)
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stacks.update("Same", template)
    stacks.client.create_change_set(StackName="Same", ChangeSetName="c", TemplateBody=json.dumps(template))
    described = stacks.client.describe_change_set(StackName="Same", ChangeSetName="c")
    assert (described["Status"], described["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "didn't contain changes" in described["StatusReason"]
    stacks.client.delete_change_set(StackName="Same", ChangeSetName="c")
    assert stacks.client.list_change_sets(StackName="Same")["Summaries"] == []


def test_a_protected_stack_is_not_deleted(stacks: Stacks) -> None:
    stacks.create("Protected", {"Resources": {"Q": queue()}}, EnableTerminationProtection=True)
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        stacks.client.delete_stack(StackName="Protected")


def test_a_stack_s_tags_go_to_its_resources(stacks: Stacks) -> None:
    own = [{"Key": "a", "Value": "own"}]
    template = {
        "Resources": {"Q": queue(QueueName="tagged", Tags=own)},
        "Outputs": {"Url": {"Value": {"Ref": "Q"}}},
    }
    tags = [{"Key": "a", "Value": "of the stack"}, {"Key": "b", "Value": "of the stack"}]
    stacks.create("Tagged", template, Tags=tags)
    url = stacks.outputs("Tagged")["Url"]
    assert stacks.cloud.client("sqs").list_queue_tags(QueueUrl=url)["Tags"] == {
        "a": "own",
        "b": "of the stack",
    }


def test_a_failure_leaves_things_as_they_are_where_rollback_is_off(stacks: Stacks) -> None:
    template = {"Resources": {"A": queue(QueueName="left"), "B": {**queue(QueueName="b!"), "DependsOn": "A"}}}
    assert stacks.create("Left", template, DisableRollback=True) == "CREATE_FAILED"
    assert "left" in stacks.queues()
    template["Resources"]["B"] = queue()
    assert stacks.update("Left", template) == "UPDATE_COMPLETE"


def test_values_of_the_parameter_store_and_of_secrets_are_put_in(stacks: Stacks) -> None:
    stacks.cloud.client("ssm").put_parameter(Name="/timeout", Value="41", Type="String")
    stacks.cloud.client("secretsmanager").create_secret(Name="hidden", SecretString='{"name": "from-secret"}')
    template = {
        "Resources": {
            "Q": queue(
                QueueName="{{resolve:secretsmanager:hidden:SecretString:name}}",
                VisibilityTimeout="{{resolve:ssm:/timeout}}",
            )
        }
    }
    assert stacks.create("Dynamic", template) == "CREATE_COMPLETE"
    assert stacks.queues()["from-secret"]["VisibilityTimeout"] == "41"


def test_an_operation_or_parameter_that_is_not_modelled_is_refused(stacks: Stacks) -> None:
    with pytest.raises(ClientError, match="CreateStack here does not know StackPolicyBody"):
        stacks.create("Policed", {"Resources": {"Q": queue()}}, StackPolicyBody="{}")
