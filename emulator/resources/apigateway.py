"""API Gateway HTTP APIs; `emulator.http_api` answers their calls."""

from typing import Any

from emulator.resources.base import Made, Properties, Request, ResourceType, words


def _create_api(request: Request) -> Made:
    properties = request.properties
    if properties.get("ProtocolType", "HTTP") != "HTTP":
        raise ValueError(f"ProtocolType is {properties['ProtocolType']}; the local cloud has HTTP APIs only")
    api_id = request.client("apigatewayv2").create_api(
        Name=request.name,
        ProtocolType="HTTP",
        Tags=request.tags(),
        **request.pick("CorsConfiguration", "Description", "DisableExecuteApiEndpoint", "Version"),
    )["ApiId"]
    return Made(api_id, {"ApiId": api_id, "ApiEndpoint": request.services.api_url(api_id)})


def _update_api(request: Request, made: Made) -> Made:
    request.client("apigatewayv2").update_api(
        ApiId=made.physical_id,
        **request.pick("Name", "CorsConfiguration", "Description", "DisableExecuteApiEndpoint", "Version"),
    )
    return made


def _delete_api(request: Request, made: Made) -> None:
    request.client("apigatewayv2").delete_api(ApiId=made.physical_id)


def _stage(request: Request) -> Properties:
    return request.pick(
        "AutoDeploy", "StageVariables", "Description", "DefaultRouteSettings", "AccessLogSettings"
    )


def _create_stage(request: Request) -> Made:
    properties = request.properties
    request.client("apigatewayv2").create_stage(
        ApiId=properties["ApiId"], StageName=properties["StageName"], Tags=request.tags(), **_stage(request)
    )
    return Made(properties["StageName"])


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
    if arguments.get("IntegrationType") != "AWS_PROXY" or arguments.get("PayloadFormatVersion") != "2.0":
        raise ValueError(
            "only AWS_PROXY integrations with PayloadFormatVersion 2.0 answer here; this one is "
            f"{arguments.get('IntegrationType')} {arguments.get('PayloadFormatVersion')}"
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
    kind = arguments.get("AuthorizationType", "NONE")
    if kind not in {"NONE", "AWS_IAM"}:
        raise ValueError(f"AuthorizationType is {kind}; NONE and AWS_IAM are held here")
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


def _create_authorizer(request: Request) -> Made:
    arguments: dict[str, Any] = request.pick(
        "ApiId", "AuthorizerType", "Name", "IdentitySource", "JwtConfiguration"
    )
    made = request.client("apigatewayv2").create_authorizer(**arguments)
    return Made(made["AuthorizerId"], {"AuthorizerId": made["AuthorizerId"]})


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
        honoured=words("ApiId StageName AutoDeploy StageVariables Description Tags"),
        accepted={
            "AccessLogSettings": "no access logs are written; the meter counts calls",
            "DefaultRouteSettings": "nothing is throttled",
            "RouteSettings": "nothing is throttled",
        },
        create=_create_stage,
        delete=_delete_stage,
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
        honoured=words("ApiId RouteKey Target AuthorizationType"),
        attributes=words("RouteId"),
        create=_create_route,
        update=_update_route,
        delete=_delete_route,
        replaced_by=words("ApiId"),
        note="NONE and AWS_IAM; a signature is verified against credentials the local cloud issued",
    ),
    ResourceType(
        "AWS::ApiGatewayV2::Authorizer",
        honoured=words("ApiId AuthorizerType Name IdentitySource JwtConfiguration"),
        attributes=words("AuthorizerId"),
        create=_create_authorizer,
        delete=_delete_authorizer,
        note="recorded; routes that use one are refused",
    ),
)
