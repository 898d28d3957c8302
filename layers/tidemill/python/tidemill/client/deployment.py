"""A deployed Tidemill as its users see it: found by its stacks' outputs, used through public APIs."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from tidemill.aws.blobs import S3Blobs
from tidemill.aws.documents import DynamoDocuments
from tidemill.canonical import digest_json
from tidemill.client.endpoint import Endpoint
from tidemill.client.http_api import HttpApi
from tidemill.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from pyiceberg.catalog.glue import GlueCatalog

    from tidemill.aws.history import IcebergHistory
    from tidemill.aws.tables import IcebergTables
    from tidemill.aws.upkeep import IcebergUpkeep

STACKS = ("TidemillData", "TidemillTraining", "TidemillServing", "TidemillMonitoring")
POLL_SECONDS = 0.25
CHUNK_BYTES = 1024 * 1024

T = TypeVar("T")


class Uploaded(NamedTuple):
    """An upload on its way: the digest of its bytes, and where the report on it will lie.

    ``earlier_report`` is the version of a report that an earlier upload of the same bytes left.
    """

    digest: str
    report_by_content: str
    report_by_name: str
    earlier_report: str | None


class Deployment:
    """One deployment of the four stacks.

    Parameters
    ----------
    endpoint
        The cloud it runs in.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The outputs of all stacks, by name.

        Raises
        ------
        NotFound
            If a stack is not there.
        """
        outputs: dict[str, str] = {}
        for stack in self.stacks():
            if stack["status"] is None:
                raise NotFound(
                    f"no stack {stack['name']} at {self.endpoint.name}; deploy with `tidemill up` (locally) "
                    "or `npx aws-cdk@2 deploy --all`"
                )
            outputs |= stack["outputs"]
        return outputs

    def stacks(self) -> list[dict[str, Any]]:
        """Return each stack's name, status (None if it is not there) and outputs."""
        formation = self.endpoint.client("cloudformation")
        return [_describe(formation, name) for name in STACKS]

    def functions(self) -> dict[str, str]:
        """Return the physical name of each deployed function by its logical id in the templates."""
        formation = self.endpoint.client("cloudformation")
        found = {}
        for stack in STACKS:
            for page in formation.get_paginator("list_stack_resources").paginate(StackName=stack):
                for one in page["StackResourceSummaries"]:
                    if one["ResourceType"] == "AWS::Lambda::Function":
                        found[one["LogicalResourceId"]] = one["PhysicalResourceId"]
        return found

    @cached_property
    def project(self) -> str:
        """The deployed project's name."""
        return self.outputs["Project"]

    @cached_property
    def documents(self) -> DynamoDocuments:
        """The experiments table: runs, model versions, aliases, reports, decisions."""
        return DynamoDocuments(self.outputs["ExperimentsTable"], client=self.endpoint.client("dynamodb"))

    @cached_property
    def data(self) -> S3Blobs:
        """The data bucket."""
        return S3Blobs(self.outputs["DataBucket"], client=self.endpoint.client("s3"))

    @cached_property
    def tables(self) -> "IcebergTables":
        """The project's Iceberg tables."""
        from tidemill.aws.tables import IcebergTables  # noqa: PLC0415 - Arrow takes a second to import

        warehouse = f"s3://{self.outputs['DataBucket']}/warehouse"
        return IcebergTables(self._catalog, database=self.outputs["Database"], warehouse=warehouse)

    @cached_property
    def history(self) -> "IcebergHistory":
        """The versions of the project's tables."""
        from tidemill.aws.history import IcebergHistory  # noqa: PLC0415 - Arrow takes a second to import

        return IcebergHistory(self._catalog, database=self.outputs["Database"])

    @cached_property
    def upkeep(self) -> "IcebergUpkeep":
        """What lets go of versions of the project's tables."""
        from tidemill.aws.upkeep import IcebergUpkeep  # noqa: PLC0415 - Arrow takes a second to import

        return IcebergUpkeep(self._catalog, database=self.outputs["Database"])

    @cached_property
    def _catalog(self) -> "GlueCatalog":
        from pyiceberg.catalog.glue import GlueCatalog  # noqa: PLC0415 - Arrow takes a second to import

        properties = {"s3.region": self.endpoint.session.region_name, **self.endpoint.file_properties()}
        return GlueCatalog("glue", client=self.endpoint.client("glue", attempts=1), **properties)

    @cached_property
    def api(self) -> HttpApi:
        """The HTTP API."""
        return HttpApi(self.outputs["ApiEndpoint"], self.endpoint.session)

    def queue_depth(self, url: str) -> int:
        """Return how many messages a queue holds, those being worked on among them."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.endpoint.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def put_upload(self, source: str, file: Path) -> Uploaded:
        """Put a file where the system waits for it; large files go in parts.

        Parameters
        ----------
        source
            The source it belongs to.
        file
            The file, under whose name it is stored.

        Returns
        -------
        Uploaded
            By which ``upload_report`` finds what became of it.
        """
        bucket, key = self.outputs["DataBucket"], f"uploads/{self.project}/{source}/{file.name}"
        reports, digest = f"reports/uploads/{self.project}/{source}", digest_file(file)
        by_content = f"{reports}/{digest}.json"
        earlier = self.data.info(by_content)
        self.endpoint.client("s3").upload_file(str(file), bucket, key)
        info = self.data.info(key)
        if info is None:
            raise NotFound(f"{key} was removed while it was being uploaded; upload {file} again")
        # A file that is refused before it is read is reported by its name instead of its content.
        by_name = f"{reports}/{digest_json([bucket, key, info.version])}.json"
        return Uploaded(digest, by_content, by_name, earlier.version if earlier else None)

    def upload_report(self, uploaded: Uploaded) -> dict[str, Any] | None:
        """Return what became of an upload and where that stands, or None as long as nobody knows.

        ``duplicate`` in it says whether the same bytes had been committed before, and nothing changed.
        """
        found = self.data.info(uploaded.report_by_content)
        if found is None or found.version == uploaded.earlier_report:
            found = self.data.info(uploaded.report_by_name)
        if found is None:
            return None
        report: dict[str, Any] = json.loads(self.data.get(found.key, version=found.version))
        return {**report, "report_key": found.key, "duplicate": self._is_duplicate(uploaded, report)}

    def _is_duplicate(self, uploaded: Uploaded, report: Mapping[str, Any]) -> bool:
        if uploaded.earlier_report is None or report["status"] != "committed":
            return False
        earlier = json.loads(self.data.get(uploaded.report_by_content, version=uploaded.earlier_report))
        return bool(earlier.get("snapshot_id") == report["snapshot_id"])

    def start_training(
        self, model: str, *, run_id: str, reason: Mapping[str, str], overrides: Mapping[str, Any]
    ) -> str:
        """Start the training state machine and return the execution's ARN."""
        execution = {"model": model, "reason": dict(reason), "set": dict(overrides)}
        answer = self.endpoint.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["TrainingStateMachine"], name=run_id, input=json.dumps(execution)
        )
        return str(answer["executionArn"])

    def execution_status(self, arn: str) -> str:
        """Return an execution's status, ``RUNNING`` or how it ended.

        One that was started a moment ago may not be described yet; it runs.
        """
        states = self.endpoint.client("stepfunctions")
        try:
            return str(states.describe_execution(executionArn=arn)["status"])
        except states.exceptions.ExecutionDoesNotExist:
            return "RUNNING"

    def execution_failure(self, arn: str) -> str | None:
        """Return why an execution that has ended failed; None if it did not."""
        described = self.endpoint.client("stepfunctions").describe_execution(executionArn=arn)
        if described["status"] in {"RUNNING", "SUCCEEDED"}:
            return None
        return f"{described.get('error', 'no error is told')}: {told_by(described.get('cause', ''))}"


def told_by(cause: str) -> str:
    """Return the message in an execution's cause; a function's is JSON around its error's message.

    Examples
    --------
    >>> told_by('{"errorType": "NotFound", "errorMessage": "no view `x`"}'), told_by("States.Timeout")
    ('no view `x`', 'States.Timeout')
    """
    try:
        told = json.loads(cause)
    except ValueError:
        return cause
    return str(told.get("errorMessage", cause)) if isinstance(told, dict) else cause


def digest_file(file: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def wait_for(look: Callable[[], T | None], *, what: str, seconds: float) -> T:
    """Look until there is something to see.

    Raises
    ------
    Unavailable
        If there is nothing after that many seconds.
    """
    for found in _looks(look, seconds):
        if found is not None:
            return found
    raise Unavailable(f"{what} did not come within {seconds:.0f} s; see `tidemill status`")


def _looks(look: Callable[[], T], seconds: float) -> Iterator[T]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield look()
        time.sleep(POLL_SECONDS)


def _describe(formation: Any, name: str) -> dict[str, Any]:
    try:
        stack = formation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return {"name": name, "status": None, "outputs": {}}
    # CDK adds outputs of its own, for what one stack uses of another.
    ours = [one for one in stack.get("Outputs", []) if not one["OutputKey"].startswith("ExportsOutput")]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in ours}
    return {"name": name, "status": stack["StackStatus"], "outputs": outputs}
