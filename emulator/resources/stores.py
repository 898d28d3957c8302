"""Small stores: Glue databases, SSM parameters, KMS keys, image repositories, and CDK's notes on itself."""

from emulator.resources.base import Made, Request, ResourceType, nothing, policy_text, words
from emulator.resources.tagging import retag


def _create_database(request: Request) -> Made:
    wanted = dict(request.properties["DatabaseInput"])
    wanted.setdefault("Name", request.properties.get("DatabaseName", request.name.lower()))
    request.client("glue").create_database(DatabaseInput=wanted)
    return Made(wanted["Name"])


def _update_database(request: Request, made: Made) -> Made:
    wanted = {**request.properties["DatabaseInput"], "Name": made.physical_id}
    if request.properties["DatabaseInput"].get("Name", made.physical_id) != made.physical_id:
        raise ValueError(f"database {made.physical_id} cannot take another name; give its resource a new id")
    request.client("glue").update_database(Name=made.physical_id, DatabaseInput=wanted)
    return made


def _delete_database(request: Request, made: Made) -> None:
    request.client("glue").delete_database(Name=made.physical_id)


def _put_parameter(request: Request, name: str) -> Made:
    properties = request.properties
    request.client("ssm").put_parameter(
        Name=name,
        Value=properties["Value"],
        Type=properties["Type"],
        Overwrite=True,
        **request.pick("Description", "AllowedPattern", "DataType"),
    )
    return Made(name, {"Value": properties["Value"], "Type": properties["Type"]})


def _create_parameter(request: Request) -> Made:
    return _put_parameter(request, request.name)


def _update_parameter(request: Request, made: Made) -> Made:
    return _put_parameter(request, made.physical_id)


def _delete_parameter(request: Request, made: Made) -> None:
    request.client("ssm").delete_parameter(Name=made.physical_id)


def _create_key(request: Request) -> Made:
    client, properties = request.client("kms"), request.properties
    key = client.create_key(
        Policy=policy_text(properties["KeyPolicy"]),
        Tags=[{"TagKey": k, "TagValue": v} for k, v in request.tags().items()],
        **request.pick("Description", "KeyUsage", "KeySpec"),
    )["KeyMetadata"]
    return Made(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})


def _rotate_key(request: Request, made: Made) -> None:
    if request.properties.get("EnableKeyRotation"):
        request.client("kms").enable_key_rotation(KeyId=made.physical_id)


def _update_key(request: Request, made: Made) -> Made:
    client = request.client("kms")
    client.put_key_policy(
        KeyId=made.physical_id, PolicyName="default", Policy=policy_text(request.properties["KeyPolicy"])
    )
    switch = (
        client.enable_key_rotation
        if request.properties.get("EnableKeyRotation")
        else client.disable_key_rotation
    )
    switch(KeyId=made.physical_id)
    client.update_key_description(
        KeyId=made.physical_id, Description=request.properties.get("Description", "")
    )
    retag(request, made.physical_id)
    return made


def _delete_key(request: Request, made: Made) -> None:
    window = int(request.properties.get("PendingWindowInDays", 30))
    request.client("kms").schedule_key_deletion(KeyId=made.physical_id, PendingWindowInDays=window)


def _create_key_alias(request: Request) -> Made:
    properties = request.properties
    request.client("kms").create_alias(
        AliasName=properties["AliasName"], TargetKeyId=properties["TargetKeyId"]
    )
    return Made(properties["AliasName"])


def _update_key_alias(request: Request, made: Made) -> Made:
    request.client("kms").update_alias(
        AliasName=made.physical_id, TargetKeyId=request.properties["TargetKeyId"]
    )
    return made


def _delete_key_alias(request: Request, made: Made) -> None:
    request.client("kms").delete_alias(AliasName=made.physical_id)


def _create_repository(request: Request) -> Made:
    made = request.client("ecr").create_repository(
        repositoryName=request.name.lower(),
        tags=[{"Key": key, "Value": value} for key, value in request.tags().items()],
        imageTagMutability=request.properties.get("ImageTagMutability", "MUTABLE"),
    )["repository"]
    return Made(
        made["repositoryName"], {"Arn": made["repositoryArn"], "RepositoryUri": made["repositoryUri"]}
    )


def _put_repository_policy(request: Request, made: Made) -> None:
    policy = request.properties.get("RepositoryPolicyText")
    if policy:
        request.client("ecr").set_repository_policy(
            repositoryName=made.physical_id, policyText=policy_text(policy)
        )


def _update_repository(request: Request, made: Made) -> Made:
    client, name = request.client("ecr"), made.physical_id
    mutability = request.properties.get("ImageTagMutability", "MUTABLE")
    client.put_image_tag_mutability(repositoryName=name, imageTagMutability=mutability)
    if "RepositoryPolicyText" in made.properties.keys() - request.properties.keys():
        client.delete_repository_policy(repositoryName=name)
    _put_repository_policy(request, made)
    retag(request, made.attributes["Arn"])
    return made


def _delete_repository(request: Request, made: Made) -> None:
    request.client("ecr").delete_repository(repositoryName=made.physical_id, force=True)


def _take_metadata(request: Request) -> Made:
    return Made(f"{request.stack}-{request.logical_id}")


TYPES = (
    ResourceType(
        "AWS::Glue::Database",
        honoured=words("DatabaseInput DatabaseName"),
        accepted={"CatalogId": "there is one catalog, the account's own"},
        create=_create_database,
        update=_update_database,
        delete=_delete_database,
    ),
    ResourceType(
        "AWS::SSM::Parameter",
        honoured=words("Name Value Type Description AllowedPattern DataType"),
        accepted={"Tags": "parameters carry no tags here", "Tier": "there is one tier"},
        attributes=words("Value Type"),
        create=_create_parameter,
        update=_update_parameter,
        delete=_delete_parameter,
        replaced_by=words("Name Type"),
        name_property="Name",
        generated_name_limit=1000,
    ),
    ResourceType(
        "AWS::KMS::Key",
        honoured=words("KeyPolicy Description KeyUsage KeySpec EnableKeyRotation PendingWindowInDays Tags"),
        attributes=words("Arn KeyId"),
        create=_create_key,
        finish=_rotate_key,
        update=_update_key,
        delete=_delete_key,
        replaced_by=words("KeyUsage KeySpec"),
    ),
    ResourceType(
        "AWS::KMS::Alias",
        honoured=words("AliasName TargetKeyId"),
        create=_create_key_alias,
        update=_update_key_alias,
        delete=_delete_key_alias,
        replaced_by=words("AliasName"),
    ),
    ResourceType(
        "AWS::ECR::Repository",
        honoured=words("RepositoryName ImageTagMutability RepositoryPolicyText Tags"),
        accepted={
            "LifecyclePolicy": "no image expires",
            "ImageScanningConfiguration": "no image is scanned",
        },
        attributes=words("Arn RepositoryUri"),
        create=_create_repository,
        finish=_put_repository_policy,
        update=_update_repository,
        delete=_delete_repository,
        replaced_by=words("RepositoryName"),
        name_property="RepositoryName",
        generated_name_limit=200,
        note="made for `cdk bootstrap`; no image runs here",
    ),
    ResourceType(
        "AWS::CDK::Metadata",
        honoured=frozenset(),
        accepted={"Analytics": "nothing is reported to anybody"},
        create=_take_metadata,
        delete=nothing,
    ),
)
