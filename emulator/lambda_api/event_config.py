"""How asynchronous events are treated: a function, each version and each alias has its own configuration."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from moto.awslambda.exceptions import InvalidParameterValueException, UnknownEventConfig
from moto.awslambda.models import EventInvokeConfig
from moto.awslambda.responses import LambdaResponse

from emulator.events.hooks import Hooks
from emulator.lambda_api.aliases import aliases_of
from emulator.lambda_api.names import LATEST, split_name, unqualified

_DESTINATIONS = frozenset({"sqs", "sns", "lambda", "events"})
_DEFAULT_RETRIES = 2
_DEFAULT_AGE = timedelta(hours=6)
_FIELDS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


@dataclass(frozen=True)
class EventSettings:
    """What is configured for the asynchronous events of a function, version or alias.

    Parameters
    ----------
    arn
        The function's, with version or alias.
    retries
        How often a failed event runs again.
    longest_age
        How long an event may wait.
    on_success, on_failure
        ARNs of destinations, or None.
    dead_letters
        ARN of the dead-letter queue or topic, or None.
    role_arn
        The function's role, which sends to all of them.
    reserves_nothing
        Whether the function's reserved concurrency is 0: no event ever runs.
    """

    arn: str
    retries: int
    longest_age: timedelta
    on_success: str | None
    on_failure: str | None
    dead_letters: str | None
    role_arn: str
    reserves_nothing: bool


def settings_of(storage: Any, name_or_arn: str) -> EventSettings:
    """Give what is configured for a function's asynchronous events.

    Parameters
    ----------
    storage
        moto's storage of functions.
    name_or_arn
        The function, with version or alias or without; configurations are not inherited.

    Returns
    -------
    EventSettings
        As configured, or Lambda's defaults.
    """
    name, qualifier = split_name(name_or_arn)
    function = storage.get_function_by_name_or_arn_with_qualifier(name, qualifier)
    latest = storage.get_function_by_name_or_arn_with_qualifier(name)
    config = config_of(storage, name, qualifier)
    retries, age = config.get("MaximumRetryAttempts"), config.get("MaximumEventAgeInSeconds")
    destinations = config.get("DestinationConfig") or {}
    reserved = latest.reserved_concurrency
    return EventSettings(
        arn=f"{unqualified(latest.function_arn)}:{qualifier or LATEST}",
        retries=_DEFAULT_RETRIES if retries is None else int(retries),
        longest_age=_DEFAULT_AGE if age is None else timedelta(seconds=int(age)),
        on_success=(destinations.get("OnSuccess") or {}).get("Destination"),
        on_failure=(destinations.get("OnFailure") or {}).get("Destination"),
        dead_letters=function.dead_letter_config.get("TargetArn"),
        role_arn=function.role,
        reserves_nothing=reserved is not None and int(reserved) == 0,
    )


def install(hooks: Hooks) -> None:
    """Answer the API of asynchronous configurations by qualifier, which moto leaves out."""
    hooks.replace(LambdaResponse, "put_function_event_invoke_config", _put)
    hooks.replace(LambdaResponse, "update_function_event_invoke_config", _update)
    hooks.replace(LambdaResponse, "get_function_event_invoke_config", _get)
    hooks.replace(LambdaResponse, "delete_function_event_invoke_config", _delete)
    hooks.replace(LambdaResponse, "list_function_event_invoke_configs", _list)


def config_of(storage: Any, name: str, qualifier: str | None) -> Mapping[str, Any]:
    """Give the configuration of asynchronous events.

    Parameters
    ----------
    storage
        moto's storage of functions.
    name
        The function.
    qualifier
        Version or alias as the caller named it; configurations are not inherited.

    Returns
    -------
    Mapping
        ``MaximumRetryAttempts`` and the like; empty without one.
    """
    kept = _configs(holder_of(storage, name, qualifier))
    config: Mapping[str, Any] = kept[-1].config if kept else {}
    return config


def holder_of(storage: Any, name: str, qualifier: str | None) -> Any:
    """Find what a configuration belongs to.

    Parameters
    ----------
    storage
        moto's storage of functions.
    name, qualifier
        The function, and a version or alias of it.

    Returns
    -------
    Any
        moto's alias, or its function.
    """
    if qualifier and qualifier != LATEST and qualifier in (aliases := aliases_of(storage, name)):
        return aliases[qualifier]
    return storage.get_function_by_name_or_arn_with_qualifier(name, qualifier)


def _configs(holder: Any) -> list[EventInvokeConfig]:
    if not hasattr(holder, "event_invoke_config"):
        holder.event_invoke_config = []
    configs: list[EventInvokeConfig] = holder.event_invoke_config
    return configs


def _asked(response: Any) -> tuple[Any, str, str]:
    """Read which configuration a request is about: storage, name, qualifier."""
    name, qualifier = split_name(
        unquote(response.path.partition("/functions/")[2].partition("/")[0]),
        response.querystring.get("Qualifier", [None])[0],
    )
    return response.backend._lambdas, name, qualifier or LATEST  # noqa: SLF001  moto has no accessor


def _keep(response: Any, config: dict[str, Any]) -> tuple[int, dict[str, Any], str]:
    storage, name, qualifier = _asked(response)
    _validate(config)
    holder = holder_of(storage, name, qualifier)
    latest = storage.get_function_by_name_or_arn_with_qualifier(name)
    arn = f"{unqualified(latest.function_arn)}:{qualifier}"
    made = EventInvokeConfig(arn, time.time(), config)  # type: ignore[arg-type]  # a number on the wire
    _configs(holder)[:] = [made]
    return 200, {}, json.dumps(made.response())


def _validate(config: Mapping[str, Any]) -> None:
    for name, destination in (config.get("DestinationConfig") or {}).items():
        arn = (destination or {}).get("Destination")
        if arn and (arn.count(":") < 5 or arn.split(":")[2] not in _DESTINATIONS):
            raise InvalidParameterValueException(
                f"{name} has the destination {arn!r}; the local cloud delivers to "
                f"{', '.join(sorted(_DESTINATIONS))}"
            )


def _put(response: Any) -> tuple[int, dict[str, Any], str]:
    body = json.loads(response.body or "{}")
    return _keep(response, {name: body[name] for name in _FIELDS if name in body})


def _update(response: Any) -> tuple[int, dict[str, Any], str]:
    body = json.loads(response.body or "{}")
    before = config_of(*_asked(response))
    return _keep(response, {**before, **{name: body[name] for name in _FIELDS if name in body}})


def _found(response: Any) -> EventInvokeConfig:
    storage, name, qualifier = _asked(response)
    kept = _configs(holder_of(storage, name, qualifier))
    if not kept:
        latest = storage.get_function_by_name_or_arn_with_qualifier(name)
        raise UnknownEventConfig(f"{unqualified(latest.function_arn)}:{qualifier}")
    return kept[-1]


def _get(response: Any) -> tuple[int, dict[str, Any], str]:
    return 200, {}, json.dumps(_found(response).response())


def _delete(response: Any) -> tuple[int, dict[str, Any], str]:
    _found(response)
    _configs(holder_of(*_asked(response))).clear()
    return 204, {"status": 204}, ""


def _list(response: Any) -> tuple[int, dict[str, Any], str]:
    storage, name, _ = _asked(response)
    functions = storage._functions[name]  # noqa: SLF001  moto has no accessor
    holders = [functions["latest"], *functions["versions"], *aliases_of(storage, name).values()]
    found = [config.response() for holder in holders for config in _configs(holder)]
    return 200, {}, json.dumps({"FunctionEventInvokeConfigs": found})
