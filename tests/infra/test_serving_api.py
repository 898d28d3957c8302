"""The HTTP API: the routes of the contract, signed, throttled, one function behind them."""

from typing import Any

import pytest

ROUTES = {
    "POST /models/{model}/predict",
    "POST /models/{model}/versions/{version}/predict",
    "GET /models",
    "GET /models/{model}",
    "GET /models/{model}/versions/{version}",
    "GET /models/{model}/reports",
    "GET /v2/health/live",
    "GET /v2/health/ready",
    "GET /features/{view}",
    "POST /get-online-features",
    "POST /sources/{source}/rows",
}


def test_the_routes_are_those_of_the_contract_and_all_are_signed(assembly: Any) -> None:
    routes = assembly.properties("AWS::ApiGatewayV2::Route")
    assert {route["RouteKey"] for route in routes} == ROUTES
    assert {route["AuthorizationType"] for route in routes} == {"AWS_IAM"}


def test_features_and_rows_have_functions_of_their_own_and_all_speak_format_two(assembly: Any) -> None:
    integrations = assembly.resources("AWS::ApiGatewayV2::Integration")
    functions = {
        name: integration["Properties"]["IntegrationUri"]["Fn::GetAtt"][0]
        for name, integration in integrations.items()
    }
    for route in assembly.properties("AWS::ApiGatewayV2::Route"):
        (name,) = [each for each in functions if each in str(route["Target"])]
        words = {"features": "ReadFeatures", "/rows": "AddRows"}
        wanted = [function for word, function in words.items() if word in route["RouteKey"]]
        assert functions[name].startswith((*wanted, "PredictFunction")[0]), route["RouteKey"]
    assert {each["Properties"]["PayloadFormatVersion"] for each in integrations.values()} == {"2.0"}


def test_the_stage_is_throttled_and_writes_an_access_log_without_bodies(assembly: Any) -> None:
    (stage,) = assembly.properties("AWS::ApiGatewayV2::Stage")
    assert stage["StageName"] == "$default"
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    assert "body" not in stage["AccessLogSettings"]["Format"]


@pytest.mark.parametrize("function", ["predict", "read_features", "add_rows"])
def test_functions_answer_before_the_gateway_gives_up(assembly: Any, function: str) -> None:
    assert assembly.functions()[function]["Timeout"] < 30
