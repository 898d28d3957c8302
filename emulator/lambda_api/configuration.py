"""A function's configuration: what moto forgets is kept, limits hold, the rest is refused by name."""

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from moto.awslambda.exceptions import (
    InvalidParameterValueException,
    PreconditionFailedException,
    UnknownLayerVersionException,
)
from moto.awslambda.models import LambdaBackend, LambdaFunction

from emulator.events.hooks import Hooks

ENVIRONMENT_LIMIT_BYTES = 4096
"""Size of all environment variables, written as JSON (Lambda quotas)."""

_RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECRET_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
_UNSUPPORTED = {
    "VpcConfig": "functions run on this machine's network",
    "FileSystemConfigs": "no file system is mounted",
    "ImageConfig": "functions come as zip files",
    "SnapStart": "no snapshot is taken",
    "KMSKeyArn": "environments are not encrypted",
    "CodeSigningConfigArn": "no signature is verified",
    "CapacityProviderConfig": "functions run in worker processes",
    "DurableConfig": "durable executions are not modelled",
}
_NOT_IN_EFFECT: tuple[Any, ...] = (
    {},
    [],
    None,
    {"SubnetIds": [], "SecurityGroupIds": []},
    {"ApplyOn": "None"},
)
_KEPT = {"DeadLetterConfig": "dead_letter_config", "LoggingConfig": "logging_config"}
_RANGES = {"Timeout": (1, 900), "MemorySize": (128, 10240)}


def validate(settings: Mapping[str, Any]) -> None:
    """Hold a function's settings against Lambda's limits and what the local cloud models.

    Parameters
    ----------
    settings
        Parameters of ``CreateFunction`` or ``UpdateFunctionConfiguration``.

    Raises
    ------
    InvalidParameterValueException
        One is over its limit, reserved, or not modelled here.
    """
    for name, reason in _UNSUPPORTED.items():
        if name in settings and settings[name] not in _NOT_IN_EFFECT:
            raise InvalidParameterValueException(
                f"{name} is not supported by the local cloud: {reason}; leave {name} out"
            )
    for name, (least, most) in _RANGES.items():
        if name in settings and not least <= int(settings[name]) <= most:
            raise InvalidParameterValueException(
                f"{name} is {settings[name]}; Lambda takes {least} to {most}"
            )
    _validate_logging(settings.get("LoggingConfig") or {})
    _validate_environment((settings.get("Environment") or {}).get("Variables") or {})


def _validate_logging(logging: Mapping[str, str]) -> None:
    levels = sorted({"ApplicationLogLevel", "SystemLogLevel"} & set(logging))
    if levels and logging.get("LogFormat") != "JSON":
        raise InvalidParameterValueException(
            f"LoggingConfig has {' and '.join(levels)}, which count in JSON alone: LogFormat must be JSON"
        )


def _validate_environment(variables: Mapping[str, str]) -> None:
    reserved = sorted(_RESERVED & set(variables))
    beginning = "Lambda was unable to configure your environment variables because the environment variables"
    if reserved:
        raise InvalidParameterValueException(
            f"{beginning} you have provided contains reserved keys that are currently not supported for "
            f"modification. Reserved keys used in this request: {', '.join(reserved)}"
        )
    size = len(json.dumps(variables, separators=(",", ":")).encode())
    if size > ENVIRONMENT_LIMIT_BYTES:
        largest = max(variables, key=lambda name: len(str(variables[name])))
        raise InvalidParameterValueException(
            f"{beginning} you have provided exceeded the 4KB limit: they are {size} bytes as JSON, of "
            f"{ENVIRONMENT_LIMIT_BYTES}; the largest is {largest}"
        )


def install(hooks: Hooks) -> None:
    """Validate what functions are made and changed with, and keep what moto forgets."""
    _install_create(hooks)
    _install_update(hooks)
    hooks.replace(LambdaFunction, "get_configuration", _described(LambdaFunction.get_configuration))
    hooks.replace(LambdaFunction, "_get_layers_data", _layers)


def _install_create(hooks: Hooks) -> None:
    make = LambdaFunction.__init__

    def make_function(
        function: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        validate(spec)
        make(function, account_id, spec, *args, **kwargs)
        for name, attribute in _KEPT.items():
            setattr(function, attribute, spec.get(name) or {})
        function.revision_id = str(uuid.uuid4())

    hooks.replace(LambdaFunction, "__init__", make_function)


def _install_update(hooks: Hooks) -> None:
    configure, load = LambdaFunction.update_configuration, LambdaFunction.update_function_code

    def update(function: Any, settings: dict[str, Any]) -> dict[str, Any]:
        check_revision(function, settings)
        validate(settings)
        configure(function, settings)
        for name, attribute in _KEPT.items():
            if name in settings:
                setattr(function, attribute, settings[name] or {})
        if "EphemeralStorage" in settings:
            function.ephemeral_storage = settings["EphemeralStorage"]["Size"]
        if "TracingConfig" in settings:
            function.tracing_config = settings["TracingConfig"]
        function.revision_id = str(uuid.uuid4())
        return dict(function.get_configuration())

    def update_code(backend: Any, name: str, qualifier: str | None, body: dict[str, Any]) -> dict[str, Any]:
        function = backend.get_function(name, qualifier)
        check_revision(function, body)
        load(function, body)
        if not body.get("DryRun"):
            function.revision_id = str(uuid.uuid4())
        chosen = backend.publish_version(name) if body.get("Publish") else function
        return dict(chosen.get_configuration())

    hooks.replace(LambdaFunction, "update_configuration", update)
    # moto loads the code a second time, into the version it has just published.
    hooks.replace(LambdaBackend, "update_function_code", update_code)


def check_revision(holder: Any, body: Mapping[str, Any]) -> None:
    """Refuse a change meant for another state of a function or alias.

    Parameters
    ----------
    holder
        moto's function or alias.
    body
        Request, with or without ``RevisionId``.

    Raises
    ------
    PreconditionFailedException
        The revision named is not the latest.
    """
    if body.get("RevisionId") not in {None, holder.revision_id}:
        raise PreconditionFailedException(
            "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API "
            "to retrieve the latest RevisionId for your resource."
        )


def _described(describe: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def get_configuration(function: Any, on_create: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002  moto's signature
        described = describe(function, on_create)
        if function.dead_letter_config:
            described["DeadLetterConfig"] = function.dead_letter_config
        logging = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.function_name}"}
        described["LoggingConfig"] = logging | function.logging_config
        described["RevisionId"] = function.revision_id
        return described

    return get_configuration


def _layers(function: Any, arns: list[str]) -> list[dict[str, Any]]:
    """Keep the layers themselves: a function goes on with one that was deleted, as in Lambda."""
    from moto.awslambda.utils import get_backend  # noqa: PLC0415  moto's own circle of imports

    backend = get_backend(function.account_id, function.region)
    found = [backend.layers_versions_by_arn(arn) for arn in arns]
    kept = {layer.arn: layer for layer in getattr(function, "layer_versions", ())}
    layers = [layer or kept.get(arn) for arn, layer in zip(arns, found, strict=True)]
    if not all(layers):
        raise UnknownLayerVersionException(arns)
    function.layer_versions = tuple(layers)
    return [{"Arn": layer.arn, "CodeSize": layer.code_size} for layer in layers if layer]
