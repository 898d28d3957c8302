"""IAM: roles and their policies."""

import json
import re
from contextlib import suppress

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy

from emulator import aws
from emulator.resources.base import Made, Request, ResourceType, policy_text, words
from emulator.resources.tagging import retag


def _create_role(request: Request) -> Made:
    client, properties = request.client("iam"), request.properties
    role = client.create_role(
        RoleName=request.name,
        AssumeRolePolicyDocument=policy_text(properties["AssumeRolePolicyDocument"]),
        Tags=[{"Key": key, "Value": value} for key, value in request.tags().items()],
        **request.pick("Path", "Description", "MaxSessionDuration", "PermissionsBoundary"),
    )["Role"]
    return Made(request.name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _attach(request: Request, made: Made) -> None:
    client, properties, role = request.client("iam"), request.properties, made.physical_id
    for policy in properties.get("Policies", []):
        client.put_role_policy(
            RoleName=role,
            PolicyName=policy["PolicyName"],
            PolicyDocument=policy_text(policy["PolicyDocument"]),
        )
    for arn in properties.get("ManagedPolicyArns", []):
        _ensure_aws_policy(request, arn)
        client.attach_role_policy(RoleName=role, PolicyArn=arn)


def _ensure_aws_policy(request: Request, arn: str) -> None:
    """Make one of AWS's own policies known: loading all of them would cost a second at every start."""
    policies = aws.backend("iam").managed_policies
    if arn in policies or not arn.startswith("arn:aws:iam::aws:policy/"):
        return
    name = arn.rpartition("/")[2]
    found = re.search(rf'"{re.escape(name)}":\s*(?={{)', aws_managed_policies_data)
    if not found:
        raise ValueError(f"AWS has no managed policy {arn}")
    # Reading all thousand policies would take a second; this one begins behind its name.
    data, _ = json.JSONDecoder().raw_decode(aws_managed_policies_data, found.end())
    policies[arn] = AWSManagedPolicy.from_data(name, request.services.account, request.services.region, data)


def _update_role(request: Request, made: Made) -> Made:
    client, role = request.client("iam"), made.physical_id
    client.update_assume_role_policy(
        RoleName=role, PolicyDocument=policy_text(request.properties["AssumeRolePolicyDocument"])
    )
    client.update_role(RoleName=role, **request.pick("Description", "MaxSessionDuration"))
    retag(request, role)
    for policy in made.properties.get("Policies", []):
        client.delete_role_policy(RoleName=role, PolicyName=policy["PolicyName"])
    for arn in made.properties.get("ManagedPolicyArns", []):
        client.detach_role_policy(RoleName=role, PolicyArn=arn)
    _attach(request, made)
    return made


def _delete_role(request: Request, made: Made) -> None:
    client, role = request.client("iam"), made.physical_id
    for name in client.list_role_policies(RoleName=role)["PolicyNames"]:
        client.delete_role_policy(RoleName=role, PolicyName=name)
    for policy in client.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        client.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    client.delete_role(RoleName=role)


def _name_policy(request: Request) -> Made:
    """Stand for an inline policy, which is only where it is put."""
    return Made(request.properties["PolicyName"])


def _put_policy(request: Request, made: Made) -> None:
    properties = request.properties
    for role in properties["Roles"]:
        request.client("iam").put_role_policy(
            RoleName=role,
            PolicyName=made.physical_id,
            PolicyDocument=policy_text(properties["PolicyDocument"]),
        )


def _update_policy(request: Request, made: Made) -> Made:
    _put_policy(request, made)
    return made


def _delete_policy(request: Request, made: Made) -> None:
    client = request.client("iam")
    for role in request.properties["Roles"]:
        with suppress(client.exceptions.NoSuchEntityException):  # one that never came to all of its roles
            client.delete_role_policy(RoleName=role, PolicyName=made.physical_id)


def _create_managed_policy(request: Request) -> Made:
    client, properties = request.client("iam"), request.properties
    arn = client.create_policy(
        PolicyName=request.name,
        PolicyDocument=policy_text(properties["PolicyDocument"]),
        **request.pick("Path", "Description"),
    )["Policy"]["Arn"]
    return Made(arn, {"PolicyArn": arn})


def _attach_managed_policy(request: Request, made: Made) -> None:
    for role in request.properties.get("Roles", []):
        request.client("iam").attach_role_policy(RoleName=role, PolicyArn=made.physical_id)


def _delete_managed_policy(request: Request, made: Made) -> None:
    client = request.client("iam")
    for role in client.list_entities_for_policy(PolicyArn=made.physical_id)["PolicyRoles"]:
        client.detach_role_policy(RoleName=role["RoleName"], PolicyArn=made.physical_id)
    client.delete_policy(PolicyArn=made.physical_id)


TYPES = (
    ResourceType(
        "AWS::IAM::Role",
        honoured=words(
            "RoleName AssumeRolePolicyDocument Path Description MaxSessionDuration PermissionsBoundary "
            "Policies "
            "ManagedPolicyArns Tags"
        ),
        attributes=words("Arn RoleId"),
        create=_create_role,
        finish=_attach,
        update=_update_role,
        delete=_delete_role,
        replaced_by=words("RoleName Path"),
        name_property="RoleName",
        note="a function calls with its role's credentials; the meter names the role",
    ),
    ResourceType(
        "AWS::IAM::Policy",
        honoured=words("PolicyName PolicyDocument Roles"),
        create=_name_policy,
        finish=_put_policy,
        update=_update_policy,
        delete=_delete_policy,
        replaced_by=words("PolicyName Roles"),
    ),
    ResourceType(
        "AWS::IAM::ManagedPolicy",
        honoured=words("ManagedPolicyName PolicyDocument Roles Path Description"),
        attributes=words("PolicyArn"),
        create=_create_managed_policy,
        finish=_attach_managed_policy,
        delete=_delete_managed_policy,
        name_property="ManagedPolicyName",
        generated_name_limit=128,
    ),
)
