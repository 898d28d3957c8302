"""Resource policies by qualifier: what is given to an alias is neither the function's nor a version's."""

import json
from typing import Any
from urllib.parse import unquote

from moto.awslambda.exceptions import GenericResourcNotFound, LambdaClientError, UnknownPolicyException
from moto.awslambda.models import LambdaBackend
from moto.awslambda.responses import LambdaResponse

from emulator.events.hooks import Hooks
from emulator.lambda_api.names import LATEST, split_name, unqualified


class _ConflictError(LambdaClientError):
    code = 409


def install(hooks: Hooks) -> None:
    """Keep permissions apart that moto throws together."""
    hooks.replace(LambdaBackend, "add_permission", _add)
    hooks.replace(LambdaBackend, "get_policy", _get)
    hooks.replace(LambdaResponse, "remove_permission", _remove)


def statements_of(backend: Any, name_or_arn: str, qualifier: str | None = None) -> list[dict[str, Any]]:
    """Give the statements about a function, a version or an alias, each without the others'.

    Parameters
    ----------
    backend
        moto's Lambda backend.
    name_or_arn, qualifier
        What they are about.

    Returns
    -------
    list of dict
        Statements of a policy.
    """
    function, resource = _asked(backend, name_or_arn, qualifier)
    return [each for each in list(function.policy.statements) if each.get("Resource") == resource]


def _asked(backend: Any, name_or_arn: str, qualifier: str | None) -> tuple[Any, str]:
    """Find the function whose policy holds all statements, and the resource that is asked for."""
    name, qualifier = split_name(name_or_arn, qualifier)
    backend.get_function(name, qualifier)
    function = backend.get_function(name)
    arn = unqualified(function.function_arn)
    return function, arn if qualifier in {None, LATEST} else f"{arn}:{qualifier}"


def _add(backend: Any, name: str, qualifier: str | None, raw: str) -> Any:
    function, resource = _asked(backend, name, qualifier)
    sid = json.loads(raw).get("StatementId")
    if any(each.get("Sid") == sid for each in statements_of(backend, name, qualifier)):
        raise _ConflictError(
            "ResourceConflictException",
            f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove "
            "the existing statement.",
        )
    suffix = resource.removeprefix(unqualified(resource)).lstrip(":")
    statement, _ = function.policy.add_statement(raw, suffix or None)
    return statement


def _get(backend: Any, name: str, qualifier: str | None = None) -> str:
    statements = statements_of(backend, name, qualifier)
    if not statements:
        raise GenericResourcNotFound
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
    function, _ = _asked(backend, name, qualifier)
    return json.dumps({"Policy": json.dumps(policy), "RevisionId": function.policy.revision})


def _remove(response: Any) -> tuple[int, dict[str, Any], str]:
    *_, quoted_name, _, quoted_sid = response.path.rstrip("/").split("/")
    qualifier = response.querystring.get("Qualifier", [None])[0]
    function, resource = _asked(response.backend, unquote(quoted_name), qualifier)
    sid, statements = unquote(quoted_sid), function.policy.statements
    found = [each for each in statements if each.get("Sid") == sid and each.get("Resource") == resource]
    if not found:
        raise UnknownPolicyException
    statements.remove(found[0])
    return 204, {"status": 204}, ""
