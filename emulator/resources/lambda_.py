"""Lambda: functions, layers, mappings, permissions, versions and aliases."""

import io
import zipfile
from typing import Any

from emulator.resources.base import Made, Properties, Request, ResourceType, words
from emulator.resources.tagging import retag

_DEFAULTS: Properties = {
    "Environment": {"Variables": {}},
    "Layers": [],
    "Timeout": 3,
    "MemorySize": 128,
    "Description": "",
    "EphemeralStorage": {"Size": 512},
    "TracingConfig": {"Mode": "PassThrough"},
    "DeadLetterConfig": {},
    "LoggingConfig": {},
}
_CONFIGURATION = (
    "Handler",
    "Runtime",
    "Role",
    "Timeout",
    "MemorySize",
    "Environment",
    "EphemeralStorage",
    "Layers",
    "Description",
    "TracingConfig",
    "DeadLetterConfig",
    "LoggingConfig",
)


def zip_of_inline(source: str) -> bytes:
    """Zip code written in the template itself, as CloudFormation does.

    Parameters
    ----------
    source
        Text of ``Code.ZipFile``.

    Returns
    -------
    bytes
        A zip holding ``index.py``, the same bytes for the same text.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("index.py", (1980, 1, 1, 0, 0, 0)), source)
    return packed.getvalue()


def _code(properties: Properties) -> Properties:
    code = properties["Code"]
    return {"ZipFile": zip_of_inline(code["ZipFile"])} if "ZipFile" in code else dict(code)


def _configuration(request: Request) -> Properties:
    properties = request.properties
    variables = properties.get("Environment", {}).get("Variables", {})
    configuration = request.pick(*_CONFIGURATION)
    for name in ("Timeout", "MemorySize"):
        if name in configuration:
            configuration[name] = int(configuration[name])
    if variables:
        configuration["Environment"] = {"Variables": {key: str(value) for key, value in variables.items()}}
    if "EphemeralStorage" in configuration:
        configuration["EphemeralStorage"] = {"Size": int(configuration["EphemeralStorage"]["Size"])}
    return configuration


def _create_function(request: Request) -> Made:
    properties = request.properties
    made = request.client("lambda").create_function(
        FunctionName=request.name,
        Code=_code(properties),
        Tags=request.tags(),
        **_configuration(request),
        **request.pick("Architectures", "PackageType"),
    )
    return Made(request.name, {"Arn": made["FunctionArn"]})


def _reserve(request: Request, made: Made) -> None:
    reserved = request.properties.get("ReservedConcurrentExecutions")
    if reserved is not None:
        request.client("lambda").put_function_concurrency(
            FunctionName=made.physical_id, ReservedConcurrentExecutions=int(reserved)
        )


def _update_function(request: Request, made: Made) -> Made:
    client, name = request.client("lambda"), made.physical_id
    if request.properties["Code"] != made.properties.get("Code"):
        client.update_function_code(FunctionName=name, **_code(request.properties))
    client.update_function_configuration(FunctionName=name, **(_DEFAULTS | _configuration(request)))
    _reserve(request, made)
    gone = made.properties.keys() - request.properties.keys()
    if "ReservedConcurrentExecutions" in gone:
        client.delete_function_concurrency(FunctionName=name)
    retag(request, made.attributes["Arn"])
    return made


def _delete_function(request: Request, made: Made) -> None:
    request.client("lambda").delete_function(FunctionName=made.physical_id)


def _create_layer(request: Request) -> Made:
    layer = request.client("lambda").publish_layer_version(
        LayerName=request.name,
        Content=request.properties["Content"],
        **request.pick("CompatibleRuntimes", "CompatibleArchitectures", "Description", "LicenseInfo"),
    )
    return Made(layer["LayerVersionArn"], {"LayerVersionArn": layer["LayerVersionArn"]})


def _delete_layer(request: Request, made: Made) -> None:
    *_, name, version = made.physical_id.split(":")
    request.client("lambda").delete_layer_version(LayerName=name, VersionNumber=int(version))


def _create_permission(request: Request) -> Made:
    properties = request.properties
    optional = request.pick("SourceArn", "SourceAccount", "EventSourceToken", "PrincipalOrgID")
    request.client("lambda").add_permission(
        FunctionName=properties["FunctionName"],
        StatementId=request.name[-100:],
        Action=properties["Action"],
        Principal=properties["Principal"],
        **optional,
    )
    return Made(request.name[-100:], {"Id": request.name[-100:]})


def _delete_permission(request: Request, made: Made) -> None:
    request.client("lambda").remove_permission(
        FunctionName=request.properties["FunctionName"], StatementId=made.physical_id
    )


_MAPPING_NUMBERS = (
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
)
_MAPPING = (
    *_MAPPING_NUMBERS,
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "Enabled",
    "FilterCriteria",
    "FunctionResponseTypes",
    "ScalingConfig",
)


def _mapping(request: Request) -> Properties:
    arguments = request.pick(*_MAPPING)
    for name in _MAPPING_NUMBERS:
        if name in arguments:
            arguments[name] = int(arguments[name])
    return arguments


def _create_mapping(request: Request) -> Made:
    made = request.client("lambda").create_event_source_mapping(
        FunctionName=request.properties["FunctionName"],
        EventSourceArn=request.properties["EventSourceArn"],
        **request.pick("StartingPosition"),
        **_mapping(request),
    )
    services, uuid = request.services, made["UUID"]
    arn = f"arn:aws:lambda:{services.region}:{services.account}:event-source-mapping:{uuid}"
    return Made(uuid, {"Id": uuid, "EventSourceMappingArn": arn})


def _update_mapping(request: Request, made: Made) -> Made:
    request.client("lambda").update_event_source_mapping(
        UUID=made.physical_id, FunctionName=request.properties["FunctionName"], **_mapping(request)
    )
    return made


def _delete_mapping(request: Request, made: Made) -> None:
    request.client("lambda").delete_event_source_mapping(UUID=made.physical_id)


def _put_invoke_config(request: Request) -> Made:
    properties = request.properties
    request.client("lambda").put_function_event_invoke_config(
        **_invoke_config_key(properties),
        **{
            name: int(properties[name])
            for name in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds")
            if name in properties
        },
        **request.pick("DestinationConfig"),
    )
    return Made(request.name)


def _invoke_config_key(properties: Properties) -> Properties:
    return {"FunctionName": properties["FunctionName"], "Qualifier": properties["Qualifier"]}


def _update_invoke_config(request: Request, made: Made) -> Made:
    _put_invoke_config(request)
    return made


def _delete_invoke_config(request: Request, made: Made) -> None:  # noqa: ARG001 - the signature of deletes
    request.client("lambda").delete_function_event_invoke_config(**_invoke_config_key(request.properties))


def _publish_version(request: Request) -> Made:
    client, name = request.client("lambda"), request.properties["FunctionName"]
    published = {each["Version"] for each in client.list_versions_by_function(FunctionName=name)["Versions"]}
    made = client.publish_version(FunctionName=name, **request.pick("Description", "CodeSha256"))
    if made["Version"] in published:
        raise ValueError(
            f"A version for this Lambda function exists ( {made['Version']} ). Modify the function to create "
            "a new version."
        )
    return Made(made["FunctionArn"], {"Version": str(made["Version"]), "FunctionArn": made["FunctionArn"]})


def _delete_version(request: Request, made: Made) -> None:
    function_arn, _, version = made.physical_id.rpartition(":")
    request.client("lambda").delete_function(FunctionName=function_arn, Qualifier=version)


def _create_alias(request: Request) -> Made:
    made = request.client("lambda").create_alias(**_alias(request))
    return Made(made["AliasArn"], {"AliasArn": made["AliasArn"]})


def _alias(request: Request) -> dict[str, Any]:
    weights = {
        str(each["FunctionVersion"]): float(each["FunctionWeight"])
        for each in request.properties.get("RoutingConfig", {}).get("AdditionalVersionWeights", [])
    }
    return {
        "Description": "",
        **request.pick("FunctionName", "FunctionVersion", "Name", "Description"),
        "RoutingConfig": {"AdditionalVersionWeights": weights},
    }


def _update_alias(request: Request, made: Made) -> Made:
    request.client("lambda").update_alias(**_alias(request))
    return made


def _delete_alias(request: Request, made: Made) -> None:  # noqa: ARG001 - the signature of deletes
    request.client("lambda").delete_alias(**request.pick("FunctionName", "Name"))


TYPES = (
    ResourceType(
        "AWS::Lambda::Function",
        honoured=words(
            "FunctionName Code.S3Bucket Code.S3Key Code.ZipFile Handler Runtime Role Timeout MemorySize "
            "Environment EphemeralStorage "
            "Layers Description "
            "ReservedConcurrentExecutions DeadLetterConfig LoggingConfig Tags"
        ),
        accepted={
            "Architectures": "functions run on this machine's own architecture",
            "PackageType": "`Zip` is the only one",
            "RuntimeManagementConfig": "functions run on the emulator's own Python",
            "RecursiveLoop": "no loop is looked for",
            "TracingConfig": "nothing is traced",
        },
        attributes=words("Arn"),
        create=_create_function,
        finish=_reserve,
        update=_update_function,
        delete=_delete_function,
        replaced_by=words("FunctionName"),
        name_property="FunctionName",
        note="Python runtimes run in worker processes, on the emulator's own version of Python; of other "
        "runtimes only CDK's own helpers are taken",
    ),
    ResourceType(
        "AWS::Lambda::LayerVersion",
        honoured=words("LayerName Content.S3Bucket Content.S3Key Description"),
        accepted={
            "CompatibleRuntimes": "recorded; no runtime is held against it",
            "CompatibleArchitectures": "recorded; no architecture is held against it",
            "LicenseInfo": "recorded",
        },
        attributes=words("LayerVersionArn"),
        create=_create_layer,
        delete=_delete_layer,
        name_property="LayerName",
        generated_name_limit=140,
    ),
    ResourceType(
        "AWS::Lambda::Permission",
        honoured=words("FunctionName Action Principal SourceArn SourceAccount"),
        attributes=words("Id"),
        create=_create_permission,
        delete=_delete_permission,
        note="HTTP APIs, rules, topics and buckets invoke only what they are permitted to",
    ),
    ResourceType(
        "AWS::Lambda::EventSourceMapping",
        honoured=words(
            "FunctionName EventSourceArn BatchSize Enabled FilterCriteria FunctionResponseTypes "
            "MaximumBatchingWindowInSeconds ScalingConfig BisectBatchOnFunctionError DestinationConfig "
            "MaximumRecordAgeInSeconds MaximumRetryAttempts ParallelizationFactor StartingPosition"
        ),
        accepted={"Tags": "mappings carry no tags here"},
        attributes=words("Id EventSourceMappingArn"),
        create=_create_mapping,
        update=_update_mapping,
        delete=_delete_mapping,
        replaced_by=words("EventSourceArn StartingPosition"),
        note="SQS queues and DynamoDB streams are polled; other sources are refused",
    ),
    ResourceType(
        "AWS::Lambda::EventInvokeConfig",
        honoured=words(
            "FunctionName MaximumRetryAttempts MaximumEventAgeInSeconds DestinationConfig Qualifier"
        ),
        create=_put_invoke_config,
        update=_update_invoke_config,
        replaced_by=words("FunctionName Qualifier"),
        delete=_delete_invoke_config,
    ),
    ResourceType(
        "AWS::Lambda::Version",
        honoured=words("FunctionName Description CodeSha256"),
        attributes=words("Version FunctionArn"),
        create=_publish_version,
        delete=_delete_version,
    ),
    ResourceType(
        "AWS::Lambda::Alias",
        honoured=words("FunctionName FunctionVersion Name Description RoutingConfig"),
        attributes=words("AliasArn"),
        create=_create_alias,
        update=_update_alias,
        delete=_delete_alias,
        replaced_by=words("FunctionName Name"),
    ),
)
