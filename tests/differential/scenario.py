"""What a scenario is, and what it is given to look at a cloud with."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from bench.clouds import LocalCloud
from bench.stacks import StackFailed, create_stack, put_code

WAIT_SECONDS = 15.0
POLL_SECONDS = 0.05
QUIET_SECONDS = 0.5
NOT_DONE = "could not be done"

T = TypeVar("T")
Observation = dict[str, Any]
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PORT = re.compile(r"localhost:\d+")


class NeverCame(Exception):
    """What a scenario waited for did not come."""


@dataclass(frozen=True)
class Target:
    """A cloud a scenario runs on, and the names the scenario may use there."""

    cloud: LocalCloud
    name: str

    def client(self, service: str) -> Any:
        """Give a boto3 client."""
        return self.cloud.client(service)

    def deploy(self, resources: Mapping[str, Any], outputs: Mapping[str, Any], **code: str) -> dict[str, str]:
        """Deploy one stack, its functions' code from zips in S3.

        Parameters
        ----------
        resources, outputs
            Of the template; outputs are values.
        code
            Source of each function by its logical id.
        """
        made = json.loads(json.dumps(resources))
        for function, source in code.items():
            made[function]["Properties"]["Code"] = put_code(self.cloud, f"{self.name}-{function}", source)
        template = {
            "Resources": made,
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        return create_stack(self.cloud, self.name, template)

    def receive(self, queue_url: str, count: int) -> list[dict[str, Any]]:
        """Take messages from a queue until there are as many, and look once more whether that was all.

        Parameters
        ----------
        queue_url
            The queue.
        count
            How many must come.
        """
        found: list[dict[str, Any]] = []

        def take(seconds: int) -> None:
            answer = self.client("sqs").receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=seconds,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            for message in answer.get("Messages", []):
                self.client("sqs").delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
                found.append(message)

        deadline = time.monotonic() + WAIT_SECONDS
        while len(found) < count and time.monotonic() < deadline:
            take(1)
        take(0)
        return found

    def bodies(self, queue_url: str, count: int) -> list[Any]:
        """Take messages as ``receive`` does, and return what their bodies hold as JSON, in a fixed order."""
        found = [json.loads(message["Body"]) for message in self.receive(queue_url, count)]
        return sorted(found, key=lambda body: json.dumps(body, sort_keys=True))

    def until(self, look: Callable[[], T | None], what: str) -> T:
        """Look until there is something to see.

        Raises
        ------
        NeverCame
            If there is nothing in time.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            if (found := look()) is not None:
                return found
            time.sleep(POLL_SECONDS)
        raise NeverCame(f"{what} did not come within {WAIT_SECONDS:.0f} s")

    def quiet(self) -> None:
        """Give what must not come the time to come."""
        time.sleep(QUIET_SECONDS)


@dataclass(frozen=True)
class Scenario:
    """Something a user does and what is to be seen of it.

    Attributes
    ----------
    name
        What happens, in a few words.
    observe
        Does it on a cloud and returns named facts, free of ids and times.
    expected
        The same facts as AWS's documentation has them.
    documentation
        Pages that say so.
    """

    name: str
    observe: Callable[[Target], Observation]
    expected: Observation
    documentation: tuple[str, ...]

    @property
    def slug(self) -> str:
        """The name as a stack's."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def observe(scenario: Scenario, cloud: LocalCloud) -> Observation:
    """Run a scenario on a cloud; what cannot be done at all is an observation too.

    Parameters
    ----------
    scenario
        What to do.
    cloud
        Where.

    Returns
    -------
    dict
        Facts by name.
    """
    try:
        return scenario.observe(Target(cloud, scenario.slug))
    except (ClientError, StackFailed, NeverCame) as error:
        said = _PORT.sub("localhost", _UUID.sub("<id>", f"{type(error).__name__}: {error}"))
        return {NOT_DONE: said[:300]}


def differences(seen: Observation, expected: Observation) -> Observation:
    """Return what was seen where it is not what was expected; a fact that is missing is None.

    Examples
    --------
    >>> differences({"a": 1, "b": 2}, {"a": 1, "b": 3})
    {'b': 2}
    >>> differences({"could not be done": "no such type"}, {"a": 1})
    {'could not be done': 'no such type'}
    """
    if NOT_DONE in seen:
        return dict(seen)
    return {name: seen.get(name) for name in {**expected, **seen} if seen.get(name) != expected.get(name)}


def failure(call: Callable[[], object]) -> dict[str, Any]:
    """Return how a call fails: status, code and message; nothing if it does not.

    Parameters
    ----------
    call
        A boto3 call.
    """
    try:
        call()
    except ClientError as error:
        return {
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
            "code": error.response["Error"].get("Code"),
            "message": error.response["Error"].get("Message"),
        }
    return {}


def status_and_code(call: Callable[[], object]) -> list[Any]:
    """Return the status and the code with which a call fails; nothing if it does not."""
    failed = failure(call)
    return [failed["status"], failed["code"]] if failed else []
