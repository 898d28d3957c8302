"""The composition root: what each port is on AWS, from the environment, once per process.

Handlers call these functions for what they need and nothing else; each adapter is made at its
first use and kept for the life of the process. What the predict path needs comes without Arrow:
only ``tables`` imports it.
"""

import functools
import os
from typing import TYPE_CHECKING

from tidemill.aws.blobs import S3Blobs
from tidemill.aws.clients import client
from tidemill.aws.documents import DynamoDocuments
from tidemill.aws.events import EventBridgeEvents
from tidemill.aws.executions import StateMachineExecutions
from tidemill.aws.queues import SqsQueue
from tidemill.aws.settings import Settings

if TYPE_CHECKING:
    from tidemill.aws.history import IcebergHistory
    from tidemill.aws.online import DynamoOnlineStore
    from tidemill.aws.tables import IcebergTables
    from tidemill.aws.upkeep import IcebergUpkeep
    from tidemill.datasets.backfill import Backfills
    from tidemill.datasets.upkeep import Housekeeping
    from tidemill.features.generations import ServedItems
    from tidemill.project import Project
    from tidemill.registry.served_views import ServedViews


@functools.cache
def settings() -> Settings:
    """Return this process's settings."""
    return Settings(dict(os.environ))


@functools.cache
def project() -> "Project":
    """Return the deployed project's declarations."""
    from tidemill.project import load_project  # noqa: PLC0415  # predict has no project to load

    return load_project(settings().project)


@functools.cache
def data_blobs() -> S3Blobs:
    """Return the data bucket."""
    return S3Blobs(settings().data_bucket, client=client("s3"))


@functools.cache
def models_blobs() -> S3Blobs:
    """Return the models bucket."""
    return S3Blobs(settings().models_bucket, client=client("s3"))


@functools.cache
def documents() -> DynamoDocuments:
    """Return the experiments table."""
    return DynamoDocuments(settings().experiments_table, client=client("dynamodb"))


@functools.cache
def online_store() -> "DynamoOnlineStore":
    """Return the features table."""
    from tidemill.aws.online import DynamoOnlineStore  # noqa: PLC0415  # predict and materialize alone need features

    return DynamoOnlineStore(settings().features_table, client=client("dynamodb"))


@functools.cache
def served_items() -> "ServedItems":
    """Return what of the features table is served, for those who only read."""
    from tidemill.features.generations import ServedItems  # noqa: PLC0415  # as in online_store

    return ServedItems(online_store())


@functools.cache
def events() -> EventBridgeEvents:
    """Return the event bus."""
    return EventBridgeEvents(settings().event_bus, client=client("events"))


@functools.cache
def predictions_queue() -> SqsQueue:
    """Return the queue of the prediction log."""
    return SqsQueue(settings().predictions_queue_url, client=client("sqs"))


@functools.cache
def rows_queue() -> SqsQueue:
    """Return the queue of rows that came by API."""
    return SqsQueue(settings().rows_queue_url, client=client("sqs"))


@functools.cache
def training_executions() -> StateMachineExecutions:
    """Return the executions of the training state machine."""
    return StateMachineExecutions(settings().training_state_machine_arn, client=client("stepfunctions"))


@functools.cache
def backfill_executions() -> StateMachineExecutions:
    """Return the executions of the state machine that fills feature views."""
    return StateMachineExecutions(settings().backfill_state_machine_arn, client=client("stepfunctions"))


@functools.cache
def served_views() -> "ServedViews":
    """Return the views that models in service were trained with."""
    from tidemill.registry.served_views import ServedViews  # noqa: PLC0415  # only what keeps them up needs features

    return ServedViews(documents(), models_blobs())


@functools.cache
def backfills() -> "Backfills":
    """Return the steps of backfills."""
    from tidemill.datasets.backfill import Backfills  # noqa: PLC0415  # Arrow stays off the predict path

    return Backfills(project(), served_views(), tables(), documents(), online_store())


@functools.cache
def table_history() -> "IcebergHistory":
    """Return the versions of the project's tables."""
    from tidemill.aws.history import IcebergHistory  # noqa: PLC0415  # Arrow stays off the predict path
    from tidemill.aws.tables import glue_catalog  # noqa: PLC0415  # likewise

    return IcebergHistory(glue_catalog(), database=settings().database)


@functools.cache
def table_upkeep() -> "IcebergUpkeep":
    """Return what keeps the project's tables small."""
    from tidemill.aws.tables import glue_catalog  # noqa: PLC0415  # Arrow stays off the predict path
    from tidemill.aws.upkeep import IcebergUpkeep  # noqa: PLC0415  # likewise

    return IcebergUpkeep(glue_catalog(), database=settings().database)


@functools.cache
def housekeeping() -> "Housekeeping":
    """Return what keeps the project's tables, and what hangs on them, small."""
    from tidemill.aws.removal import DynamoItemRemoval, S3BlobRemoval  # noqa: PLC0415  # upkeep alone removes
    from tidemill.datasets.retirement import Retirement  # noqa: PLC0415  # Arrow stays off the predict path
    from tidemill.datasets.upkeep import Housekeeping  # noqa: PLC0415  # likewise

    items = DynamoItemRemoval(settings().features_table, client=client("dynamodb"))
    retirement = Retirement(project(), served_views(), tables(), documents(), online_store(), items)
    blobs = S3BlobRemoval(settings().data_bucket, client=client("s3"))
    return Housekeeping(
        project(),
        tables(),
        table_history(),
        table_upkeep(),
        documents(),
        retirement,
        blobs,
        backfill_executions(),
    )


@functools.cache
def tables() -> "IcebergTables":
    """Return the project's Iceberg tables."""
    from tidemill.aws.tables import IcebergTables, glue_catalog  # noqa: PLC0415  # Arrow stays off the predict path

    return IcebergTables(
        glue_catalog(), database=settings().database, warehouse=f"s3://{settings().data_bucket}/warehouse"
    )
