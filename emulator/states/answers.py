"""Answers of the Step Functions API where moto's leave something out."""

import json
import threading
import uuid
from collections.abc import Iterator
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.exceptions import ValidationException
from moto.stepfunctions.parser.api import ExecutionStatus, InvalidDefinition
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from emulator.events.clock import Clock
from emulator.events.hooks import Hooks
from emulator.states.definition import DefinitionError, check_definition
from emulator.states.map_runs import children_of, find_child

_LARGEST_PAYLOAD_BYTES = 256 * 1024
_PAGE = 100


def install_answers(hooks: Hooks, *, clock: Clock) -> None:
    """Complete moto's answers about executions.

    Parameters
    ----------
    hooks
        Where the replacements are noted.
    clock
        Dates the answers.
    """
    start_execution = StepFunctionsParserBackend.start_execution
    starting = threading.Lock()

    def named_start(
        self: Any, state_machine_arn: str, name: str | None = None, given: str = "{}", *args: Any
    ) -> Any:
        _check_size("input", given)
        # Without a name moto calls every execution "None", and the second one exists already. It looks for
        # the name and adds it in two steps: of two callers with one name, both would start.
        with starting:
            return start_execution(self, state_machine_arn, name or str(uuid.uuid4()), given, *args)

    def stop_execution(response: Any) -> ActionResult:
        execution = _execution_of(response)
        execution.stop(
            stop_date=clock.now(), error=_parameter(response, "error"), cause=_parameter(response, "cause")
        )
        return ActionResult({"stopDate": execution.stop_date})

    hooks.replace(StepFunctionsParserBackend, "start_execution", named_start)
    hooks.replace(StepFunctionsParserBackend, "_validate_definition", staticmethod(_validated))
    hooks.replace(StepFunctionResponse, "stop_execution", stop_execution)
    hooks.replace(StepFunctionResponse, "describe_execution", _describe_execution)
    hooks.replace(StepFunctionResponse, "list_executions", _with_every_stop(StepFunctionResponse))
    hooks.replace(StepFunctionResponse, "send_task_failure", _send_task_failure)
    hooks.replace(StepFunctionResponse, "send_task_success", _send_task_success)


_parses = StepFunctionsParserBackend._validate_definition  # noqa: SLF001  both callers are in the class itself


class _ResourceNotFoundError(AWSError):
    TYPE = "ResourceNotFound"
    STATUS = 400


class _InvalidDefinitionError(AWSError):
    TYPE = "InvalidDefinition"
    STATUS = 400


def _validated(definition: str) -> None:
    try:
        check_definition(definition, "to be made")
        _parses(definition)
    except (DefinitionError, InvalidDefinition) as error:
        raise _InvalidDefinitionError(str(error)) from error


def _list_children(response: Any) -> ActionResult:
    """List a run's child executions, the latest first."""
    arn, status = _parameter(response, "mapRunArn"), _parameter(response, "statusFilter")
    record = next((each for each in _map_runs(response) if each.map_run_arn == arn), None)
    if record is None:
        raise _ResourceNotFoundError(f"Resource not found: '{arn}'")
    found = [child.as_entry() for child in reversed(children_of(record)) if status in {None, child.status}]
    start = int(_parameter(response, "nextToken") or 0)
    end = start + int(_parameter(response, "maxResults") or _PAGE)
    more = {"nextToken": str(end)} if end < len(found) else {}
    return ActionResult({"executions": found[start:end], **more})


def _map_runs(response: Any) -> Iterator[Any]:
    for execution in response.stepfunction_backend._get_executions():  # noqa: SLF001  moto's own list
        if execution.exec_worker is not None:
            yield from execution.exec_worker.env.map_run_record_pool_manager.get_all()


def _describe_execution(response: Any) -> ActionResult:
    child = find_child(_map_runs(response), _parameter(response, "executionArn"))
    if child is not None:
        return ActionResult(child.as_description())
    described = _execution_of(response).to_describe_output()
    return ActionResult({key: value for key, value in described.items() if value is not None})


def _with_every_stop(owner: type[StepFunctionResponse]) -> Any:
    list_executions = owner.list_executions

    def listed(response: Any) -> ActionResult:
        if _parameter(response, "mapRunArn"):
            return _list_children(response)
        answer = list_executions(response)
        backend = response.stepfunction_backend
        listing: Any = answer.result
        for entry in listing["executions"]:
            if entry["status"] == ExecutionStatus.TIMED_OUT:
                entry["stopDate"] = backend.describe_execution(entry["executionArn"]).stop_date
        return answer

    return listed


def _send_task_failure(response: Any) -> EmptyResult:
    response.stepfunction_backend.send_task_failure(
        _parameter(response, "taskToken"),
        error=_parameter(response, "error"),
        cause=_parameter(response, "cause"),
    )
    return EmptyResult()


def _send_task_success(response: Any) -> EmptyResult:
    output = _parameter(response, "output")
    _check_size("output", output)
    try:
        json.loads(output)
    except ValueError as error:
        raise ValidationException(f"Invalid Output: {error}") from error
    response.stepfunction_backend.send_task_success(_parameter(response, "taskToken"), output)
    return EmptyResult()


def _check_size(member: str, text: str) -> None:
    if len(text.encode()) > _LARGEST_PAYLOAD_BYTES:
        raise ValidationException(
            f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_LARGEST_PAYLOAD_BYTES}"
        )


def _execution_of(response: Any) -> Any:
    return response.stepfunction_backend.describe_execution(_parameter(response, "executionArn"))


def _parameter(response: Any, name: str) -> Any:
    return response._get_param(name)  # noqa: SLF001  what every operation of the class reads with
