"""A Lambda function of ours: what all have in common, and grants that bring their settings along."""

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import ROOT, Config
from infra.constructs.layers import NOT_SHIPPED, RUNTIME, Layers, architecture

MB_PER_PROCESSOR = 1769
LOG_RETENTION = logs.RetentionDays.ONE_MONTH
READ_TABLE = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
WRITE_TABLE = (*READ_TABLE, "dynamodb:PutItem", "dynamodb:UpdateItem")
CLEAR_TABLE = ("dynamodb:Scan", "dynamodb:DeleteItem")
READ_CATALOG = ("glue:GetDatabase", "glue:GetTable")
WRITE_CATALOG = (*READ_CATALOG, "glue:CreateTable", "glue:UpdateTable")
_ALLOCATION = {
    # Arrow's own allocators give memory back bit by bit, under a lock that all threads share: a join of
    # four views by two threads took a third longer, an ingest an eighth.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    # numpy asks for huge pages, and where memory is in pieces the kernel first puts them together: figures
    # over windows took from one to twice their time.
    "NUMPY_MADVISE_HUGEPAGE": "0",
    # One heap that keeps what it was given back: memory touched for the first time costs more than what is
    # computed in it, and threads that touch it at once wait for each other. The join took a tenth longer
    # without, and a seventh more memory.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(4 * 2**30),
}
"""How a function gets memory from the system."""


def construct_name(function_name: str) -> str:
    """Return the construct's name of a function's folder.

    Examples
    --------
    >>> construct_name("ingest_upload")
    'IngestUpload'
    """
    return "".join(word.capitalize() for word in function_name.split("_"))


def log_group(scope: Construct, name: str) -> logs.LogGroup:
    """Make a log group that keeps its lines for a month and goes with its stack."""
    return logs.LogGroup(scope, name, retention=LOG_RETENTION, removal_policy=RemovalPolicy.DESTROY)


class PythonFunction(Construct):
    """The function of ``functions/<name>/handler.py``.

    A function may do nothing but write its own log until it is told to use something; each
    ``uses_*`` grants what is needed and sets the environment variable that names it, in one call.

    Parameters
    ----------
    name
        The function's folder, ``<verb_noun>``.
    third_party
        The layer its third-party packages come from: ``serve``, ``data`` or ``train``.
    declarations
        Whether the function reads the project's declarations, and so needs the ``projects`` layer.
    memory_mb, timeout, tmp_mb
        What an invocation may use.
    dead_letters
        Where an asynchronous invocation goes after its last failure; None if nothing invokes it so.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        config: Config,
        layers: Layers,
        third_party: str,
        memory_mb: int,
        timeout: Duration,
        tmp_mb: int = 512,
        declarations: bool = False,
        dead_letters: sqs.IQueue | None = None,
    ) -> None:
        super().__init__(scope, construct_name(name))
        self.timeout = timeout
        log = log_group(self, "Logs")
        self._role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log.grant_write(self._role)
        self.function = lambda_.Function(
            self,
            "Function",
            code=lambda_.Code.from_asset(str(ROOT / "functions" / name), exclude=NOT_SHIPPED),
            handler="handler.handler",
            runtime=RUNTIME,
            architecture=architecture(config),
            layers=layers.named("tidemill", *(["projects"] if declarations else []), third_party),
            memory_size=memory_mb,
            ephemeral_storage_size=Size.mebibytes(tmp_mb),
            timeout=timeout,
            role=self._role,
            log_group=log,
            tracing=lambda_.Tracing.ACTIVE if config.tracing else lambda_.Tracing.DISABLED,
            dead_letter_queue=dead_letters,
            description=f"Tidemill: {name}",
            environment={
                "TIDEMILL_PROJECT": config.project,
                # One thread per processor that Lambda gives for the memory. A thread that waits must
                # sleep: where another function shares the processors, threads that spin for each
                # other cost boosted trees ten times their time.
                "OMP_NUM_THREADS": str(max(1, memory_mb // MB_PER_PROCESSOR)),
                "OMP_WAIT_POLICY": "PASSIVE",
                **_ALLOCATION,
            },
        )

    def uses_bucket(
        self,
        bucket: s3.IBucket,
        variable: str,
        *,
        read: Sequence[str] = (),
        write: Sequence[str] = (),
        discard: Sequence[str] = (),
        purge: Sequence[str] = (),
    ) -> None:
        """Let the function read and write below prefixes of a bucket; what it writes it may read.

        ``discard`` names those prefixes of ``write`` below which it may also take back what it wrote,
        ``purge`` those below which it may see and remove every version of a file.
        """
        prefixes = sorted({*read, *write})
        self._may(["s3:GetObject", "s3:GetObjectVersion"], *map(bucket.arn_for_objects, _below(prefixes)))
        if write:
            self._may(
                ["s3:PutObject", "s3:AbortMultipartUpload"], *map(bucket.arn_for_objects, _below(write))
            )
        if discard:
            self._may(["s3:DeleteObject"], *map(bucket.arn_for_objects, _below(discard)))
        if purge:
            self._may(["s3:DeleteObjectVersion"], *map(bucket.arn_for_objects, _below(purge)))
            self._may_list(bucket, "s3:ListBucketVersions", purge)
        # Without leave to list, S3 answers 403 instead of 404 for an object that is not there.
        self._may_list(bucket, "s3:ListBucket", prefixes)
        self._set(variable, bucket.bucket_name)

    def uses_table(
        self, table: dynamodb.ITable, variable: str, *, write: bool = False, clear: bool = False
    ) -> None:
        """Let the function read a table, and write it if told so.

        Only one that is to ``clear`` it may go through all of its items, and delete some.
        """
        self._may([*(WRITE_TABLE if write else READ_TABLE), *(CLEAR_TABLE if clear else ())], table.table_arn)
        self._set(variable, table.table_name)

    def uses_database(self, name: str, *, write: bool = False) -> None:
        """Let the function read the tables of a Glue database, and change them if told so."""
        stack = Stack.of(self)
        self._may(
            WRITE_CATALOG if write else READ_CATALOG,
            *(
                stack.format_arn(service="glue", resource=resource)
                for resource in ("catalog", f"database/{name}", f"table/{name}/*")
            ),
        )
        self._set("TIDEMILL_DATABASE", name)

    def uses_bus(self, bus: events.IEventBus) -> None:
        """Let the function publish events."""
        self._may(["events:PutEvents"], bus.event_bus_arn)
        self._set("TIDEMILL_EVENT_BUS", bus.event_bus_name)

    def uses_queue(self, queue: sqs.IQueue, variable: str) -> None:
        """Let the function send messages to a queue."""
        self._may(["sqs:SendMessage"], queue.queue_arn)
        self._set(variable, queue.queue_url)

    def uses_state_machine(self, arn: str, variable: str) -> None:
        """Let the function start executions of a state machine, and see which are running."""
        self._may(["states:StartExecution", "states:ListExecutions"], arn)
        self._set(variable, arn)

    def _may(self, actions: Sequence[str], *resources: str) -> None:
        self._role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))

    def _may_list(self, bucket: s3.IBucket, action: str, prefixes: Sequence[str]) -> None:
        self._role.add_to_policy(
            iam.PolicyStatement(
                actions=[action],
                resources=[bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": _below(prefixes)}},
            )
        )

    def _set(self, variable: str, value: str) -> None:
        self.function.add_environment(variable, value)


def _below(prefixes: Sequence[str]) -> list[str]:
    return [f"{prefix}*" for prefix in prefixes]
