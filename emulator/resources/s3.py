"""S3: buckets, their policies, and CDK's two custom resources for buckets."""

from collections.abc import Callable

from emulator.resources.base import Made, Properties, Request, ResourceType, policy_text, words
from emulator.resources.bucket_lifecycle import lifecycle

_ENCRYPTION_DEFAULT = "ApplyServerSideEncryptionByDefault"
_UNMOVED = {
    f"LifecycleConfiguration.{name}": "objects expire; none moves to another storage class here"
    for name in (
        "Rules.NoncurrentVersionTransition",
        "Rules.NoncurrentVersionTransitions",
        "Rules.Transition",
        "Rules.Transitions",
        "TransitionDefaultMinimumObjectSize",
    )
}
_CUSTOM_TOKEN = {"ServiceToken": "the model of this type answers, not the function behind the token"}


def _create_bucket(request: Request) -> Made:
    client = request.client("s3")
    if owner := _stack_of(request.name, request):
        # The API gives an owner the bucket there is a second time; templates may not share one.
        raise ValueError(f"{request.name} already exists in stack {owner}; name another bucket, or none")
    client.create_bucket(Bucket=request.name)
    return Made(
        request.name,
        {
            "Arn": f"arn:aws:s3:::{request.name}",
            "DomainName": f"{request.name}.s3.amazonaws.com",
            "DualStackDomainName": f"{request.name}.s3.dualstack.{request.services.region}.amazonaws.com",
            "RegionalDomainName": f"{request.name}.s3.{request.services.region}.amazonaws.com",
        },
    )


def _stack_of(bucket: str, request: Request) -> str | None:
    """Name the stack that has a bucket; none has one made by hand, such as that of `cdk bootstrap`."""
    client = request.client("cloudformation")
    try:
        resources = client.describe_stack_resources(PhysicalResourceId=bucket)["StackResources"]
    except client.exceptions.ClientError:
        return None
    return next((str(each["StackName"]) for each in resources), None)


def _update_bucket(request: Request, made: Made) -> Made:
    _unset(request, made)
    _configure_bucket(request, made)
    return made


def _unset(request: Request, made: Made) -> None:
    """Take back what the template no longer says; versions are kept, and no more are made."""
    client, gone, bucket = (
        request.client("s3"),
        made.properties.keys() - request.properties.keys(),
        made.physical_id,
    )
    calls = {
        "PublicAccessBlockConfiguration": client.delete_public_access_block,
        "OwnershipControls": client.delete_bucket_ownership_controls,
        "CorsConfiguration": client.delete_bucket_cors,
        "LifecycleConfiguration": client.delete_bucket_lifecycle,
        "Tags": client.delete_bucket_tagging,
    }
    for name in sorted(gone & calls.keys()):
        calls[name](Bucket=bucket)
    if "BucketEncryption" in gone:
        default = {_ENCRYPTION_DEFAULT: {"SSEAlgorithm": "AES256"}}  # no bucket is without, since 2023
        client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [default]})
    if "VersioningConfiguration" in gone:
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    if "NotificationConfiguration" in gone:
        client.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})


def _configure_bucket(request: Request, made: Made) -> None:
    client, properties, bucket = request.client("s3"), request.properties, made.physical_id
    for name, call, argument, spelled in _SETTINGS:
        if name in properties:
            getattr(client, call)(Bucket=bucket, **{argument: spelled(properties[name])})
    if properties.get("LifecycleConfiguration", {}).get("Rules"):
        client.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration=lifecycle(properties["LifecycleConfiguration"])
        )
    if "NotificationConfiguration" in properties:
        configuration = _native_notifications(properties["NotificationConfiguration"])
        client.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=configuration, SkipDestinationValidation=True
        )
    if request.tags():
        client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": _tag_set(request.tags())})


def _as_given(configuration: Properties) -> Properties:
    return configuration


def _tag_set(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _encryption(configuration: Properties) -> Properties:
    rules = []
    for rule in configuration["ServerSideEncryptionConfiguration"]:
        renamed = {
            _ENCRYPTION_DEFAULT if key == "ServerSideEncryptionByDefault" else key: v
            for key, v in rule.items()
        }
        rules.append(renamed)
    return {"Rules": rules}


def _cors(configuration: Properties) -> Properties:
    names = {"Id": "ID", "MaxAge": "MaxAgeSeconds", "ExposedHeaders": "ExposeHeaders"}
    rules = [
        {names.get(key, key): value for key, value in rule.items()} for rule in configuration["CorsRules"]
    ]
    return {"CORSRules": rules}


# Property, call, the call's argument, and how the property is spelled there.
_SETTINGS: tuple[tuple[str, str, str, Callable[[Properties], Properties]], ...] = (
    ("VersioningConfiguration", "put_bucket_versioning", "VersioningConfiguration", _as_given),
    ("BucketEncryption", "put_bucket_encryption", "ServerSideEncryptionConfiguration", _encryption),
    (
        "PublicAccessBlockConfiguration",
        "put_public_access_block",
        "PublicAccessBlockConfiguration",
        _as_given,
    ),
    ("OwnershipControls", "put_bucket_ownership_controls", "OwnershipControls", _as_given),
    ("CorsConfiguration", "put_bucket_cors", "CORSConfiguration", _cors),
)


def _native_notifications(configuration: Properties) -> Properties:
    """Spell ``NotificationConfiguration`` of a template as the API does."""
    made: Properties = {}
    if configuration.get("EventBridgeConfiguration"):
        made["EventBridgeConfiguration"] = {}
    kinds = {
        "QueueConfigurations": ("Queue", "QueueArn"),
        "TopicConfigurations": ("Topic", "TopicArn"),
        "LambdaConfigurations": ("Function", "LambdaFunctionArn"),
    }
    for kind, (target, api_target) in kinds.items():
        for entry in configuration.get(kind, []):
            rule: Properties = {api_target: entry[target], "Events": [entry["Event"]]}
            if "Filter" in entry:
                rule["Filter"] = {"Key": {"FilterRules": entry["Filter"]["S3Key"]["Rules"]}}
            api_kind = "LambdaFunctionConfigurations" if kind == "LambdaConfigurations" else kind
            made.setdefault(api_kind, []).append(rule)
    return made


def _delete_bucket(request: Request, made: Made) -> None:
    client = request.client("s3")
    contents = client.list_object_versions(Bucket=made.physical_id, MaxKeys=1)
    if contents.get("Versions") or contents.get("DeleteMarkers"):
        raise ValueError(
            f"bucket {made.physical_id} is not empty; empty it, or give it RemovalPolicy.DESTROY with "
            f"auto_delete_objects"
        )
    client.delete_bucket(Bucket=made.physical_id)


def _put_policy(request: Request) -> Made:
    bucket = request.properties["Bucket"]
    request.client("s3").put_bucket_policy(
        Bucket=bucket, Policy=policy_text(request.properties["PolicyDocument"])
    )
    return Made(bucket)


def _update_policy(request: Request, made: Made) -> Made:  # noqa: ARG001 - the signature of updates
    return _put_policy(request)


def _delete_policy(request: Request, made: Made) -> None:
    request.client("s3").delete_bucket_policy(Bucket=made.physical_id)


def _put_notifications(request: Request) -> Made:
    properties = request.properties
    request.client("s3").put_bucket_notification_configuration(
        Bucket=properties["BucketName"],
        NotificationConfiguration=properties["NotificationConfiguration"],
        SkipDestinationValidation=True,
    )
    return Made(f"{request.stack}-{request.logical_id}")


def _update_notifications(request: Request, made: Made) -> Made:
    _put_notifications(request)
    return made


def _delete_notifications(request: Request, made: Made) -> None:  # noqa: ARG001 - the signature of deletes
    request.client("s3").put_bucket_notification_configuration(
        Bucket=request.properties["BucketName"], NotificationConfiguration={}
    )


def _auto_delete(request: Request) -> Made:
    return Made(f"{request.stack}-{request.logical_id}")


def _empty_bucket(request: Request, made: Made) -> None:  # noqa: ARG001 - the signature of deletes
    client, bucket = request.client("s3"), request.properties["BucketName"]
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects = [
            {"Key": entry["Key"], "VersionId": entry["VersionId"]}
            for entry in page.get("Versions", []) + page.get("DeleteMarkers", [])
        ]
        if objects:
            client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


TYPES = (
    ResourceType(
        "AWS::S3::Bucket",
        honoured=words(
            "BucketName VersioningConfiguration BucketEncryption PublicAccessBlockConfiguration "
            "OwnershipControls "
            "CorsConfiguration NotificationConfiguration LifecycleConfiguration.Rules Tags"
        ),
        accepted={
            "AccessControl": "no access control list is evaluated; policies are",
            **_UNMOVED,
            "LoggingConfiguration": "no access logs are written; the meter counts calls",
        },
        attributes=words("Arn DomainName DualStackDomainName RegionalDomainName"),
        create=_create_bucket,
        finish=_configure_bucket,
        update=_update_bucket,
        delete=_delete_bucket,
        replaced_by=words("BucketName"),
        name_property="BucketName",
        generated_name_limit=63,
    ),
    ResourceType(
        "AWS::S3::BucketPolicy",
        honoured=words("Bucket PolicyDocument"),
        create=_put_policy,
        update=_update_policy,
        delete=_delete_policy,
        replaced_by=words("Bucket"),
        note="statements without conditions are enforced; those with conditions are kept, not evaluated",
    ),
    ResourceType(
        "Custom::S3BucketNotifications",
        honoured=words("BucketName NotificationConfiguration"),
        accepted={
            **_CUSTOM_TOKEN,
            "Managed": "the template owns all notifications of its buckets here",
            "SkipDestinationValidation": "destinations are never called to validate them",
        },
        create=_put_notifications,
        update=_update_notifications,
        delete=_delete_notifications,
        replaced_by=words("BucketName"),
        note="CDK's bucket notifications and `event_bridge_enabled`",
    ),
    ResourceType(
        "Custom::S3AutoDeleteObjects",
        honoured=words("BucketName"),
        accepted=_CUSTOM_TOKEN,
        create=_auto_delete,
        delete=_empty_bucket,
        note="CDK's `auto_delete_objects`: the bucket is emptied before it is removed",
    ),
)
