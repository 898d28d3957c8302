"""HTTP APIs: what a function is told of a request, and what a caller is told of its answer."""

import json
from typing import Any

import urllib3

from tests.differential.scenario import Observation, Scenario, Target
from tests.differential.template import ROLE, arn, function, permission, queue, ref

ANSWERS = """
import json
def handler(event, context):
    asked = (event.get("pathParameters") or {}).get("id")
    if asked == "broken":
        raise ValueError("asked to break")
    if asked == "bytes":
        return {"statusCode": 200, "body": "AP8=", "isBase64Encoded": True, "cookies": ["a=1", "b=2"],
                "headers": {"content-type": "application/octet-stream"}}
    if asked == "plain":
        return {"hello": "world"}
    return {"statusCode": 201, "headers": {"X-Answer": "yes"}, "body": json.dumps(event)}
"""
CORS = {
    "AllowOrigins": ["https://app.example"],
    "AllowMethods": ["GET"],
    "AllowHeaders": ["x-token"],
    "MaxAge": 60,
}


def http_api(target: Target) -> Observation:
    """Call an API in the ways that answers and refusals differ."""
    made = target.deploy(
        {"Role": ROLE, "Seen": queue(), "Answer": function(), **_api()}, {"Api": ref("Api")}, Answer=ANSWERS
    )

    def call(method: str, path: str, **request: Any) -> urllib3.BaseHTTPResponse:
        return target.cloud.call_api(made["Api"], method, path, **request)

    return {**_event(call), **_answers(call)}


def _event(call: Any) -> Observation:
    """Return what the function is told."""
    headers = urllib3.HTTPHeaderDict({"X-Many": "1", "Cookie": "c=1; d=2"})
    headers.add("X-Many", "2")
    got = call("GET", "/orders/o-1?a=1&a=2&b=3%204", headers=headers)
    event = json.loads(got.data) if got.status == 201 else {}
    text = call("POST", "/orders/t", body=b'{"n": 1}', headers={"content-type": "application/json"})
    told_text = json.loads(text.data) if text.status == 201 else {}
    octets = call("POST", "/orders/b", body=b"\x00\xff", headers={"content-type": "application/octet-stream"})
    told_bytes = json.loads(octets.data) if octets.status == 201 else {}
    return {
        "version, route, path": [event.get(name) for name in ("version", "routeKey", "rawPath")],
        "path parameters": event.get("pathParameters"),
        "query": [event.get("rawQueryString"), event.get("queryStringParameters")],
        "cookies": event.get("cookies"),
        "a header given twice": event.get("headers", {}).get("x-many"),
        "header of the cookies": event.get("headers", {}).get("cookie"),
        "fields of the request context": sorted(event.get("requestContext", {})),
        "a body of JSON": [told_text.get("body"), told_text.get("isBase64Encoded")],
        "a body of bytes": [told_bytes.get("body"), told_bytes.get("isBase64Encoded")],
    }


def _answers(call: Any) -> Observation:
    """Return what callers are told."""
    octets, plain = call("GET", "/orders/bytes"), call("GET", "/orders/plain")
    preflight = call(
        "OPTIONS",
        "/orders/o",
        headers={"Origin": "https://app.example", "Access-Control-Request-Method": "GET"},
    )
    foreign = call("GET", "/orders/o", headers={"Origin": "https://evil.example"})
    return {
        "an answer of bytes": [octets.status, octets.data.hex(), octets.headers.getlist("set-cookie")],
        "an answer without a status": [
            plain.status,
            json.loads(plain.data),
            plain.headers.get("content-type"),
        ],
        "a function that fails": _short(call("GET", "/orders/broken")),
        "no such route": _short(call("GET", "/nowhere")),
        "no such method": _short(call("DELETE", "/orders/o")),
        "an unsigned call to a route with IAM": _short(call("GET", "/private")),
        "a preflight": [preflight.status, _cors(preflight)],
        "a foreign origin": [foreign.status, _cors(foreign)],
    }


def _short(answer: urllib3.BaseHTTPResponse) -> list[Any]:
    return [answer.status, json.loads(answer.data)]


def _cors(answer: urllib3.BaseHTTPResponse) -> dict[str, str]:
    found = {name.lower(): value for name, value in answer.headers.items()}
    return {name: value for name, value in sorted(found.items()) if name.startswith("access-control-")}


def _api() -> dict[str, Any]:
    def route(key: str, **properties: Any) -> dict[str, Any]:
        return {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": ref("Api"),
                "RouteKey": key,
                "Target": {"Fn::Sub": "integrations/${Integration}"},
                **properties,
            },
        }

    return {
        "Api": {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {"Name": "orders", "ProtocolType": "HTTP", "CorsConfiguration": CORS},
        },
        "Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": ref("Api"),
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": arn("Answer"),
                "PayloadFormatVersion": "2.0",
            },
        },
        "Get": route("GET /orders/{id}"),
        "Post": route("POST /orders/{id}"),
        "Private": route("GET /private", AuthorizationType="AWS_IAM"),
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": ref("Api"), "StageName": "$default", "AutoDeploy": True},
        },
        "Permission": permission("Answer", "apigateway"),
    }


SCENARIOS = (
    Scenario(
        "An HTTP API",
        http_api,
        {
            "version, route, path": ["2.0", "GET /orders/{id}", "/orders/o-1"],
            "path parameters": {"id": "o-1"},
            "query": ["a=1&a=2&b=3%204", {"a": "1,2", "b": "3 4"}],
            "cookies": ["c=1", "d=2"],
            "a header given twice": "1,2",
            "header of the cookies": None,
            "fields of the request context": [
                "accountId",
                "apiId",
                "domainName",
                "domainPrefix",
                "http",
                "requestId",
                "routeKey",
                "stage",
                "time",
                "timeEpoch",
            ],
            "a body of JSON": ['{"n": 1}', False],
            "a body of bytes": ["AP8=", True],
            "an answer of bytes": [200, "00ff", ["a=1", "b=2"]],
            "an answer without a status": [200, {"hello": "world"}, "application/json"],
            "a function that fails": [500, {"message": "Internal Server Error"}],
            "no such route": [404, {"message": "Not Found"}],
            "no such method": [404, {"message": "Not Found"}],
            "an unsigned call to a route with IAM": [403, {"message": "Forbidden"}],
            "a preflight": [
                204,
                {
                    "access-control-allow-headers": "x-token",
                    "access-control-allow-methods": "GET",
                    "access-control-allow-origin": "https://app.example",
                    "access-control-max-age": "60",
                },
            ],
            "a foreign origin": [201, {}],
        },
        (
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html",
        ),
    ),
)
