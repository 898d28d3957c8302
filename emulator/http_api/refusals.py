"""What API Gateway has and this gateway does not do is refused where it is asked for, not when it is called.

Templates come this way too: their resources are made through the same operations.
"""

from collections.abc import Callable, Mapping
from typing import Any

from moto.apigatewayv2.exceptions import APIGatewayV2Error
from moto.apigatewayv2.models import ApiGatewayV2Backend

from emulator.events.hooks import Hooks

Asked = Mapping[str, Any]
"""Arguments of an operation, as moto names them; None for what was not given."""


class Refused(APIGatewayV2Error):
    """Answers a request for what is not done here."""

    code = 400

    def __init__(self, text: str) -> None:
        super().__init__("BadRequestException", text)


def install(hooks: Hooks) -> None:
    """Put the refusals before moto's operations.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    """
    for operation, check in (
        ("create_api", _check_api),
        ("create_integration", _check_integration),
        ("update_integration", _check_integration),
        ("create_authorizer", _check_new_authorizer),
        ("update_authorizer", _check_changed_authorizer),
    ):
        hooks.replace_method(ApiGatewayV2Backend, operation, _checked(operation, check))


def _checked(operation: str, check: Callable[[Asked], None]) -> Callable[..., Any]:
    original = getattr(ApiGatewayV2Backend, operation)

    def checked(backend: Any, *arguments: Any, **asked: Any) -> Any:
        check(asked)
        return original(backend, *arguments, **asked)

    return checked


def _check_api(asked: Asked) -> None:
    if asked.get("protocol_type") != "HTTP":
        raise Refused(f"ProtocolType is {asked.get('protocol_type')}; the local cloud has HTTP APIs only")


def _check_integration(asked: Asked) -> None:
    kind, version = asked.get("integration_type"), asked.get("payload_format_version")
    if kind not in {None, "AWS_PROXY"}:
        raise Refused(f"IntegrationType is {kind}; the local cloud's HTTP APIs lead to functions: AWS_PROXY")
    if asked.get("integration_subtype"):
        raise Refused(
            f"IntegrationSubtype is {asked['integration_subtype']}; the local cloud's HTTP APIs lead to "
            "functions: let one call the service"
        )
    if version not in {None, "2.0"}:
        raise Refused(f"PayloadFormatVersion is {version}; functions are asked with 2.0 here")


def _check_new_authorizer(asked: Asked) -> None:
    if asked.get("authorizer_type") == "REQUEST":
        _check_version(asked.get("auth_payload_format_version"))


def _check_changed_authorizer(asked: Asked) -> None:
    if asked.get("auth_payload_format_version") is not None:
        _check_version(asked["auth_payload_format_version"])


def _check_version(version: str | None) -> None:
    if version != "2.0":
        raise Refused(
            f"AuthorizerPayloadFormatVersion is {version}; Lambda authorizers are asked with 2.0 here"
        )
