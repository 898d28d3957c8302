"""Starting backfills, and waiting for them."""

import secrets
from collections.abc import Sequence

from cli.commands.views import commits_behind
from cli.errors import CommandError
from cli.render import console
from tidemill.canonical import canonical_json
from tidemill.client.deployment import Deployment, wait_for
from tidemill.features.definitions import ViewDefinition

BACKFILL_SECONDS = 24 * 3600.0


def fill_first(deployment: Deployment, views: Sequence[ViewDefinition]) -> list[str]:
    """Fill those of some views that are not up to date, and return their references when they are.

    Raises
    ------
    CommandError
        If a backfill failed.
    """
    behind = commits_behind(deployment, views)
    due = [view for view in views if behind[view.reference] != 0]
    executions = [start_backfill(deployment, view) for view in due]
    for view, execution in zip(due, executions, strict=True):
        status, failure = wait_for_backfill(deployment, view, execution)
        if failure is not None:
            raise CommandError(f"the backfill of {view.reference} ended as {status}: {failure}")
    return [view.reference for view in due]


def wait_for_backfill(
    deployment: Deployment, view: ViewDefinition, execution: str
) -> tuple[str | None, str | None]:
    """Return how a backfill ended, and why if it failed."""
    with console(stderr=True).status(f"filling {view.reference}"):
        status = wait_for(
            lambda: _ended(deployment, execution), what="the backfill's end", seconds=BACKFILL_SECONDS
        )
    return status, deployment.execution_failure(execution)


def start_backfill(deployment: Deployment, view: ViewDefinition) -> str:
    """Start the state machine that fills a view, and return the execution's ARN."""
    answer = deployment.endpoint.client("stepfunctions").start_execution(
        stateMachineArn=deployment.outputs["BackfillStateMachine"],
        name=f"{view.name[:40]}-{view.version}-{secrets.token_hex(6)}",
        input=canonical_json({"view": view.name, "version": view.version}).decode(),
    )
    return str(answer["executionArn"])


def _ended(deployment: Deployment, execution: str) -> str | None:
    status = deployment.execution_status(execution)
    return None if status == "RUNNING" else status
