"""What may differ between two deployments, read from the context of ``cdk.json``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ARCHITECTURES = ("arm64", "x86_64")
CONTEXT_PREFIX = "tidemill:"
FLAGS = {"tracing", "ephemeral", "built_layers"}


@dataclass(frozen=True)
class MonitoredModel:
    """A model's name and the EventBridge schedule, in UTC, that wakes its monitor."""

    name: str
    schedule: str


@dataclass(frozen=True)
class Config:
    """One deployment.

    Parameters
    ----------
    project
        The package under ``projects/`` that this deployment serves.
    models
        The project's models with their monitoring schedules.
    architecture
        ``arm64`` or ``x86_64``: what functions run on and layers are built for.
    tracing
        Whether functions and the state machine send traces to X-Ray.
    ephemeral
        Whether deleting a stack deletes its data; for development stacks only.
    built_layers
        Whether third-party layers carry their packages (when ``make layers`` made them). The local
        cloud's development mode takes packages from its own environment and says no.
    """

    project: str
    models: tuple[MonitoredModel, ...]
    architecture: str = "arm64"
    tracing: bool = False
    ephemeral: bool = False
    built_layers: bool = True

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ValueError(
                f"cdk.json: tidemill:architecture is {self.architecture!r}; write one of {ARCHITECTURES}"
            )


def config_from_context(context: Mapping[str, Any]) -> Config:
    """Make the configuration from CDK context values.

    Parameters
    ----------
    context
        Keys with the prefix ``tidemill:``; others are ignored, since they are CDK's own. Booleans
        may be strings, as ``cdk deploy -c tidemill:tracing=true`` gives them.

    Returns
    -------
    Config
        The deployment.

    Raises
    ------
    ValueError
        If a key is unknown, missing or has a value that is not allowed.

    Examples
    --------
    >>> models = {"churn": {"monitor": "rate(1 day)"}}
    >>> config_from_context({"tidemill:project": "shop", "tidemill:models": models, "other": 1}).models
    (MonitoredModel(name='churn', schedule='rate(1 day)'),)
    """
    ours = {
        key.removeprefix(CONTEXT_PREFIX): value
        for key, value in context.items()
        if key.startswith(CONTEXT_PREFIX)
    }
    known = set(Config.__dataclass_fields__)
    unknown, missing = ours.keys() - known, {"project", "models"} - ours.keys()
    if unknown or missing:
        raise ValueError(
            f"cdk.json context: unknown {sorted(unknown)}, missing {sorted(missing)}; "
            f"the keys are {sorted(CONTEXT_PREFIX + name for name in known)}"
        )
    ours["models"] = tuple(MonitoredModel(name, model["monitor"]) for name, model in ours["models"].items())
    for flag in FLAGS & ours.keys():
        ours[flag] = str(ours[flag]).lower() == "true"
    return Config(**ours)


def context_file() -> dict[str, Any]:
    """Return the context of ``cdk.json``, which the CDK CLI passes on its own and ``python -m`` does not."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return context
