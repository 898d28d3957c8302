"""The HTTP API: the routes of the contract, signed, throttled, one function behind them."""

from typing import Any

ROUTES = {
    "POST /models/{model}/predict",
    "POST /models/{model}/versions/{version}/predict",
    "GET /models",
    "GET /models/{model}",
    "GET /models/{model}/versions/{version}",
    "GET /models/{model}/reports",
    "GET /v2/health/live",
    "GET /v2/health/ready",
}


def test_the_routes_are_those_of_the_contract_and_all_are_signed(assembly: Any) -> None:
    routes = assembly.properties("AWS::ApiGatewayV2::Route")
    assert {route["RouteKey"] for route in routes} == ROUTES
    assert {route["AuthorizationType"] for route in routes} == {"AWS_IAM"}


def test_every_route_goes_to_predict_in_payload_format_two(assembly: Any) -> None:
    (integration,) = assembly.properties("AWS::ApiGatewayV2::Integration")
    assert integration["IntegrationUri"]["Fn::GetAtt"][0].startswith("PredictFunction")
    assert integration["PayloadFormatVersion"] == "2.0"


def test_the_stage_is_throttled_and_writes_an_access_log_without_bodies(assembly: Any) -> None:
    (stage,) = assembly.properties("AWS::ApiGatewayV2::Stage")
    assert stage["StageName"] == "$default"
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    assert "body" not in stage["AccessLogSettings"]["Format"]


def test_predict_answers_before_the_gateway_gives_up(assembly: Any) -> None:
    assert assembly.functions()["predict"]["Timeout"] < 30
