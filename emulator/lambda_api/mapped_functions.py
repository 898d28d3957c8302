"""Event source mappings name an alias as an alias: what it points to is decided batch by batch."""

from typing import Any

from moto.awslambda.models import EventSourceMapping, LambdaBackend

from emulator.events.hooks import Hooks
from emulator.lambda_api.names import split_name, unqualified


def install(hooks: Hooks) -> None:
    """Keep the qualifier that moto follows once, when a mapping is made or changed."""
    make, update = EventSourceMapping.__init__, LambdaBackend.update_event_source_mapping

    def make_named(mapping: Any, spec: dict[str, Any]) -> None:
        make(mapping, spec)
        _name(mapping, spec["FunctionName"])

    def update_named(backend: Any, uuid: str, spec: dict[str, Any]) -> Any:
        mapping = update(backend, uuid, spec)
        if mapping is not None and spec.get("FunctionName"):
            _name(mapping, spec["FunctionName"])
        return mapping

    hooks.replace(EventSourceMapping, "__init__", make_named)
    hooks.replace(LambdaBackend, "update_event_source_mapping", update_named)


def _name(mapping: Any, function_name: str) -> None:
    _, qualifier = split_name(function_name)
    arn = unqualified(mapping.function_arn)
    mapping.function_arn = f"{arn}:{qualifier}" if qualifier else arn
