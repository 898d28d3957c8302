"""Credentials the local cloud issues, and whom they stand for."""

import boto3

from emulator.cloud import Cloud

ROLE = "arn:aws:iam::123456789012:role/worker"


def test_a_session_of_a_role_keeps_its_credentials(cloud: Cloud) -> None:
    first = cloud.identities.of_role(ROLE, "one")
    assert cloud.identities.of_role(ROLE, "one") == first
    assert cloud.identities.of_role(ROLE, "two") != first


def test_each_key_stands_for_its_principal(cloud: Cloud) -> None:
    iam = cloud.client("iam")
    user = iam.create_user(UserName="ada")["User"]["Arn"]
    user_key = iam.create_access_key(UserName="ada")["AccessKey"]["AccessKeyId"]
    assumed = cloud.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="session")["Credentials"][
        "AccessKeyId"
    ]
    principal = cloud.identities.principal
    assert principal(cloud.identities.of_role(ROLE, "one").access_key) == ROLE
    assert principal(assumed) == ROLE
    assert principal(user_key) == user
    assert principal("test") == "root"
    assert principal(None) == "unsigned"
    assert principal("AKIANOBODY") == "unknown key AKIANOBODY"


def test_calls_are_counted_for_whoever_signed_them(cloud: Cloud) -> None:
    credentials = cloud.identities.of_role(ROLE, "one")
    session = boto3.Session(
        credentials.access_key, credentials.secret_key, credentials.session_token, region_name="us-east-1"
    )
    session.client("sts", endpoint_url=cloud.endpoint).get_caller_identity()
    counted = [entry for entry in cloud.meter.report() if entry["principal"] == ROLE]
    assert [(entry["service"], entry["operation"], entry["calls"]) for entry in counted] == [
        ("sts", "GetCallerIdentity", 1)
    ]
