"""Members of requests and answers, between the spelling of definitions and the services' own.

A definition writes ``StateMachineArn`` and objects where a service takes text, and reads ``ExecutionArn``.
moto carries the translation, by the services' models, and never calls it.
"""

from functools import cache
from typing import Any

from botocore.model import OperationModel, ServiceModel
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
    StateTaskService,
)
from moto.stepfunctions.parser.utils import camel_to_snake_case

from emulator import aws
from emulator.events.hooks import Hooks


def install_parameters(hooks: Hooks) -> None:
    """Have tasks translate what they send and what they get.

    Parameters
    ----------
    hooks
        Where the replacements are noted.
    """
    hooks.replace(StateTaskService, "_normalise_parameters", _translate_request)
    hooks.replace(StateTaskService, "_normalise_response", _translate_answer)


def _translate_request(
    task: Any, parameters: Any, boto_service_name: str | None = None, service_action_name: str | None = None
) -> None:
    shape = _operation_of(task, boto_service_name, service_action_name).input_shape
    if shape is not None:
        task._to_boto_request(parameters, shape)  # noqa: SLF001  moto's own, which nothing of it calls


def _translate_answer(
    task: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
) -> None:
    shape = _operation_of(task, boto_service_name, service_action_name).output_shape
    if shape is not None:
        task._from_boto_response(response, shape)  # noqa: SLF001  likewise


def _operation_of(task: Any, service: str | None, action: str | None) -> OperationModel:
    name = task._get_boto_service_name(service)  # noqa: SLF001  the names the task calls by
    return _operations(name)[task._get_boto_service_action(action)]  # noqa: SLF001  likewise


@cache
def _operations(service: str) -> dict[str, OperationModel]:
    model = ServiceModel(aws.service_models().load_service_model(service, "service-2"), service)
    return {camel_to_snake_case(name): model.operation_model(name) for name in model.operation_names}
