"""What the gateway does not do is refused by name, from a client as from a template."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.cloud import Cloud


@pytest.fixture
def api(cloud: Cloud) -> str:
    return str(cloud.client("apigatewayv2").create_api(Name="api", ProtocolType="HTTP")["ApiId"])


def test_websocket_apis_are_refused(cloud: Cloud) -> None:
    gateway = cloud.client("apigatewayv2")
    with pytest.raises(ClientError, match="ProtocolType is WEBSOCKET; the local cloud has HTTP APIs only"):
        gateway.create_api(Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.a")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (
            {"IntegrationType": "HTTP_PROXY", "IntegrationUri": "https://x.example"},
            "IntegrationType is HTTP_",
        ),
        (
            {"IntegrationType": "AWS_PROXY", "IntegrationSubtype": "SQS-SendMessage"},
            "IntegrationSubtype is SQS",
        ),
        ({"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "1.0"}, "PayloadFormatVersion is 1.0"),
    ],
)
def test_integrations_that_lead_elsewhere_are_refused(
    cloud: Cloud, api: str, settings: dict[str, Any], why: str
) -> None:
    with pytest.raises(ClientError, match=why):
        cloud.client("apigatewayv2").create_integration(ApiId=api, **settings)


def test_an_authorizer_that_expects_the_old_payload_is_refused(cloud: Cloud, api: str) -> None:
    settings = {"Name": "a", "AuthorizerType": "REQUEST", "IdentitySource": [], "AuthorizerUri": "arn:x"}
    gateway = cloud.client("apigatewayv2")
    with pytest.raises(ClientError, match=r"AuthorizerPayloadFormatVersion is 1\.0"):
        gateway.create_authorizer(ApiId=api, AuthorizerPayloadFormatVersion="1.0", **settings)
    made = gateway.create_authorizer(ApiId=api, AuthorizerPayloadFormatVersion="2.0", **settings)
    with pytest.raises(ClientError, match=r"AuthorizerPayloadFormatVersion is 1\.0"):
        gateway.update_authorizer(
            ApiId=api, AuthorizerId=made["AuthorizerId"], AuthorizerPayloadFormatVersion="1.0"
        )


def test_a_template_with_a_websocket_api_fails_and_says_why(cloud: Cloud) -> None:
    properties = {"Name": "chat", "ProtocolType": "WEBSOCKET"}
    template = {"Resources": {"Chat": {"Type": "AWS::ApiGatewayV2::Api", "Properties": properties}}}
    stacks = cloud.client("cloudformation")
    stacks.create_stack(StackName="Chat", TemplateBody=json.dumps(template))
    events = stacks.describe_stack_events(StackName="Chat")["StackEvents"]
    reasons = " ".join(event.get("ResourceStatusReason", "") for event in events)
    assert "the local cloud has HTTP APIs only" in reasons
