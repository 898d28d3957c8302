"""boto3 clients of the cloud's own endpoint: root's, and those of roles for what acts in a role's name.

Clients are made once per caller and service and shared: a session is not safe for threads, a client is.
"""

import sys
import threading
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from emulator import aws
from emulator.events.hooks import Hooks
from emulator.identity.credentials import ROOT_CREDENTIALS, Credentials, IdentityStore

_INTERPRETER = "moto.stepfunctions.parser."
_EXECUTION_SESSION = "states"


class Clients:
    """Makes and keeps clients; safe to use from threads.

    Parameters
    ----------
    region
        The cloud's region.
    identities
        Issues roles' credentials.
    """

    endpoint = ""

    def __init__(self, region: str, identities: IdentityStore) -> None:
        core = botocore.session.Session()
        core.register_component("data_loader", aws.service_models())
        self._session = boto3.Session(botocore_session=core, region_name=region)
        self._identities = identities
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str], Any] = {}

    def __call__(self, service: str) -> Any:
        """Give root's client of a service."""
        return self._client(service, ROOT_CREDENTIALS, Config(retries={"max_attempts": 0}, read_timeout=900))

    def for_state(self, region: str, service: str, state_credentials: Any = None) -> Any:  # noqa: ARG002 - moto's signature
        """Give the client a state machine's task calls with: as the machine's role, or the task's own.

        Parameters
        ----------
        region
            There is one.
        service
            boto3's name of the service.
        state_credentials
            moto's note of the role.

        Returns
        -------
        Any
            The client; it takes parameters as they come, since definitions spell them their own way.
        """
        config = Config(retries={"max_attempts": 0}, read_timeout=900, parameter_validation=False)
        if state_credentials is None:
            return self._client(service, ROOT_CREDENTIALS, config)
        role = self._identities.of_role(state_credentials.role_arn, _EXECUTION_SESSION)
        return self._client(service, role, config)

    def _client(self, service: str, credentials: Credentials, config: Config) -> Any:
        key = (service, f"{credentials.access_key} {config.parameter_validation}")  # type: ignore[attr-defined]
        with self._lock:
            if key not in self._made:
                self._made[key] = self._session.client(
                    service,  # type: ignore[call-overload]  # any service's name
                    endpoint_url=self.endpoint,
                    aws_access_key_id=credentials.access_key,
                    aws_secret_access_key=credentials.secret_key,
                    aws_session_token=credentials.session_token,
                    config=config,
                )
            return self._made[key]


def install(hooks: Hooks, clients: Clients) -> None:
    """Have moto's state machine interpreter call services as the machine's role.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    clients
        Gives the clients.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith(_INTERPRETER) and "boto_client_for" in vars(module):
            hooks.replace(module, "boto_client_for", clients.for_state)
