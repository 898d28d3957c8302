"""Resource types do what their properties say, seen through each service's own API."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.cloud import Cloud
from tests.emulator.resources.made import ANYONE, Resources, StackFailed, make


def test_a_role_has_its_policies_and_an_update_takes_them_away(cloud: Cloud) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    }
    managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    whole = {
        "RoleName": "typed",
        "AssumeRolePolicyDocument": ANYONE,
        "Policies": [{"PolicyName": "own", "PolicyDocument": document}],
        "ManagedPolicyArns": [managed],
    }
    iam = cloud.client("iam")
    make(cloud, "Role", {"R": {"Type": "AWS::IAM::Role", "Properties": whole}})
    attached = iam.list_attached_role_policies(RoleName="typed")["AttachedPolicies"]
    assert iam.list_role_policies(RoleName="typed")["PolicyNames"] == ["own"]
    assert [policy["PolicyArn"] for policy in attached] == [managed]
    bare = {"RoleName": "typed", "AssumeRolePolicyDocument": ANYONE}
    make(cloud, "Role", {"R": {"Type": "AWS::IAM::Role", "Properties": bare}})
    assert iam.list_role_policies(RoleName="typed")["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName="typed")["AttachedPolicies"] == []


def test_a_function_is_configured_as_declared_and_falls_back_to_defaults(cloud: Cloud) -> None:
    base = {
        "FunctionName": "typed",
        "Code": {"ZipFile": "def handler(event, context): return 1"},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": {"Fn::GetAtt": ["R", "Arn"]},
    }
    full = {
        **base,
        "Timeout": 60,
        "MemorySize": 512,
        "EphemeralStorage": {"Size": 1024},
        "ReservedConcurrentExecutions": 2,
        "Environment": {"Variables": {"A": "1"}},
        "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Q", "Arn"]}},
    }
    common = {
        "R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": ANYONE}},
        "Q": {"Type": "AWS::SQS::Queue"},
    }
    seen = []
    for properties in (full, base):
        make(cloud, "Function", {**common, "F": {"Type": "AWS::Lambda::Function", "Properties": properties}})
        spec = cloud.functions.spec_of("typed")
        seen.append(
            (
                spec.timeout_seconds,
                spec.memory_mb,
                spec.tmp_mb,
                spec.reserved_concurrency,
                dict(spec.environment),
            )
        )
    assert seen == [(60.0, 512, 1024, 2, {"A": "1"}), (3.0, 128, 512, None, {})]


def test_an_environment_over_four_kilobytes_is_refused(cloud: Cloud) -> None:
    properties = {
        "Code": {"ZipFile": "x"},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": "arn:aws:iam::123456789012:role/any",
        "Environment": {"Variables": {"A": "x" * 5000}},
    }
    with pytest.raises(
        StackFailed, match="4KB limit: they are 5008 bytes as JSON, of 4096; the largest is A"
    ):
        make(cloud, "Big", {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}})


def test_a_definition_in_jsonata_is_refused(cloud: Cloud) -> None:
    properties = {
        "RoleArn": "arn:aws:iam::123456789012:role/any",
        "DefinitionString": '{"QueryLanguage": "JSONata"}',
    }
    with pytest.raises(StackFailed, match="write it with JSONPath"):
        make(cloud, "Jsonata", {"M": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}})


def test_substitutions_fill_a_definition(cloud: Cloud) -> None:
    state = {"Type": "Pass", "Result": {"is": "${What}"}, "End": True}
    properties = {
        "RoleArn": "arn:aws:iam::123456789012:role/any",
        "DefinitionString": json.dumps({"StartAt": "A", "States": {"A": state}}),
        "DefinitionSubstitutions": {"What": "filled"},
    }
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    arn = make(cloud, "Filled", {"M": machine}, Arn={"Ref": "M"})["Arn"]
    client = cloud.client("stepfunctions")
    execution = client.start_execution(stateMachineArn=arn)["executionArn"]
    cloud.settle(30)
    assert client.describe_execution(executionArn=execution)["output"] == '{"is":"filled"}'


def test_small_resources_are_there_once_made(cloud: Cloud) -> None:
    resources = {
        "Group": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": "typed", "RetentionInDays": 7},
        },
        "Database": {
            "Type": "AWS::Glue::Database",
            "Properties": {"CatalogId": "1", "DatabaseInput": {"Name": "typed"}},
        },
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "typed", "Type": "String", "Value": "v"},
        },
        "Schedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "Name": "typed",
                "ScheduleExpression": "rate(1 day)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {"Arn": "arn:aws:sqs:us-east-1:123456789012:q", "RoleArn": "arn:aws:iam::1:role/r"},
            },
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": "typed",
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "MetricName": "m",
                "Namespace": "n",
                "Period": 60,
                "Statistic": "Sum",
                "Threshold": 0,
            },
        },
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": ANYONE, "EnableKeyRotation": True}},
        "Metadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "x"}},
    }
    key = make(cloud, "Small", resources, Key={"Ref": "Key"})["Key"]
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix="typed")["logGroups"]
    alarms = cloud.client("cloudwatch").describe_alarms(AlarmNames=["typed"])["MetricAlarms"]
    assert groups[0]["retentionInDays"] == 7
    assert cloud.client("glue").get_database(Name="typed")["Database"]["Name"] == "typed"
    assert cloud.client("ssm").get_parameter(Name="typed")["Parameter"]["Value"] == "v"
    assert cloud.client("scheduler").get_schedule(Name="typed")["ScheduleExpression"] == "rate(1 day)"
    assert alarms[0]["Threshold"] == 0.0
    assert cloud.client("kms").get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    cloud.client("cloudformation").delete_stack(StackName="Small")
    assert not cloud.client("logs").describe_log_groups(logGroupNamePrefix="typed")["logGroups"]


def test_a_secret_is_given_or_generated_and_goes_with_its_stack(cloud: Cloud) -> None:
    generated = {
        "SecretStringTemplate": '{"user": "ada"}',
        "GenerateStringKey": "password",
        "PasswordLength": 20,
        "ExcludePunctuation": True,
    }
    resources = {
        "Given": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"Name": "given", "SecretString": "s"},
        },
        "Made": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"Name": "made", "GenerateSecretString": generated},
        },
    }
    make(cloud, "Secrets", resources)
    client = cloud.client("secretsmanager")
    made = json.loads(client.get_secret_value(SecretId="made")["SecretString"])
    assert client.get_secret_value(SecretId="given")["SecretString"] == "s"
    assert (made["user"], len(made["password"]), made["password"].isalnum()) == ("ada", 20, True)
    cloud.client("cloudformation").delete_stack(StackName="Secrets")
    assert client.list_secrets()["SecretList"] == []


def test_a_user_pool_lets_its_users_sign_in(cloud: Cloud) -> None:
    resources = {
        "Pool": {
            "Type": "AWS::Cognito::UserPool",
            "Properties": {"UserPoolName": "people", "Policies": {"PasswordPolicy": {"MinimumLength": 8}}},
        },
        "Client": {
            "Type": "AWS::Cognito::UserPoolClient",
            "Properties": {"UserPoolId": {"Ref": "Pool"}, "ExplicitAuthFlows": ["ADMIN_NO_SRP_AUTH"]},
        },
    }
    out = make(
        cloud,
        "People",
        resources,
        Pool={"Ref": "Pool"},
        Client={"Ref": "Client"},
        Url={"Fn::GetAtt": ["Pool", "ProviderURL"]},
    )
    client = cloud.client("cognito-idp")
    client.admin_create_user(UserPoolId=out["Pool"], Username="ada", TemporaryPassword="Passw0rd!")
    client.admin_set_user_password(
        UserPoolId=out["Pool"], Username="ada", Password="Passw0rd!!", Permanent=True
    )
    signed_in = client.admin_initiate_auth(
        UserPoolId=out["Pool"],
        ClientId=out["Client"],
        AuthFlow="ADMIN_NO_SRP_AUTH",
        AuthParameters={"USERNAME": "ada", "PASSWORD": "Passw0rd!!"},
    )
    assert signed_in["AuthenticationResult"]["IdToken"].count(".") == 2
    assert out["Url"].endswith(out["Pool"])


def test_a_topic_is_renamed_for_its_readers_in_place(cloud: Cloud) -> None:
    arns = set()
    for name in ("Before", "After"):
        topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": name}}
        arns.add(make(cloud, "Renamed", {"T": topic}, Arn={"Ref": "T"})["Arn"])
    attributes = cloud.client("sns").get_topic_attributes(TopicArn=arns.pop())["Attributes"]
    assert (attributes["DisplayName"], arns) == ("After", set())


def test_a_metric_filter_is_recorded_with_its_log_group(cloud: Cloud) -> None:
    transformation = {
        "MetricName": "Errors",
        "MetricNamespace": "App",
        "MetricValue": "1",
        "DefaultValue": 0,
        "Dimensions": [{"Key": "Level", "Value": "$.level"}],
    }
    for pattern in ("ERROR", "{ $.level = ERROR }"):
        properties = {
            "LogGroupName": {"Ref": "G"},
            "FilterPattern": pattern,
            "MetricTransformations": [transformation],
        }
        resources = {
            "G": {"Type": "AWS::Logs::LogGroup"},
            "F": {"Type": "AWS::Logs::MetricFilter", "Properties": properties},
        }
        out = make(cloud, "Filtered", resources, Group={"Ref": "G"}, Filter={"Ref": "F"})
    (found,) = cloud.client("logs").describe_metric_filters(logGroupName=out["Group"])["metricFilters"]
    assert (found["filterName"], found["filterPattern"]) == (out["Filter"], "{ $.level = ERROR }")
    assert found["metricTransformations"][0]["dimensions"] == {"Level": "$.level"}


@pytest.mark.parametrize("kind", ["InstanceProfile", "ServiceLinkedRole", "User"])
def test_identities_that_nobody_could_use_here_are_refused_with_the_way_out(cloud: Cloud, kind: str) -> None:
    resources = {"It": {"Type": f"AWS::IAM::{kind}", "Properties": {}}}
    with pytest.raises(ClientError, match=r"leave it out|assume a role"):
        make(cloud, "Refused", resources)


def test_the_log_retention_of_a_function_keeps_a_group_that_is_there_already(cloud: Cloud) -> None:
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/aws/lambda/kept")

    def retention(**more: Any) -> Resources:
        properties = {"ServiceToken": "arn:any", "LogGroupName": "/aws/lambda/kept", **more}
        return {"R": {"Type": "Custom::LogRetention", "Properties": properties}}

    def days() -> list[int | None]:
        groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/kept")["logGroups"]
        return [group.get("retentionInDays") for group in groups]

    make(cloud, "Retention", retention(RetentionInDays=7))
    assert days() == [7]
    make(cloud, "Retention", retention(RetentionInDays=30))
    assert days() == [30]
    cloud.client("cloudformation").delete_stack(StackName="Retention")
    assert days() == [30]
    make(cloud, "Retention", retention(RemovalPolicy="destroy"))
    assert days() == [None]
    cloud.client("cloudformation").delete_stack(StackName="Retention")
    assert days() == []


def test_an_archive_is_made_with_the_empty_key_that_cdk_writes(cloud: Cloud) -> None:
    properties = {
        "ArchiveName": "all",
        "SourceArn": "arn:aws:events:us-east-1:123456789012:event-bus/default",
        "KmsKeyIdentifier": "",
    }
    make(cloud, "Archived", {"A": {"Type": "AWS::Events::Archive", "Properties": properties}})
    assert cloud.client("events").describe_archive(ArchiveName="all")["State"] == "ENABLED"


def test_a_user_pool_keeps_its_users_and_their_names_when_its_rules_change(cloud: Cloud) -> None:
    client = cloud.client("cognito-idp")
    for length in (8, 12):
        properties = {
            "UsernameAttributes": ["email"],
            "Policies": {"PasswordPolicy": {"MinimumLength": length}},
            "UserPoolTags": {"length": str(length)},
        }
        resources = {"Pool": {"Type": "AWS::Cognito::UserPool", "Properties": properties}}
        pool = make(cloud, "Kept", resources, Pool={"Ref": "Pool"})["Pool"]
        if length == 8:
            client.admin_create_user(
                UserPoolId=pool, Username="ada@example.org", TemporaryPassword="Passw0rd!Passw0rd"
            )
    described = client.describe_user_pool(UserPoolId=pool)["UserPool"]
    assert len(client.list_users(UserPoolId=pool)["Users"]) == 1
    assert described["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    assert (described["UsernameAttributes"], described["UserPoolTags"]) == (["email"], {"length": "12"})
