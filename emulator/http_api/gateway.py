"""Answers a request to an HTTP API: stage, CORS, route, throttling, authorization, function, access log."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from emulator import aws
from emulator.http_api.access_log import AccessLog, format_line
from emulator.http_api.authorizers import Asked, Authorize, Authorizers
from emulator.http_api.cors import answer_preflight, with_cors
from emulator.http_api.event import HttpRequest, Place, build_event
from emulator.http_api.exchange import Exchange
from emulator.http_api.integration import LONGEST_WAIT_MS, function_arn_of, integrate
from emulator.http_api.issuers import Issuers
from emulator.http_api.lambda_authorizer import Invoke, LambdaAuthorizers
from emulator.http_api.response import HttpResponse, message
from emulator.http_api.routing import Match, find_route
from emulator.http_api.throttle import Throttle, route_settings
from emulator.http_api.tokens import Keys

DEFAULT_STAGE = "$default"
REQUEST_LIMIT_BYTES = 10 * 1024 * 1024


class Gateway:
    """The HTTP APIs of the local cloud.

    Parameters
    ----------
    invoke
        Runs functions.
    now
        The cloud's time.
    account, region, domain
        What events name.
    """

    def __init__(
        self, *, invoke: Invoke, now: Callable[[], datetime], account: str, region: str, domain: str
    ) -> None:
        self._invoke = invoke
        self._now = now
        self._account = account
        self._region = region
        self._domain = domain
        self._authorizers = Authorizers(
            keys=Keys(Issuers(region).fetch, now), functions=LambdaAuthorizers(invoke, now), now=now
        )
        self._throttle = Throttle(now, time.monotonic)
        self._access_log = AccessLog(region)

    def answer(self, api_id: str, request: HttpRequest, authorize: Authorize) -> HttpResponse:
        """Answer one request.

        Parameters
        ----------
        api_id
            Which API.
        request
            What was asked, its path beginning after the API's own place.
        authorize
            Checks the request's signature and leave; called for IAM routes only.

        Returns
        -------
        HttpResponse
            The function's answer, or the gateway's own error.
        """
        api = aws.backend("apigatewayv2", self._region).apis.get(api_id)
        if api is None or api.disable_execute_api_endpoint:
            return message(404, "Not Found")
        stage, path = _stage_and_path(api, request.path)
        if stage is None:
            return message(404, "Not Found")
        place = Place(self._account, api_id, stage.name, self._domain, stage.stage_variables or {})
        exchange = Exchange(replace(request, path=path), place, self._now())
        response = self._with_cors(api, stage, exchange, authorize)
        named = (*response.headers, ("apigw-requestid", exchange.request_id))
        response = HttpResponse(response.status, named, response.body)
        self._log(stage, exchange, response)
        return response

    def _with_cors(self, api: Any, stage: Any, exchange: Exchange, authorize: Authorize) -> HttpResponse:
        cors = api.cors_configuration or {}
        preflight = answer_preflight(cors, exchange.request) if cors else None
        if preflight is not None:
            return preflight
        response = self._route(api, stage, exchange, authorize)
        return with_cors(response, cors, exchange.request) if cors else response

    def _route(self, api: Any, stage: Any, exchange: Exchange, authorize: Authorize) -> HttpResponse:
        request = exchange.request
        if len(request.body) > REQUEST_LIMIT_BYTES:
            return message(413, "Request Entity Too Large")
        routes = {route.route_key: route for route in list(api.routes.values())}
        match = find_route(routes, request.method, request.path)
        if match is None:
            return message(404, "Not Found")
        exchange.route_key = match.route_key
        bucket = (api.api_id, stage.name, match.route_key)
        if not self._throttle.lets_pass(bucket, route_settings(stage, match.route_key)):
            return message(429, "Too Many Requests")
        return self._authorized(api, routes[match.route_key], match, exchange, authorize)

    def _authorized(
        self, api: Any, route: Any, match: Match, exchange: Exchange, authorize: Authorize
    ) -> HttpResponse:
        request, place = exchange.request, exchange.place
        event = build_event(request, match, place, now=exchange.arrived, request_id=exchange.request_id)
        path = f"{place.stage}/{request.method}{request.path}"
        route_arn = f"arn:aws:execute-api:{self._region}:{place.account}:{place.api_id}/{path}"
        leave = self._authorizers.ask(
            api, Asked(request, route, event, place.account, route_arn, path), authorize
        )
        exchange.authorizer, exchange.authorizer_error = leave.authorizer, leave.error
        if leave.refusal is not None:
            return leave.refusal
        if leave.authorizer:
            event["requestContext"]["authorizer"] = dict(leave.authorizer)
        integration = api.integrations.get(str(route.target or "").rpartition("/")[2])
        if integration is None:
            return message(500, "Internal Server Error")
        return self._integrated(integration, event, exchange)

    def _integrated(self, integration: Any, event: dict[str, Any], exchange: Exchange) -> HttpResponse:
        place = exchange.place
        arn = function_arn_of(integration.integration_uri, place.stage_variables)
        method = exchange.request.method
        route = exchange.route_key.partition(" ")[2] or f"/{exchange.route_key}"
        caller = (
            f"arn:aws:execute-api:{self._region}:{place.account}:{place.api_id}/{place.stage}/{method}{route}"
        )
        began = time.perf_counter()
        integrated = integrate(
            lambda: self._invoke(arn, event, caller), int(integration.timeout_in_millis or LONGEST_WAIT_MS)
        )
        exchange.integration_ms = int((time.perf_counter() - began) * 1000)
        exchange.integrated = integrated
        return integrated.response

    def _log(self, stage: Any, exchange: Exchange, response: HttpResponse) -> None:
        settings = {
            key[:1].lower() + key[1:]: value for key, value in (stage.access_log_settings or {}).items()
        }
        if settings.get("destinationArn") and settings.get("format"):
            line = format_line(settings["format"], exchange.log_values(response))
            self._access_log.write(settings["destinationArn"], exchange.place.api_id, line)


def _stage_and_path(api: Any, path: str) -> tuple[Any, str]:
    """Split the stage off the path; a stage named in the path comes before ``$default``."""
    first, _, rest = path.lstrip("/").partition("/")
    if first != DEFAULT_STAGE and first in api.stages:
        return api.stages[first], f"/{rest}"
    return api.stages.get(DEFAULT_STAGE), path or "/"
