"""What answers on the port: the control plane, the HTTP APIs, and moto for everything else."""

import logging
from collections.abc import Iterable
from http import HTTPStatus

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from emulator import actions
from emulator.control.routes import Control
from emulator.http_api.event import HttpRequest
from emulator.http_api.gateway import Gateway
from emulator.http_api.response import HttpResponse, message
from emulator.identity.credentials import IdentityStore
from emulator.identity.gate import Gate
from emulator.identity.signature import read_claim, verify
from emulator.meter import Call, Meter, describe_call
from emulator.server import Environ, StartResponse, read_body
from emulator.turns import Turns

_log = logging.getLogger(__name__)
_API_PREFIX, _CONTROL_PREFIX = "/_api/", "/_local/"


class Application:
    """The WSGI application of the local cloud.

    Parameters
    ----------
    control
        Answers under ``/_local/``.
    gateway
        Answers under ``/_api/``.
    identities
        Knows whose access key a request carries.
    gate
        Answers what a role may not do.
    meter
        Counts what moto answers.
    turns
        Has callers of a service wait for each other where they must.
    """

    def __init__(
        self,
        *,
        control: Control,
        gateway: Gateway,
        identities: IdentityStore,
        gate: Gate,
        meter: Meter,
        turns: Turns,
    ) -> None:
        self._control = control
        self._gateway = gateway
        self._identities = identities
        self._gate = gate
        self._meter = meter
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._turns = turns

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, as WSGI has it."""
        path = str(environ.get("PATH_INFO", "/"))
        body = read_body(environ)
        if path.startswith(_CONTROL_PREFIX) or path == _CONTROL_PREFIX.rstrip("/"):
            query = str(environ.get("QUERY_STRING", ""))
            answer = self._control.answer(
                environ["REQUEST_METHOD"], path[len(_CONTROL_PREFIX) :], query, body
            )
            return _send(answer, start_response)
        if path.startswith(_API_PREFIX):
            return self._http_api(environ, body, start_response)
        return self._aws(environ, body, start_response)

    def _http_api(self, environ: Environ, body: bytes, start_response: StartResponse) -> Iterable[bytes]:
        raw = str(environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")[0]
        api_id, slash, rest = raw.removeprefix(_API_PREFIX).partition("/")
        request = HttpRequest(
            method=environ["REQUEST_METHOD"],
            path=slash + rest,
            query=str(environ.get("QUERY_STRING", "")),
            headers=_headers(environ),
            body=body,
            source_ip=str(environ.get("REMOTE_ADDR", "")),
        )
        signer: list[str] = []
        refusals: list[HttpResponse] = []

        def authorize(asked: str) -> str | None:
            identity = verify(environ, body, self._identities, service="execute-api")
            if identity is None:
                return None
            signer.append(identity.principal)
            refused = self._gate.refuse_route(identity, api_id, asked)
            if refused:
                refusals.append(refused)
            return None if refused else identity.principal

        answer = self._gateway.answer(api_id, request, authorize)
        answer = refusals[0] if refusals else answer
        self._meter.count(
            Call(
                principal=signer[0] if signer else "unsigned",
                service="execute-api",
                operation="Invoke",
                received_bytes=len(body),
                sent_bytes=len(answer.body),
                error=answer.status >= HTTPStatus.BAD_REQUEST,
            )
        )
        return _send(answer, start_response)

    def _aws(self, environ: Environ, body: bytes, start_response: StartResponse) -> Iterable[bytes]:
        claim = read_claim(environ)
        service = claim.service if claim else None
        service_name, operation = describe_call(environ, body, service)
        status: list[int] = []

        def remember(line: str, *arguments: object) -> object:
            status.append(int(line.partition(" ")[0]))
            refused = self._gate.after(claim, operation, environ, status[-1])
            if refused:
                instead.append(refused)
                return None
            return start_response(line, *arguments)

        refused = actions.refusal(service, operation, environ)
        refused = refused or self._gate.before(claim, operation, environ, body)
        instead = [refused] if refused else []
        chunks: list[bytes] = []
        try:
            if not instead:
                with self._turns(service):
                    chunks = list(self._moto(environ, remember))
        except NotImplementedError:
            instead.append(actions.refused(service_name, operation, environ))
        except Exception as error:  # noqa: BLE001 - a bug in moto is answered and logged, not lost
            _log.exception("moto failed on %s %s", environ["REQUEST_METHOD"], environ.get("PATH_INFO"))
            return _send(message(500, f"moto failed: {type(error).__name__}: {error}"), start_response)
        if instead:
            chunks, status = list(_send(instead[0], start_response)), [instead[0].status]
        self._meter.count(
            Call(
                principal=self._identities.principal(claim.access_key if claim else None),
                service=service_name,
                operation=operation,
                received_bytes=len(body),
                sent_bytes=sum(map(len, chunks)),
                error=bool(status) and status[-1] >= HTTPStatus.BAD_REQUEST,
            )
        )
        return chunks


def _headers(environ: Environ) -> dict[str, str]:
    headers = {
        name[5:].replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = str(environ[name])
    return headers


def _send(answer: HttpResponse, start_response: StartResponse) -> Iterable[bytes]:
    reason = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else "Other"
    headers = [*answer.headers]
    if answer.status != HTTPStatus.NO_CONTENT:
        headers.append(("content-length", str(len(answer.body))))
    start_response(f"{answer.status} {reason}", headers)
    return [answer.body] if answer.body else []
