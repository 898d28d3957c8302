"""Which permissions requests need whose resources' ARNs are not in the request.

A policy names a key by its id and a secret by its random suffix; a request may name an alias, or the secret's
name alone; who answers a task shows a token of a state machine. What they stand for is looked up.
"""

import base64
from typing import Any

from moto.kms.utils import KEY_ID_LEN
from moto.stepfunctions.parser.api import ExecutionStatus

from emulator import aws
from emulator.identity.policy import Need
from emulator.identity.request import AwsRequest

_OF_NO_KEY = frozenset({"CreateKey", "GenerateRandom", "ListAliases", "ListKeys", "ListRetirableGrants"})
_OF_AN_ALIAS = frozenset({"CreateAlias", "UpdateAlias", "DeleteAlias"})
_OF_NO_SECRET = frozenset({"GetRandomPassword", "ListSecrets"})


def kms_needs(request: AwsRequest) -> tuple[Need, ...] | None:
    """Name the permissions a request to the key management service needs.

    Parameters
    ----------
    request
        The request.

    Returns
    -------
    tuple of Need or None
        None for an operation without a mapping.
    """
    operation = request.operation
    if operation in _OF_NO_KEY:
        return (Need(f"kms:{operation}", "*"),)
    if operation in _OF_AN_ALIAS:
        alias = request.text("AliasName")
        key = request.text("TargetKeyId") or alias
        return (Need(f"kms:{operation}", request.arn(alias)), Need(f"kms:{operation}", _key(request, key)))
    if operation == "ReEncrypt":
        source = request.text("SourceKeyId") or _encrypted_with(request)
        return (
            Need("kms:ReEncryptFrom", _key(request, source)),
            Need("kms:ReEncryptTo", _key(request, request.text("DestinationKeyId"))),
        )
    key = request.text("KeyId") or (_encrypted_with(request) if operation == "Decrypt" else "")
    return (Need(f"kms:{operation}", _key(request, key)),) if key else None


def _key(request: AwsRequest, name: str) -> str:
    """Write the ARN of a key that is named by id, ARN, alias or an alias's ARN."""
    backend: Any = aws.backend("kms", request.region)
    plain = name.rpartition(f"{aws.ACCOUNT}:")[2]
    if plain.startswith("alias/"):
        plain = backend.get_key_id_from_alias(plain) or plain
    return request.arn(f"key/{plain.removeprefix('key/')}")


def _encrypted_with(request: AwsRequest) -> str:
    """Read the key's id from a ciphertext, which begins with it."""
    blob = base64.b64decode(request.text("CiphertextBlob"))
    return blob[:KEY_ID_LEN].decode() if len(blob) > KEY_ID_LEN else ""


def secret_needs(request: AwsRequest) -> tuple[Need, ...] | None:
    """Name the permissions a request to the store of secrets needs.

    Parameters
    ----------
    request
        The request.

    Returns
    -------
    tuple of Need or None
        None for an operation without a mapping.
    """
    action = f"secretsmanager:{request.operation}"
    if request.operation in _OF_NO_SECRET:
        return (Need(action, "*"),)
    if request.operation == "BatchGetSecretValue":
        names = request.parameters.get("SecretIdList") or []
        read = (Need("secretsmanager:GetSecretValue", _secret(request, name)) for name in names)
        return (Need(action, "*"), *read)
    name = request.text("SecretId") or request.text("Name")
    return (Need(action, _secret(request, name)),) if name else None


def _secret(request: AwsRequest, name: str) -> str:
    known = aws.backend("secretsmanager", request.region).secrets.get(name)
    if known is not None:
        return str(known.arn)
    return name if name.startswith("arn:") else request.arn(f"secret:{name}")


def user_pool_needs(request: AwsRequest) -> tuple[Need, ...] | None:
    """Name the permissions a request to Cognito's user pools needs.

    Parameters
    ----------
    request
        The request.

    Returns
    -------
    tuple of Need or None
        None for an operation that names no pool.
    """
    action, pool = f"cognito-idp:{request.operation}", request.text("UserPoolId")
    if request.operation in {"CreateUserPool", "ListUserPools"}:
        return (Need(action, "*"),)
    return (Need(action, request.arn(f"userpool/{pool}")),) if pool else None


def task_needs(request: AwsRequest) -> tuple[Need, ...]:
    """Name the permission to answer for a task of a state machine: it is about the machine.

    Parameters
    ----------
    request
        ``SendTaskSuccess``, ``SendTaskFailure`` or ``SendTaskHeartbeat``.

    Returns
    -------
    tuple of Need
        On every machine where nothing waits for the token.
    """
    backend: Any = aws.backend("stepfunctions", request.region)
    token = request.text("taskToken")
    for execution in backend._get_executions(ExecutionStatus.RUNNING):  # noqa: SLF001 - moto's own list
        worker = execution.exec_worker  # none yet in the moment of its start
        if worker and worker.env.callback_pool_manager.get(token) is not None:
            return (Need(f"states:{request.operation}", str(execution.state_machine.arn)),)
    return (Need(f"states:{request.operation}", request.arn("stateMachine:*")),)
