"""Deployed functions as the worker pool needs them, read from moto's Lambda backend."""

import hashlib
from dataclasses import dataclass
from typing import Any

from moto.awslambda.exceptions import LambdaClientError

from emulator import aws
from emulator.errors import UnknownFunction
from emulator.lambda_api.aliases import Rotation, aliases_of
from emulator.lambda_api.code import Code, CodeStore
from emulator.lambda_api.event_config import EventSettings, settings_of
from emulator.lambda_api.names import LATEST, split_name, unqualified
from emulator.runtime.model import FunctionSpec, LogSettings


@dataclass(frozen=True)
class Callee:
    """What one invocation runs, and the ARN it was called by, with version or alias."""

    spec: FunctionSpec
    invoked_arn: str


class Functions:
    """Finds functions by name or ARN and has their code ready on disk; safe to use from threads.

    Parameters
    ----------
    code
        Has code ready to run.
    region
        Region of the Lambda backend.
    """

    def __init__(self, code: CodeStore, region: str = aws.REGION) -> None:
        self._code = code
        self._region = region
        self._rotation = Rotation()

    def callee_of(self, name_or_arn: str, qualifier: str | None = None) -> Callee:
        """Choose what one invocation runs: an alias may share its calls among two versions.

        Parameters
        ----------
        name_or_arn
            Name or ARN, with version or alias or without.
        qualifier
            Version or alias.

        Returns
        -------
        Callee
            The version to run.

        Raises
        ------
        UnknownFunction
            No deployed function, version or alias has this name.
        """
        name, qualifier = split_name(name_or_arn, qualifier)
        function = self._find(name, qualifier)
        alias = aliases_of(self._storage(), name).get(qualifier) if qualifier else None
        if alias is not None:
            weights = (alias.routing_config or {}).get("AdditionalVersionWeights") or {}
            drawn = self._rotation.draw(alias.arn, str(alias.function_version), weights)
            function = self._find(name, drawn)
        arn = unqualified(function.function_arn)
        return Callee(self._describe(function), f"{arn}:{qualifier}" if qualifier else arn)

    def spec_of(self, name_or_arn: str, qualifier: str | None = None) -> FunctionSpec:
        """Describe a function to the worker pool.

        Parameters
        ----------
        name_or_arn
            Name or ARN, with version or alias or without.
        qualifier
            Version or alias.

        Returns
        -------
        FunctionSpec
            Its code unpacked, its configuration, and a revision that changes with either.

        Raises
        ------
        UnknownFunction
            No deployed function, version or alias has this name.
        """
        return self._describe(self._find(*split_name(name_or_arn, qualifier)))

    def event_settings_of(self, name_or_arn: str) -> EventSettings:
        """Give what is configured for a function's asynchronous events.

        Parameters
        ----------
        name_or_arn
            Name or ARN, with version or alias or without.

        Returns
        -------
        EventSettings
            Retries, destinations, dead letters.

        Raises
        ------
        UnknownFunction
            No deployed function, version or alias has this name.
        """
        self._find(*split_name(name_or_arn))
        return settings_of(self._storage(), name_or_arn)

    def _describe(self, function: Any) -> FunctionSpec:
        version = str(function.version)
        live = version == LATEST
        code = self._code.of(function.code, function.code_bytes, live=live)
        layers = [self._code.of(each.content, each.code_bytes, live=live) for each in function.layer_versions]
        environment = {str(key): str(value) for key, value in (function.environment_vars or {}).items()}
        # Versions share what the whole function reserves.
        reserved = self._find(function.function_name, None).reserved_concurrency
        return FunctionSpec(
            name=function.function_name,
            arn=unqualified(function.function_arn),
            handler=function.handler,
            runtime=function.run_time,
            code_dir=code.directory,
            layer_dirs=tuple(layer.directory for layer in layers),
            environment=environment,
            timeout_seconds=float(function.timeout),
            memory_mb=int(function.memory_size),
            tmp_mb=int(function.ephemeral_storage),
            role_arn=function.role,
            reserved_concurrency=None if reserved is None else int(reserved),
            revision=_revision(function, code, layers),
            version=version,
            logs=_log_settings(function.logging_config),
        )

    def _storage(self) -> Any:
        return aws.backend("lambda", self._region)._lambdas  # noqa: SLF001  moto has no accessor

    def _find(self, name: str, qualifier: str | None) -> Any:
        try:
            return self._storage().get_function_by_name_or_arn_with_qualifier(name, qualifier)
        except LambdaClientError as error:
            known = ", ".join(sorted(each.function_name for each in self._storage().latest())) or "none"
            raise UnknownFunction(
                f"no function {name}{f' ({qualifier})' if qualifier else ''}; deployed: {known}"
            ) from error


def _revision(function: Any, code: Code, layers: list[Code]) -> str:
    settings = (
        code.revision,
        [layer.revision for layer in layers],
        sorted((function.environment_vars or {}).items()),
        function.version,
        function.handler,
        function.timeout,
        function.memory_size,
        function.ephemeral_storage,
        function.role,
        sorted(function.logging_config.items()),
    )
    return hashlib.sha256(repr(settings).encode()).hexdigest()


def _log_settings(configured: dict[str, str]) -> LogSettings:
    return LogSettings(
        group=configured.get("LogGroup", ""),
        json_format=configured.get("LogFormat") == "JSON",
        application_level=configured.get("ApplicationLogLevel", "INFO"),
        system_level=configured.get("SystemLogLevel", "INFO"),
    )
