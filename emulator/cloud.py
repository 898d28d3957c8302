"""The local cloud, put together: the one place where its parts are made and ended."""

import contextlib
import json
import logging
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import moto.backends as moto_backends

from emulator import (
    aws,
    catalog,
    clients,
    corrections,
    forgetting,
    lambda_api,
    large_objects,
    leftovers,
    s3_names,
    table_updates,
)
from emulator.application import Application
from emulator.clients import Clients
from emulator.control.executions import describe_execution
from emulator.control.overview import Overview
from emulator.control.routes import Control
from emulator.deploy import engine
from emulator.deploy.assets import AssetSources
from emulator.deploy.deployer import Deployer
from emulator.deploy.formation import Formation
from emulator.errors import NotPermitted
from emulator.events.clock import Clock
from emulator.events.hooks import Hooks
from emulator.events.router import Router
from emulator.functions import Functions
from emulator.http_api import issuers, refusals
from emulator.http_api.gateway import Gateway
from emulator.identity.credentials import IdentityStore
from emulator.identity.gate import Gate
from emulator.identity.guard import Guard
from emulator.identity.resource_policies import InvokePermissions
from emulator.identity.service_access import ServiceAccess
from emulator.lambda_api import log_subscriptions
from emulator.lambda_api.code import CodeStore
from emulator.lambda_api.notifications import BucketNotifications, TopicNotifications
from emulator.lambda_api.reload import Origins
from emulator.meter import Call, Meter
from emulator.resources.base import Services
from emulator.runtime.environment import Packaging
from emulator.runtime.logs import CloudWatchLogs
from emulator.runtime.model import FunctionSpec, Invocation
from emulator.runtime.pool import Pool
from emulator.server import Environ, Server, StartResponse
from emulator.state.own import OwnState
from emulator.state.snapshot import Place
from emulator.state.state import State
from emulator.turns import Turns

DEFAULT_PORT = 4566
_log = logging.getLogger(__name__)
_CLOCK_PATH = "/_local/clock"
_one_at_a_time = threading.Lock()


class Cloud:
    """A local cloud on one port, from its construction until `close`.

    Parameters
    ----------
    port
        Port to listen on; 0 takes a free one.
    work_dir
        Where its files lie; without one, a directory that ends with the cloud.
    packaging
        Whether functions see the packages of this environment, or of their layers alone.
    region
        Its one region.
    enforce_iam
        Whether roles are held against their policies.
    state_dir
        Where everything users make is kept for the next run; without it nothing is.
    watch
        Directories the app is edited in: when a file changes that a deployed function or layer was made
        from, the next invocation runs the new code. Not in packaged mode.
    """

    def __init__(
        self,
        port: int = DEFAULT_PORT,
        work_dir: Path | None = None,
        *,
        packaging: Packaging = Packaging.DEVELOPMENT,
        region: str = aws.REGION,
        enforce_iam: bool = True,
        state_dir: Path | None = None,
        watch: Sequence[Path] = (),
    ) -> None:
        if not _one_at_a_time.acquire(blocking=False):
            raise RuntimeError("a local cloud runs in this process already; close it before starting another")
        self._ending = contextlib.ExitStack()
        self._ending.callback(_one_at_a_time.release)
        self._origins = Origins(watch if packaging is Packaging.DEVELOPMENT else ())
        try:
            self._state = State(state_dir) if state_dir else None
            self._start(port, work_dir, packaging, Guard(region, enforced=enforce_iam), region)
        except BaseException:
            self._ending.close()
            raise

    def _start(
        self, port: int, work_dir: Path | None, packaging: Packaging, guard: Guard, region: str
    ) -> None:
        leftovers.remove_leftovers()
        aws.reset()
        self._replace(forgetting.install)  # till moto is reset: it closes the files of what it noted
        self._ending.callback(aws.reset)
        if self._state:
            self._ending.callback(self._state.end)
            port = self._state.port_for(port)
        self.region = region
        self.meter = Meter(counted=self._note)
        self.clock = Clock()
        self.identities = IdentityStore(region)
        self._gate = Gate(guard, self.identities, region)
        self._turns = Turns()
        self._permissions = InvokePermissions(region, enforced=guard.enforced)
        place = work_dir or Path(
            self._ending.enter_context(tempfile.TemporaryDirectory(prefix=leftovers.prefix("local-cloud")))
        )
        self._sources = AssetSources()
        self.functions = Functions(CodeStore(place, self._sources, self._origins), region)
        self._clients = Clients(region, self.identities)
        server = Server(self._answer, port=port)
        self.endpoint = f"http://localhost:{server.port}"
        self._clients.endpoint = self.endpoint
        self._ending.enter_context(aws.configured(server.port))
        self.pool = Pool(handed_in=self._environment_of, logs=CloudWatchLogs(), packaging=packaging)
        self._ending.callback(self.pool.close)
        self.router = self._make_router(guard)
        self._services = Services(self._clients, self.endpoint, aws.ACCOUNT, region, place)
        self._formation = Formation(
            self._services, self._state.holding if self._state else contextlib.nullcontext
        )
        self._replace(self._replace_in_moto)
        self._serve(server)

    def _make_router(self, guard: Guard) -> Router:
        router = Router(
            pool=self.pool,
            clock=self.clock,
            functions=self.functions,
            may_poll=self._gate.may_poll,
            access=ServiceAccess(guard, self.identities, may_invoke=self._permissions.may_invoke),
            turn=self._turns,
        )
        router.attach()
        self._ending.callback(router.close)
        return router

    def _serve(self, server: Server) -> None:
        self._application = self._make_application(server.port)
        self._ending.callback(server.stop)
        if self._state:
            self._load(self._state, server.port)
        server.start()
        if self._state:
            self._state.begin(self._turns.locks)
            self._ending.callback(self._state.interrupt)

    def _replace(self, install: Callable[[Hooks], None]) -> None:
        hooks = Hooks()
        self._ending.callback(hooks.remove)
        install(hooks)

    def _replace_in_moto(self, hooks: Hooks) -> None:
        aws.quicken(hooks)
        catalog.install(hooks)
        s3_names.install(hooks)
        corrections.install(hooks)
        large_objects.install(hooks)
        table_updates.install(hooks)
        issuers.install(hooks, self.clock.epoch_seconds)
        refusals.install(hooks)
        services = tuple(moto_backends.list_of_moto_modules())
        # moto lists its folders anew for every request, which was a third of the server's work.
        hooks.replace(moto_backends, "list_of_moto_modules", lambda: services)
        engine.install(hooks, self._formation)
        clients.install(hooks, self._clients)
        lambda_api.install(hooks)
        log_subscriptions.install(hooks, may_invoke=self._permissions.may_invoke)
        BucketNotifications(
            invoke_later=self.router.invoker.invoke_later, may_invoke=self._permissions.may_invoke
        ).install(hooks)
        TopicNotifications(
            invoke_later=self.router.invoker.invoke_later,
            may_invoke=self._permissions.may_invoke,
            bury=self.router.targets.send_message,
            now=self.clock.now,
        ).install(hooks)
        if self._state:
            self._state.install(hooks)

    def _load(self, state: State, port: int) -> None:
        own = OwnState(self.clock, self._sources, self.router.invoker.events)
        state.load(own, Place(self.region, port))
        self._formation.end_what_was_cut_off()
        self.router.refresh()
        self.router.work.changed = state.note

    def _make_application(self, port: int) -> Application:
        overview = Overview(
            region=self.region,
            resources=self.resources,
            census=self.pool.census,
            recent=self.pool.recent,
            next_firings=self.router.planner.next_firings,
            meter=self.meter,
            api_url=self._services.api_url,
        )
        control = Control(
            clock=self.clock,
            settle=self.router.settle,
            meter=self.meter,
            recent=self.pool.recent,
            resources=self.resources,
            facts=self._facts,
            overview=overview.collect,
            execution=lambda arn: describe_execution(arn, self.region),
        )
        gateway = Gateway(
            invoke=self._invoke,
            now=self.clock.now,
            account=aws.ACCOUNT,
            region=self.region,
            domain=f"localhost:{port}",
        )
        return Application(
            control=control,
            gateway=gateway,
            identities=self.identities,
            gate=self._gate,
            meter=self.meter,
            turns=self._turns,
        )

    def deploy(self, assembly: Path) -> dict[str, dict[str, str]]:
        """Deploy a cloud assembly, or update what is deployed to it.

        Parameters
        ----------
        assembly
            Directory that ``cdk synth`` wrote.

        Returns
        -------
        dict
            Outputs by stack name, then by output key.
        """
        with self._state.holding() if self._state else contextlib.nullcontext():
            outputs = Deployer(self._formation, self._sources).deploy(assembly)
        self._origins.learn(self._sources.known().values())
        return outputs

    def client(self, service: str) -> Any:
        """Give a boto3 client of this cloud, with its root credentials.

        Parameters
        ----------
        service
            boto3's name of the service.

        Returns
        -------
        Any
            The client, shared by all who ask.
        """
        return self._clients(service)

    def settle(self, timeout_seconds: float = 900.0) -> None:
        """Wait until nothing is in flight.

        Parameters
        ----------
        timeout_seconds
            Longest wait.
        """
        self.router.settle(timeout_seconds)

    def resources(self) -> list[dict[str, Any]]:
        """List every resource of every stack.

        Returns
        -------
        list of dict
            ``stack``, ``logical_id``, ``type``, ``physical_id``.
        """
        return [
            {
                "stack": stack.name,
                "logical_id": resource.logical_id,
                "type": resource.type,
                "physical_id": resource.made.physical_id,
            }
            for stack in self._formation.stacks()
            for resource in list(stack.resources.values())
        ]

    def close(self) -> None:
        """End the server, the workers and everything they left on disk; a second call does nothing."""
        self._ending.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self, environ: Environ, start_response: StartResponse) -> Any:
        answer = self._application(environ, start_response)
        if self._state and environ["REQUEST_METHOD"] == "POST" and environ.get("PATH_INFO") == _CLOCK_PATH:
            self._state.note()
        return answer

    def _note(self, call: Call) -> None:
        if self._state and call.changes:
            self._state.note()

    def _invoke(self, function_arn: str, event: dict[str, Any], source_arn: str) -> Invocation:
        refusal = self._permissions.may_invoke(function_arn, "apigateway.amazonaws.com", source_arn)
        if refusal:
            _log.warning("an HTTP API answers 500: %s", refusal)
            raise NotPermitted(refusal)
        return self.router.invoker.invoke(function_arn, json.dumps(event).encode())

    def _environment_of(self, spec: FunctionSpec) -> Mapping[str, str]:
        credentials = self.identities.of_role(spec.role_arn, spec.name)
        return {**credentials.as_environment(), "AWS_ENDPOINT_URL": self.endpoint}

    def _facts(self) -> dict[str, Any]:
        stacks = aws.backend("cloudformation", self.region).stacks.values()
        return {
            "endpoint": self.endpoint,
            "account": aws.ACCOUNT,
            "region": self.region,
            "isolation": self.pool.isolation.value,
            "stacks": {stack.name: stack.status for stack in list(stacks)},
        }
