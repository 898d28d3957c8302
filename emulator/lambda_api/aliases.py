"""Aliases: names for versions, and the share of calls that goes to a second one."""

import json
import math
import random
import threading
import uuid
from collections.abc import Mapping
from fractions import Fraction
from typing import Any
from urllib.parse import unquote

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaStorage
from moto.awslambda.responses import LambdaResponse

from emulator.events.hooks import Hooks
from emulator.lambda_api.configuration import check_revision
from emulator.lambda_api.names import LATEST

_BLOCK = 100


class Rotation:
    """Draws which version an alias runs, call by call; safe to use from threads.

    Of every 100 calls exactly the share goes to the second version, in an order shuffled by the alias's
    ARN: the same in each run, and in step with nothing a caller may do in turns. A changed alias begins
    anew.

    Examples
    --------
    >>> rotation = Rotation()
    >>> drawn = [rotation.draw("alias", "1", {"2": 0.3}) for _ in range(100)]
    >>> drawn.count("2")
    30
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[tuple[str, str, str, Fraction], int] = {}

    def draw(self, alias_arn: str, version: str, weights: Mapping[str, float]) -> str:
        """Choose the version of one call.

        Parameters
        ----------
        alias_arn
            The alias; calls are counted by it, and it seeds the order.
        version
            Takes what is left.
        weights
            Share of the second version, 0 to 1.

        Returns
        -------
        str
            A version.
        """
        for second, weight in weights.items():
            share = Fraction(str(weight))
            key = (alias_arn, version, second, share)
            with self._lock:
                call = self._calls.get(key, 0)
                self._calls[key] = call + 1
            block, place = divmod(call, _BLOCK)
            count = math.floor((block + 1) * _BLOCK * share) - math.floor(block * _BLOCK * share)
            order = random.Random(f"{alias_arn}:{block}")
            return second if place in order.sample(range(_BLOCK), count) else version
        return version


def aliases_of(storage: Any, function_name: str) -> dict[str, Any]:
    """Give a function's aliases.

    Parameters
    ----------
    storage
        moto's storage of functions.
    function_name
        The function.

    Returns
    -------
    dict
        moto's alias by name.
    """
    found: dict[str, Any] = storage._get_function_aliases(function_name)  # noqa: SLF001  moto has no accessor
    return found


def install(hooks: Hooks) -> None:
    """Hold aliases against Lambda's rules when they are made and changed."""
    put = LambdaStorage.put_alias

    def put_checked(  # noqa: PLR0917  moto's signature
        storage: Any,
        name: str,
        function_name: str,
        function_version: str,
        description: str,
        routing_config: dict[str, Any] | None,
    ) -> Any:
        _validate(storage, function_name, function_version, routing_config)
        return put(storage, name, function_name, function_version, description, routing_config)  # type: ignore[arg-type]  # moto says str of a structure

    hooks.replace(LambdaStorage, "put_alias", put_checked)
    hooks.replace(LambdaResponse, "update_alias", _update_on_request)


def _validate(storage: Any, function_name: str, version: str, routing: Mapping[str, Any] | None) -> None:
    weights: Mapping[str, float] = (routing or {}).get("AdditionalVersionWeights") or {}
    storage.get_function_by_name_or_arn_with_qualifier(function_name, version)
    if len(weights) > 1:
        raise InvalidParameterValueException(
            "Number of items in AdditionalVersionWeights cannot be greater than 1"
        )
    for second, weight in weights.items():
        if LATEST in {version, second}:
            raise InvalidParameterValueException(
                "$LATEST is not supported for an alias pointing to more than 1 version"
            )
        if second == version:
            raise InvalidParameterValueException(
                f"Invalid function version {second}. Function version {version} is already included in "
                "routing configuration."
            )
        if not 0 <= float(weight) <= 1:
            raise InvalidParameterValueException(f"Weight of version {second} is {weight}; it must be 0 to 1")
        storage.get_function_by_name_or_arn_with_qualifier(function_name, second)


def _update_on_request(response: Any) -> tuple[int, dict[str, Any], str]:
    *_, quoted_name, _, quoted_alias = response.path.rstrip("/").split("/")
    function_name, body = unquote(quoted_name), json.loads(response.body or "{}")
    storage = response.backend._lambdas  # noqa: SLF001  moto has no accessor
    alias = storage.get_alias(unquote(quoted_alias), function_name)
    check_revision(alias, body)
    version = body.get("FunctionVersion") or alias.function_version
    routing = body.get("RoutingConfig", alias.routing_config)
    _validate(storage, function_name, version, routing)
    alias.update(body.get("Description"), version, routing)
    alias.revision_id = str(uuid.uuid4())
    return 200, {"status": 200}, json.dumps(alias.to_json())
