"""Published versions: snapshots of code and configuration that nothing changes any more."""

import copy
import json
from typing import Any
from urllib.parse import unquote

from moto.awslambda.exceptions import InvalidParameterValueException, LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaStorage
from moto.awslambda.responses import LambdaResponse

from emulator.events.hooks import Hooks
from emulator.lambda_api.aliases import aliases_of
from emulator.lambda_api.configuration import check_revision
from emulator.lambda_api.names import LATEST, split_name

_SNAPSHOT = [
    "code_sha_256",
    "handler",
    "run_time",
    "role",
    "timeout",
    "memory_size",
    "environment_vars",
    "layers",
    "ephemeral_storage",
    "description",
    "architectures",
    "tracing_config",
    "dead_letter_config",
    "logging_config",
]


class _ConflictError(LambdaClientError):
    code = 409


def install(hooks: Hooks) -> None:
    """Publish and delete versions by Lambda's rules."""
    remove = LambdaStorage.del_function

    def publish_from(storage: Any, name: str, description: str = "") -> Any:
        return publish(storage, name, description)

    def delete(storage: Any, name: str, qualifier: str | None = None) -> None:
        _check_delete(storage, *split_name(name, qualifier))
        remove(storage, name, qualifier)

    hooks.replace(LambdaStorage, "publish_version", publish_from)
    hooks.replace(LambdaStorage, "del_function", delete)
    hooks.replace(LambdaResponse, "publish_version", _publish_on_request)


def publish(storage: Any, name_or_arn: str, description: str = "", code_sha256: str | None = None) -> Any:
    """Publish a version, or find that nothing has changed since the last one.

    Parameters
    ----------
    storage
        moto's storage of functions.
    name_or_arn
        The function, without qualifier.
    description
        The version's; without one, the function's.
    code_sha256
        Digest that the code must have.

    Returns
    -------
    Any
        moto's function, frozen; the last version when code and configuration are those it was made from.

    Raises
    ------
    InvalidParameterValueException
        The code is another than the caller expects.
    """
    latest = storage.get_function_by_name_or_arn_forbid_qualifier(name_or_arn)
    if code_sha256 and code_sha256 != latest.code_sha_256:
        raise InvalidParameterValueException(
            f"CodeSHA256 ({code_sha256}) is different from current CodeSHA256 in $LATEST "
            f"({latest.code_sha_256}). Please try again with the CodeSHA256 in $LATEST."
        )
    versions = storage._functions[latest.function_name]["versions"]  # noqa: SLF001  moto has no accessor
    state = json.dumps([getattr(latest, name) for name in _SNAPSHOT], default=str, sort_keys=True)
    if versions and versions[-1].published_from == state:
        return versions[-1]
    version = _snapshot(latest, description)
    version.published_from = state
    versions.append(version)
    storage._arns[version.function_arn] = version  # noqa: SLF001  moto has no accessor
    return version


def _snapshot(latest: Any, description: str) -> Any:
    # A number is never given twice, though its version may have been deleted.
    latest.last_version = getattr(latest, "last_version", 0) + 1
    version = copy.copy(latest)
    for name in ("code", "environment_vars", "tags", "dead_letter_config", "logging_config"):
        setattr(version, name, copy.deepcopy(getattr(latest, name)))
    version.event_invoke_config = []
    version.set_version(latest.last_version)
    if description:
        version.description = description
    return version


def _check_delete(storage: Any, name: str, qualifier: str | None) -> None:
    if qualifier is None:
        return
    if qualifier == LATEST:
        raise InvalidParameterValueException(
            "$LATEST version cannot be deleted without deleting the function."
        )
    aliases = aliases_of(storage, name)
    if qualifier in aliases:
        raise InvalidParameterValueException("Deletion of aliases is not currently supported.")
    pointing = sorted(alias.name for alias in aliases.values() if qualifier in alias_versions(alias))
    if pointing:
        raise _ConflictError(
            "ResourceConflictException",
            f"Unable to delete version because the following aliases reference it: [{', '.join(pointing)}]",
        )


def alias_versions(alias: Any) -> set[str]:
    """Name the versions an alias may run.

    Parameters
    ----------
    alias
        moto's alias.

    Returns
    -------
    set of str
        Its own, and the one that takes a share.
    """
    return {
        str(alias.function_version),
        *((alias.routing_config or {}).get("AdditionalVersionWeights") or {}),
    }


def _publish_on_request(response: Any) -> tuple[int, dict[str, Any], str]:
    body = json.loads(response.body or "{}")
    backend: LambdaBackend = response.backend
    name = unquote(response.path.rstrip("/").split("/")[-2])
    check_revision(backend.get_function(name), body)
    storage = backend._lambdas  # noqa: SLF001  moto has no accessor
    version = publish(storage, name, body.get("Description", ""), body.get("CodeSha256"))
    return 201, {"status": 201}, json.dumps(version.get_configuration())
