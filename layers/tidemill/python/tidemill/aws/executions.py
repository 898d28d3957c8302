"""Executions of one Step Functions state machine."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tidemill.aws.failures import aws_failures
from tidemill.canonical import canonical_json

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StateMachineExecutions:
    """Starts executions by name, so that starting twice is starting once."""

    def __init__(self, state_machine_arn: str, *, client: "SFNClient") -> None:
        self.state_machine_arn = state_machine_arn
        self._client = client

    def start(self, name: str, execution_input: Mapping[str, Any]) -> bool:
        """Start an execution; False if one of that name has been started before.

        Step Functions remembers the names of ended executions for 90 days.
        """
        with aws_failures(f"starting execution {name}"):
            try:
                self._client.start_execution(
                    stateMachineArn=self.state_machine_arn,
                    name=name,
                    input=canonical_json(dict(execution_input)).decode(),
                )
            except self._client.exceptions.ExecutionAlreadyExists:
                return False
        return True

    def running(self) -> list[str]:
        """Return the names of the executions that have not ended, newest first."""
        pages = self._client.get_paginator("list_executions").paginate(
            stateMachineArn=self.state_machine_arn, statusFilter="RUNNING"
        )
        with aws_failures(f"listing executions of {self.state_machine_arn}"):
            return [execution["name"] for page in pages for execution in page["executions"]]
