"""HTTP APIs of a running cloud: authorizers, throttling, limits and access logs, as a caller meets them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import urllib3

from emulator.cloud import Cloud
from tests.emulator.http_api.conftest import Issuer

CODE = """
import json, time

def echo(event, context):
    if event["rawPath"] == "/slow":
        time.sleep(1)
    return {"event": event}

asked = []

def let_in(event, context):
    asked.append(event["routeArn"])
    token = event["identitySource"][0]
    if token == "broken":
        return {"isAuthorized": "perhaps not"}["nothing"]
    context = {"asked": len(asked), "route": event["routeKey"]}
    return {"isAuthorized": token == "open sesame", "context": context}

def by_policy(event, context):
    resource = event["routeArn"].rpartition("/")[0] + "/mine"
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
    return {"principalId": "ann", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
"""
FORMAT = json.dumps(
    {
        "status": "$context.status",
        "route": "$context.routeKey",
        "who": "$context.authorizer.claims.sub",
        "told": "$context.error.message",
        "function": "$context.integration.status",
        "x": "$context.nothing",
    }
)


def function(name: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": f"index.{name}",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": CODE},
        },
    }


def permission(name: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Fn::GetAtt": [name, "Arn"]},
            "Principal": "apigateway.amazonaws.com",
        },
    }


def uri(name: str) -> dict[str, Any]:
    place = (
        "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${" + name + ".Arn}/invocations"
    )
    return {"Fn::Sub": place}


def lambda_authorizer(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGatewayV2::Authorizer",
        "Properties": {
            "ApiId": {"Ref": "Api"},
            "AuthorizerType": "REQUEST",
            "Name": name,
            "AuthorizerUri": uri(name),
            "AuthorizerPayloadFormatVersion": "2.0",
            "IdentitySource": ["$request.header.x-token"],
            "AuthorizerResultTtlInSeconds": 300,
            **properties,
        },
    }


def route(key: str, **properties: Any) -> dict[str, Any]:
    target = {"Fn::Sub": "integrations/${Echo}"}
    return {
        "Type": "AWS::ApiGatewayV2::Route",
        "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": key, "Target": target, **properties},
    }


def jwt_route(key: str, authorizer: str, **properties: Any) -> dict[str, Any]:
    return route(key, AuthorizationType="JWT", AuthorizerId={"Ref": authorizer}, **properties)


def jwt_authorizer(issuer: str, audience: str) -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGatewayV2::Authorizer",
        "Properties": {
            "ApiId": {"Ref": "Api"},
            "AuthorizerType": "JWT",
            "Name": "tokens",
            "IdentitySource": ["$request.header.Authorization"],
            "JwtConfiguration": {"Issuer": issuer, "Audience": [audience]},
        },
    }


def template(issuer_url: str, pool_url: str, client: str) -> dict[str, Any]:
    trust = {
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
        ]
    }
    custom = {"AuthorizationType": "CUSTOM"}
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
            "EchoFunction": function("echo"),
            "letin": function("let_in"),
            "bypolicy": function("by_policy"),
            **{f"{name}Permission": permission(name) for name in ("EchoFunction", "letin", "bypolicy")},
            "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "shop", "ProtocolType": "HTTP"}},
            "Echo": {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationUri": {"Fn::GetAtt": ["EchoFunction", "Arn"]},
                    "PayloadFormatVersion": "2.0",
                    "TimeoutInMillis": 400,
                },
            },
            "Tokens": jwt_authorizer(issuer_url, "shop"),
            "Pool": jwt_authorizer(pool_url, client),
            "Sesame": lambda_authorizer("letin", EnableSimpleResponses=True),
            "Policies": lambda_authorizer("bypolicy"),
            "Open": route("GET /open"),
            "Slow": route("GET /slow"),
            "Rare": route("GET /rare"),
            "Token": jwt_route("GET /token", "Tokens"),
            "Scope": jwt_route("GET /scope", "Tokens", AuthorizationScopes=["read", "write"]),
            "Member": jwt_route("GET /member", "Pool"),
            "Cave": route("GET /cave", AuthorizerId={"Ref": "Sesame"}, **custom),
            "Mine": route("GET /mine", AuthorizerId={"Ref": "Policies"}, **custom),
            "Yours": route("GET /yours", AuthorizerId={"Ref": "Policies"}, **custom),
            "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "access"}},
            "Stage": {
                "Type": "AWS::ApiGatewayV2::Stage",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "StageName": "$default",
                    "AutoDeploy": True,
                    "AccessLogSettings": {"DestinationArn": {"Fn::GetAtt": ["Log", "Arn"]}, "Format": FORMAT},
                    "DefaultRouteSettings": {"ThrottlingBurstLimit": 1000, "ThrottlingRateLimit": 500},
                    "RouteSettings": {"GET /rare": {"ThrottlingBurstLimit": 2, "ThrottlingRateLimit": 0.1}},
                },
            },
        },
        "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}}},
    }


class Shop:
    """The API and its issuer, on a clock that stands at a moment of the test's."""

    def __init__(self, cloud: Cloud, url: str, issuer: Issuer, pool: str, client: str) -> None:
        self.cloud, self.url, self.issuer, self.pool, self.client = cloud, url, issuer, pool, client
        self.http = urllib3.PoolManager()

    def get(self, path: str, token: str | None = None, **headers: str) -> urllib3.BaseHTTPResponse:
        if token is not None:
            headers["Authorization"] = token
        return self.http.request("GET", self.url + path, headers=headers)

    def token(self, **claims: Any) -> str:
        now = int(self.cloud.clock.now().timestamp())
        return self.issuer.token({"sub": "ann", "aud": "shop", "exp": now + 3600, **claims})


@pytest.fixture(scope="module")
def shop(cloud: Cloud, issuer: Issuer) -> Iterator[Shop]:
    members = cloud.client("cognito-idp")
    pool = members.create_user_pool(PoolName="members")["UserPool"]["Id"]
    client = members.create_user_pool_client(UserPoolId=pool, ClientName="shop")["UserPoolClient"]["ClientId"]
    body = template(issuer.url, f"https://cognito-idp.us-east-1.amazonaws.com/{pool}", client)
    stacks = cloud.client("cloudformation")
    stacks.create_stack(StackName="Shop", TemplateBody=json.dumps(body))
    (output,) = stacks.describe_stacks(StackName="Shop")["Stacks"][0]["Outputs"]
    opened = Shop(cloud, output["OutputValue"], issuer, pool, client)
    cloud.clock.freeze()
    yield opened
    opened.http.clear()


def authorizer_of(answer: urllib3.BaseHTTPResponse) -> Any:
    assert answer.status == 200, answer.data
    return answer.json()["event"]["requestContext"]["authorizer"]


def test_a_good_token_lets_in_and_its_claims_are_told_as_text(shop: Shop) -> None:
    told = authorizer_of(shop.get("/token", f"Bearer {shop.token(groups=['a', 'b'])}"))
    assert told["jwt"]["claims"]["sub"] == "ann"
    assert told["jwt"]["claims"]["groups"] == "[a b]"
    assert told["jwt"]["claims"]["exp"] == str(int(shop.cloud.clock.now().timestamp()) + 3600)
    assert told["jwt"]["scopes"] is None


def test_a_token_is_taken_without_bearer_too(shop: Shop) -> None:
    assert shop.get("/token", shop.token()).status == 200


def test_no_token_is_answered_with_the_scheme_to_use(shop: Shop) -> None:
    answer = shop.get("/token")
    assert (answer.status, answer.data) == (401, b'{"message":"Unauthorized"}')
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_bad_token_is_answered_with_what_is_wrong(shop: Shop) -> None:
    answer = shop.get("/token", f"Bearer {shop.token(aud='elsewhere')}")
    assert (answer.status, answer.data) == (401, b'{"message":"Unauthorized"}')
    assert answer.headers["www-authenticate"] == (
        'Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"'
    )


def test_one_of_the_routes_scopes_is_enough_and_none_is_forbidden(shop: Shop) -> None:
    told = authorizer_of(shop.get("/scope", f"Bearer {shop.token(scope='write delete')}"))
    assert "write" in told["jwt"]["scopes"]
    answer = shop.get("/scope", f"Bearer {shop.token(scope='delete')}")
    assert (answer.status, answer.data) == (403, b'{"message":"Forbidden"}')
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_a_token_ends_when_the_clocks_time_is_over(shop: Shop) -> None:
    token = f"Bearer {shop.token()}"
    assert shop.get("/token", token).status == 200
    shop.cloud.clock.set(shop.cloud.clock.now() + timedelta(hours=1))
    assert "has expired" in shop.get("/token", token).headers["www-authenticate"]


def test_a_user_pool_of_this_cloud_is_an_issuer(shop: Shop) -> None:
    members = shop.cloud.client("cognito-idp")
    members.admin_create_user(UserPoolId=shop.pool, Username="ann")
    members.admin_set_user_password(
        UserPoolId=shop.pool, Username="ann", Password="Secret-123", Permanent=True
    )
    tokens = members.admin_initiate_auth(
        UserPoolId=shop.pool,
        ClientId=shop.client,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": "Secret-123"},
    )["AuthenticationResult"]
    claims = authorizer_of(shop.get("/member", tokens["AccessToken"]))["jwt"]["claims"]
    assert (claims["client_id"], claims["token_use"]) == (shop.client, "access")
    assert shop.get("/token", tokens["AccessToken"]).status == 401


def test_a_function_lets_in_and_its_context_is_told(shop: Shop) -> None:
    told = authorizer_of(shop.get("/cave", **{"x-token": "open sesame"}))
    assert told["lambda"]["route"] == "GET /cave"


def test_a_function_that_says_no_forbids_and_one_that_fails_is_an_error(shop: Shop) -> None:
    assert shop.get("/cave", **{"x-token": "open barley"}).status == 403
    assert shop.get("/cave", **{"x-token": "broken"}).status == 500


def test_without_its_identity_source_the_function_is_not_asked(shop: Shop) -> None:
    assert shop.get("/cave").status == 401


def test_an_answer_is_kept_for_its_time_to_live(shop: Shop) -> None:
    def asked() -> int:
        return int(authorizer_of(shop.get("/cave", **{"x-token": "open sesame"}))["lambda"]["asked"])

    first = asked()
    assert asked() == first
    shop.cloud.clock.set(shop.cloud.clock.now() + timedelta(minutes=5))
    assert asked() > first


def test_a_policy_lets_into_the_routes_it_names(shop: Shop) -> None:
    assert shop.get("/mine", **{"x-token": "t"}).status == 200
    assert shop.get("/yours", **{"x-token": "t"}).status == 403


def test_a_route_takes_its_burst_and_then_what_the_clock_gives(shop: Shop) -> None:
    assert [shop.get("/rare").status for _ in range(3)] == [200, 200, 429]
    assert shop.get("/rare").data == b'{"message":"Too Many Requests"}'
    shop.cloud.clock.set(shop.cloud.clock.now() + timedelta(seconds=10))
    assert [shop.get("/rare").status for _ in range(2)] == [200, 429]


def test_an_integration_that_takes_too_long_is_unavailable(shop: Shop) -> None:
    answer = shop.get("/slow")
    assert (answer.status, answer.data) == (503, b'{"message":"Service Unavailable"}')


def test_a_body_over_ten_megabytes_is_refused(shop: Shop) -> None:
    answer = shop.http.request("POST", f"{shop.url}/open", body=bytes(10 * 1024 * 1024 + 1))
    assert answer.status == 413


def test_each_request_is_a_line_in_the_stages_log_group_in_its_format(shop: Shop) -> None:
    answer = shop.get("/token", f"Bearer {shop.token()}")
    shop.get("/token")
    events = shop.cloud.client("logs").filter_log_events(logGroupName="access")["events"]
    let_in, refused = (json.loads(event["message"]) for event in events[-2:])
    told = {"route": "GET /token", "x": "-"}
    assert let_in == {**told, "status": "200", "who": "ann", "told": "-", "function": "200"}
    assert refused == {**told, "status": "401", "who": "-", "told": "Unauthorized", "function": "-"}
    assert answer.headers["apigw-requestid"] == answer.json()["event"]["requestContext"]["requestId"]


def test_an_api_whose_endpoint_is_disabled_is_not_found(shop: Shop) -> None:
    gateway = shop.cloud.client("apigatewayv2")
    api = shop.url.rpartition("/")[2]
    gateway.update_api(ApiId=api, DisableExecuteApiEndpoint=True)
    assert shop.get("/open").status == 404
    gateway.update_api(ApiId=api, DisableExecuteApiEndpoint=False)
    assert shop.get("/open").status == 200


def test_a_changed_stage_keeps_its_place_and_takes_its_new_settings(shop: Shop) -> None:
    stacks = shop.cloud.client("cloudformation")
    body = json.loads(json.dumps(stacks.get_template(StackName="Shop")["TemplateBody"]))
    body["Resources"]["Stage"]["Properties"]["StageVariables"] = {"colour": "red"}
    stacks.update_stack(StackName="Shop", TemplateBody=json.dumps(body))
    assert shop.get("/open").json()["event"]["stageVariables"] == {"colour": "red"}


def test_a_route_that_no_longer_asks_for_a_token_lets_everybody_in(shop: Shop) -> None:
    stacks = shop.cloud.client("cloudformation")
    body = json.loads(json.dumps(stacks.get_template(StackName="Shop")["TemplateBody"]))
    for name in ("AuthorizationType", "AuthorizerId"):
        del body["Resources"]["Token"]["Properties"][name]
    stacks.update_stack(StackName="Shop", TemplateBody=json.dumps(body))
    assert shop.get("/token").status == 200
