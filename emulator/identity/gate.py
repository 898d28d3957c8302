"""Stands before the services: what a role may not do is answered here, in the service's own form."""

import logging
from http import HTTPStatus

from moto.awslambda.exceptions import UnknownFunctionException

from emulator import aws
from emulator.http_api.response import HttpResponse, message
from emulator.identity.credentials import Identity, IdentityStore
from emulator.identity.denial import refusal
from emulator.identity.guard import Guard
from emulator.identity.needs import api_need, needs_of
from emulator.identity.policy import Need
from emulator.identity.request import read_request
from emulator.identity.s3_needs import listing_need
from emulator.identity.signature import Claim
from emulator.server import Environ

_log = logging.getLogger(__name__)

_READS = frozenset({"GetObject", "HeadObject"})
_POLLING = {
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "dynamodb": (
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:DescribeStream",
        "dynamodb:ListStreams",
    ),
}


class Gate:
    """Lets requests through to the services, or answers them.

    Parameters
    ----------
    guard
        Knows what roles may do.
    identities
        Knows whose access key a request carries.
    region
        The cloud's region.
    """

    def __init__(self, guard: Guard, identities: IdentityStore, region: str) -> None:
        self._guard = guard
        self._identities = identities
        self._region = region
        self._warned: set[tuple[str, str]] = set()

    def before(
        self, claim: Claim | None, operation: str, environ: Environ, body: bytes
    ) -> HttpResponse | None:
        """Hold a request to an AWS service against its caller's policies.

        Parameters
        ----------
        claim
            The request's signature.
        operation
            What it asks for.
        environ, body
            The request.

        Returns
        -------
        HttpResponse or None
            The refusal; None lets the request through.
        """
        identity = self._identities.find(claim.access_key) if claim else None
        if claim is None or identity is None or not self._guard.guards(identity):
            return None
        request = read_request(claim.service, operation, self._region, environ, body)
        return self._refuse(identity, claim.service, environ, *needs_of(request))

    def after(
        self, claim: Claim | None, operation: str, environ: Environ, status: int
    ) -> HttpResponse | None:
        """Keep from callers who may not list a bucket that an object does not exist.

        Parameters
        ----------
        claim
            The request's signature.
        operation
            What it asked for.
        environ
            The request.
        status
            What the service answered.

        Returns
        -------
        HttpResponse or None
            The answer to send in place of the service's, as S3 does; None leaves it.
        """
        if (
            claim is None
            or claim.service != "s3"
            or operation not in _READS
            or status != HTTPStatus.NOT_FOUND
        ):
            return None
        identity = self._identities.find(claim.access_key)
        if identity is None or not self._guard.guards(identity):
            return None
        request = read_request("s3", operation, self._region, environ, b"")
        return self._refuse(identity, "s3", environ, listing_need(request))

    def refuse_route(self, identity: Identity, api_id: str, path: str) -> HttpResponse | None:
        """Hold a call of an HTTP API's route against its caller's policies.

        Parameters
        ----------
        identity
            Who signed it.
        api_id
            The API.
        path
            Stage, method and path.

        Returns
        -------
        HttpResponse or None
            The refusal; None lets the request through.
        """
        if not self._guard.guards(identity):
            return None
        denial = self._guard.check(identity, [api_need(api_id, path, self._region)])
        return message(403, str(denial)) if denial else None

    def may_poll(self, function_arn: str, source_arn: str) -> bool:
        """Say whether a function's role may read from a queue or a stream.

        Parameters
        ----------
        function_arn
            The function an event source mapping feeds.
        source_arn
            Its queue or stream.

        Returns
        -------
        bool
            Whether the mapping may be polled.
        """
        name = function_arn.split(":")[6]
        try:
            role_arn = str(aws.backend("lambda", self._region).get_function(name).role)
        except UnknownFunctionException:  # the invocation will say so
            return True
        identity = self._identities.as_role(role_arn, name)
        if not self._guard.guards(identity):
            return True
        denial = self._guard.check(identity, _polling_needs(source_arn))
        if denial and (function_arn, source_arn) not in self._warned:
            self._warned.add((function_arn, source_arn))
            _log.warning("%s receives nothing from %s. %s", name, source_arn, denial)
        return denial is None

    def _refuse(
        self, identity: Identity, service: str, environ: Environ, *needs: Need
    ) -> HttpResponse | None:
        context = {"aws:useragent": str(environ.get("HTTP_USER_AGENT", ""))}
        if environ.get("REMOTE_ADDR"):
            context["aws:sourceip"] = str(environ["REMOTE_ADDR"])
        denial = self._guard.check(identity, needs, context)
        return refusal(denial, service, environ) if denial else None


def _polling_needs(source_arn: str) -> list[Need]:
    return [Need(action, source_arn) for action in _POLLING[source_arn.split(":")[2]]]
