"""Which permissions requests need that name keys, secrets and user pools otherwise than policies do."""

import base64
import json

import pytest

from emulator.cloud import Cloud
from emulator.identity.needs import needs_of
from emulator.identity.request import AwsRequest

ACCOUNT = "us-east-1:123456789012"
KEYS = f"arn:aws:kms:{ACCOUNT}"


def asked(service: str, operation: str, **parameters: object) -> list[tuple[str, str]]:
    request = AwsRequest(service, operation, body=json.dumps(parameters).encode())
    return [(need.action, need.resource) for need in needs_of(request)]


@pytest.fixture(scope="module")
def key(cloud: Cloud) -> str:
    made = str(cloud.client("kms").create_key()["KeyMetadata"]["KeyId"])
    cloud.client("kms").create_alias(AliasName="alias/files", TargetKeyId=made)
    return made


def test_a_key_is_asked_for_by_its_id_however_it_is_named(key: str) -> None:
    names = (key, f"{KEYS}:key/{key}", "alias/files", f"{KEYS}:alias/files")
    assert [asked("kms", "Encrypt", KeyId=name) for name in names] == [
        [("kms:Encrypt", f"{KEYS}:key/{key}")]
    ] * len(names)


def test_who_decrypts_needs_the_key_that_the_ciphertext_was_made_with(cloud: Cloud, key: str) -> None:
    made = cloud.client("kms").encrypt(KeyId=key, Plaintext=b"plain")["CiphertextBlob"]
    blob = base64.b64encode(made).decode()
    assert asked("kms", "Decrypt", CiphertextBlob=blob) == [("kms:Decrypt", f"{KEYS}:key/{key}")]
    again = asked("kms", "ReEncrypt", CiphertextBlob=blob, DestinationKeyId="other")
    assert again == [("kms:ReEncryptFrom", f"{KEYS}:key/{key}"), ("kms:ReEncryptTo", f"{KEYS}:key/other")]


def test_an_alias_is_made_with_leave_for_the_alias_and_for_the_key(key: str) -> None:
    assert asked("kms", "CreateAlias", AliasName="alias/new", TargetKeyId=key) == [
        ("kms:CreateAlias", f"{KEYS}:alias/new"),
        ("kms:CreateAlias", f"{KEYS}:key/{key}"),
    ]
    assert asked("kms", "GenerateRandom") == [("kms:GenerateRandom", "*")]


def test_a_secret_is_asked_for_by_its_arn_with_the_suffix(cloud: Cloud) -> None:
    arn = str(cloud.client("secretsmanager").create_secret(Name="door", SecretString="s")["ARN"])
    expected = [("secretsmanager:GetSecretValue", arn)]
    assert asked("secretsmanager", "GetSecretValue", SecretId="door") == expected
    assert asked("secretsmanager", "GetSecretValue", SecretId=arn) == expected
    assert asked("secretsmanager", "BatchGetSecretValue", SecretIdList=["door"])[1:] == expected
    assert asked("secretsmanager", "CreateSecret", Name="new") == [
        ("secretsmanager:CreateSecret", f"arn:aws:secretsmanager:{ACCOUNT}:secret:new")
    ]


def test_a_user_pool_is_asked_for_by_its_arn() -> None:
    assert asked("cognito-idp", "AdminCreateUser", UserPoolId="us-east-1_a") == [
        ("cognito-idp:AdminCreateUser", f"arn:aws:cognito-idp:{ACCOUNT}:userpool/us-east-1_a")
    ]


def test_who_answers_a_task_needs_the_machine_that_waits_for_it(cloud: Cloud) -> None:
    iam, sqs, states = (cloud.client(name) for name in ("iam", "sqs", "stepfunctions"))
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "states.amazonaws.com"}}
    policy = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    trusting, granting = (
        json.dumps({"Version": "2012-10-17", "Statement": statement}) for statement in (trust, policy)
    )
    role = iam.create_role(RoleName="asks", AssumeRolePolicyDocument=trusting)
    iam.put_role_policy(RoleName="asks", PolicyName="p", PolicyDocument=granting)
    queue = sqs.create_queue(QueueName="tasks")["QueueUrl"]
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody.$": "$$.Task.Token"},
        "End": True,
    }
    definition = json.dumps({"StartAt": "Ask", "States": {"Ask": ask}})
    machine = states.create_state_machine(name="m", definition=definition, roleArn=role["Role"]["Arn"])
    states.start_execution(stateMachineArn=machine["stateMachineArn"])
    cloud.settle()
    token = sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"]
    assert asked("states", "SendTaskSuccess", taskToken=token) == [
        ("states:SendTaskSuccess", machine["stateMachineArn"])
    ]
    states.send_task_success(taskToken=token, output="{}")
    assert asked("states", "SendTaskHeartbeat", taskToken="unknown") == [
        ("states:SendTaskHeartbeat", f"arn:aws:states:{ACCOUNT}:stateMachine:*")
    ]
