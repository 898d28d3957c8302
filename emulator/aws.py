"""moto, set up for a server that runs real functions and real state machines."""

import copy
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore.loaders import Loader, create_loader
from moto import backends
from moto.awslambda_simple.models import lambda_simple_backends
from moto.core import utils as core_utils
from moto.core.config import default_user_config
from moto.moto_api._internal.models import moto_api_backend

from emulator.events.hooks import Hooks
from emulator.lean_imports import stepfunctions_parser_backends

ACCOUNT = "123456789012"
REGION = "us-east-1"
PARTITION = "aws"

# It logs the whole parse tree around each state that fails; what failed stands in the execution's history.
_interpreter_log = logging.getLogger("moto.stepfunctions.parser")


@contextmanager
def configured(port: int) -> Iterator[None]:
    """Set moto's switches for a server, and set them back.

    Parameters
    ----------
    port
        Where the state machine interpreter finds the other services.
    """
    settings, port_before = copy.copy(default_user_config), os.environ.get("MOTO_PORT")
    level_before = _interpreter_log.level
    _interpreter_log.setLevel(logging.CRITICAL)
    os.environ["MOTO_PORT"] = str(port)
    default_user_config["lambda"] = {"use_docker": False}
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    try:
        yield
    finally:
        _interpreter_log.setLevel(level_before)
        default_user_config.update(settings)
        if port_before is None:
            del os.environ["MOTO_PORT"]
        else:
            os.environ["MOTO_PORT"] = port_before


def quicken(hooks: Hooks) -> None:
    """Spare moto the work it repeats: a walk through its own folders per request, a search per service model.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    """
    modules = frozenset(backends.list_of_moto_modules())
    hooks.replace(backends, "list_of_moto_modules", lambda: modules)
    hooks.replace(core_utils, "_load_service_model", service_models().load_service_model)


@cache
def service_models() -> Loader:
    """Give the loader of botocore's service models that servers and clients share: it reads each once.

    Returns
    -------
    Loader
        botocore's own.
    """
    loader: Loader = create_loader()
    return loader


def backend(service: str, region: str = REGION) -> Any:
    """Give moto's live backend of one service: the state behind its API.

    Parameters
    ----------
    service
        moto's name of the service, such as ``lambda`` or ``apigatewayv2``.
    region
        Region of a regional service; global services ignore it.

    Returns
    -------
    Any
        The backend object.
    """
    if service == "lambda":
        return lambda_simple_backends[ACCOUNT][region]
    if service == "stepfunctions":
        return stepfunctions_parser_backends[ACCOUNT][region]
    per_account = backends.get_backend(service)[ACCOUNT]  # type: ignore[call-overload]  # one of moto's many literals
    for key in (region, PARTITION, "global"):
        try:
            return per_account[key]
        except KeyError:
            continue
    raise KeyError(f"moto has no service {service}")


def reset() -> None:
    """Forget every resource of every service."""
    moto_api_backend.reset()
