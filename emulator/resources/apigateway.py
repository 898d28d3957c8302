"""API Gateway HTTP APIs; `emulator.http_api` answers their calls."""

from typing import Any

from emulator.resources.base import Made, Properties, Request, ResourceType, words
from emulator.resources.tagging import retag


def _create_api(request: Request) -> Made:
    api_id = request.client("apigatewayv2").create_api(
        Name=request.name,
        ProtocolType=request.properties.get("ProtocolType", "HTTP"),
        Tags=request.tags(),
        **request.pick("CorsConfiguration", "Description", "DisableExecuteApiEndpoint", "Version"),
    )["ApiId"]
    return Made(api_id, {"ApiId": api_id, "ApiEndpoint": request.services.api_url(api_id)})


def _update_api(request: Request, made: Made) -> Made:
    request.client("apigatewayv2").update_api(
        ApiId=made.physical_id,
        **request.pick("Name", "CorsConfiguration", "Description", "DisableExecuteApiEndpoint", "Version"),
    )
    retag(request, f"arn:aws:apigateway:{request.services.region}::/apis/{made.physical_id}")
    return made


def _delete_api(request: Request, made: Made) -> None:
    request.client("apigatewayv2").delete_api(ApiId=made.physical_id)


def _stage(request: Request) -> Properties:
    arguments = request.pick("AutoDeploy", "StageVariables", "Description", "AccessLogSettings")
    destination = (arguments.get("AccessLogSettings") or {}).get("DestinationArn", "arn:aws:logs:")
    if not destination.startswith("arn:aws:logs:"):
        raise ValueError(
            f"AccessLogSettings.DestinationArn is {destination}; access logs are written to log groups only: "
            "name one"
        )
    settings = request.properties.get("DefaultRouteSettings")
    if settings:
        arguments["DefaultRouteSettings"] = _limits(settings)
    routes = request.properties.get("RouteSettings")
    if routes:
        arguments["RouteSettings"] = {key: _limits(settings) for key, settings in routes.items()}
    return arguments


def _limits(settings: Properties) -> Properties:
    """Read route settings; CloudFormation may write their numbers as text."""
    unknown = set(settings) - {"ThrottlingBurstLimit", "ThrottlingRateLimit", "DetailedMetricsEnabled"}
    if unknown:
        raise ValueError(f"route settings name {', '.join(sorted(unknown))}, which HTTP APIs do not have")
    limits = dict(settings)
    if "ThrottlingBurstLimit" in limits:
        limits["ThrottlingBurstLimit"] = int(limits["ThrottlingBurstLimit"])
    if "ThrottlingRateLimit" in limits:
        limits["ThrottlingRateLimit"] = float(limits["ThrottlingRateLimit"])
    return limits


def _create_stage(request: Request) -> Made:
    properties = request.properties
    request.client("apigatewayv2").create_stage(
        ApiId=properties["ApiId"], StageName=properties["StageName"], Tags=request.tags(), **_stage(request)
    )
    return Made(properties["StageName"])


def _update_stage(request: Request, made: Made) -> Made:
    # There is no UpdateStage in moto; a stage that is made again takes the place of the one of that name.
    _create_stage(request)
    return made


def _delete_stage(request: Request, made: Made) -> None:
    request.client("apigatewayv2").delete_stage(ApiId=request.properties["ApiId"], StageName=made.physical_id)


def _integration(request: Request) -> Properties:
    arguments = request.pick(
        "IntegrationType",
        "IntegrationUri",
        "IntegrationMethod",
        "PayloadFormatVersion",
        "TimeoutInMillis",
        "Description",
    )
    if "TimeoutInMillis" in arguments:
        arguments["TimeoutInMillis"] = int(arguments["TimeoutInMillis"])
    return arguments


def _create_integration(request: Request) -> Made:
    made = request.client("apigatewayv2").create_integration(
        ApiId=request.properties["ApiId"], **_integration(request)
    )
    return Made(made["IntegrationId"], {"IntegrationId": made["IntegrationId"]})


def _update_integration(request: Request, made: Made) -> Made:
    request.client("apigatewayv2").update_integration(
        ApiId=request.properties["ApiId"], IntegrationId=made.physical_id, **_integration(request)
    )
    return made


def _delete_integration(request: Request, made: Made) -> None:
    request.client("apigatewayv2").delete_integration(
        ApiId=request.properties["ApiId"], IntegrationId=made.physical_id
    )


def _route(request: Request) -> Properties:
    arguments = request.pick("RouteKey", "Target", "AuthorizationType", "AuthorizerId", "AuthorizationScopes")
    arguments.setdefault("AuthorizationType", "NONE")  # moto's UpdateRoute keeps what it is not given
    return arguments


def _create_route(request: Request) -> Made:
    made = request.client("apigatewayv2").create_route(ApiId=request.properties["ApiId"], **_route(request))
    return Made(made["RouteId"], {"RouteId": made["RouteId"]})


def _update_route(request: Request, made: Made) -> Made:
    request.client("apigatewayv2").update_route(
        ApiId=request.properties["ApiId"], RouteId=made.physical_id, **_route(request)
    )
    return made


def _delete_route(request: Request, made: Made) -> None:
    request.client("apigatewayv2").delete_route(ApiId=request.properties["ApiId"], RouteId=made.physical_id)


def _authorizer(request: Request) -> dict[str, Any]:
    arguments: dict[str, Any] = request.pick(
        "AuthorizerType",
        "Name",
        "IdentitySource",
        "JwtConfiguration",
        "AuthorizerUri",
        "AuthorizerPayloadFormatVersion",
        "AuthorizerResultTtlInSeconds",
        "EnableSimpleResponses",
    )
    if arguments["AuthorizerType"] == "REQUEST" and not arguments.get("IdentitySource"):
        arguments["IdentitySource"] = []  # the parameter is required, and may be empty
    if "AuthorizerResultTtlInSeconds" in arguments:
        arguments["AuthorizerResultTtlInSeconds"] = int(arguments["AuthorizerResultTtlInSeconds"])
    if "EnableSimpleResponses" in arguments:
        arguments["EnableSimpleResponses"] = str(arguments["EnableSimpleResponses"]).lower() == "true"
    return arguments


def _create_authorizer(request: Request) -> Made:
    made = request.client("apigatewayv2").create_authorizer(
        ApiId=request.properties["ApiId"], **_authorizer(request)
    )
    return Made(made["AuthorizerId"], {"AuthorizerId": made["AuthorizerId"]})


def _update_authorizer(request: Request, made: Made) -> Made:
    request.client("apigatewayv2").update_authorizer(
        ApiId=request.properties["ApiId"], AuthorizerId=made.physical_id, **_authorizer(request)
    )
    return made


def _delete_authorizer(request: Request, made: Made) -> None:
    request.client("apigatewayv2").delete_authorizer(
        ApiId=request.properties["ApiId"], AuthorizerId=made.physical_id
    )


TYPES = (
    ResourceType(
        "AWS::ApiGatewayV2::Api",
        honoured=words(
            "Name ProtocolType CorsConfiguration Description DisableExecuteApiEndpoint Version Tags"
        ),
        attributes=words("ApiId ApiEndpoint"),
        create=_create_api,
        update=_update_api,
        delete=_delete_api,
        replaced_by=words("ProtocolType"),
        name_property="Name",
        generated_name_limit=128,
        note="HTTP APIs; they answer at `/_api/<api id>/`, which is their `ApiEndpoint`",
    ),
    ResourceType(
        "AWS::ApiGatewayV2::Stage",
        honoured=words(
            "ApiId StageName AutoDeploy StageVariables Description Tags "
            "AccessLogSettings.DestinationArn AccessLogSettings.Format "
            "DefaultRouteSettings.ThrottlingBurstLimit DefaultRouteSettings.ThrottlingRateLimit "
            "RouteSettings"
        ),
        accepted={
            "DefaultRouteSettings.DetailedMetricsEnabled": "no metrics are kept; the meter counts calls"
        },
        create=_create_stage,
        update=_update_stage,
        delete=_delete_stage,
        replaced_by=words("ApiId StageName"),
        note="access logs go to log groups; limits count the cloud's time or the wall's",
    ),
    ResourceType(
        "AWS::ApiGatewayV2::Integration",
        honoured=words(
            "ApiId IntegrationType IntegrationUri IntegrationMethod PayloadFormatVersion "
            "TimeoutInMillis Description"
        ),
        attributes=words("IntegrationId"),
        create=_create_integration,
        update=_update_integration,
        delete=_delete_integration,
        replaced_by=words("ApiId"),
        note="Lambda proxies with payload format 2.0",
    ),
    ResourceType(
        "AWS::ApiGatewayV2::Route",
        honoured=words("ApiId RouteKey Target AuthorizationType AuthorizerId AuthorizationScopes"),
        attributes=words("RouteId"),
        create=_create_route,
        update=_update_route,
        delete=_delete_route,
        replaced_by=words("ApiId AuthorizationScopes"),
        note="NONE, AWS_IAM, JWT, CUSTOM; signatures are held against credentials issued here, tokens "
        "against the keys of their issuer",
    ),
    ResourceType(
        "AWS::ApiGatewayV2::Authorizer",
        honoured=words(
            "ApiId AuthorizerType Name IdentitySource JwtConfiguration AuthorizerUri "
            "AuthorizerPayloadFormatVersion AuthorizerResultTtlInSeconds EnableSimpleResponses"
        ),
        attributes=words("AuthorizerId"),
        create=_create_authorizer,
        update=_update_authorizer,
        delete=_delete_authorizer,
        replaced_by=words("ApiId AuthorizerType"),
        note="JWT, and Lambda (REQUEST) with payload format 2.0",
    ),
)
