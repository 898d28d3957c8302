"""The environment of a function, read in one place and named when something is missing."""

from collections.abc import Mapping
from dataclasses import dataclass

from tidemill.errors import Unavailable


@dataclass(frozen=True)
class Settings:
    """What a function is told by its environment; each function is given only what it needs.

    Asking for a value that is not set is an error that names the variable, so a function never
    needs to be given what it does not use.
    """

    environment: Mapping[str, str]

    @property
    def project(self) -> str:
        """The name of the project, a package under ``projects/``."""
        return self._required("TIDEMILL_PROJECT")

    @property
    def data_bucket(self) -> str:
        """The bucket of uploads, tables, quarantine, training sets and reports."""
        return self._required("TIDEMILL_DATA_BUCKET")

    @property
    def models_bucket(self) -> str:
        """The bucket of model packages and run artifacts."""
        return self._required("TIDEMILL_MODELS_BUCKET")

    @property
    def experiments_table(self) -> str:
        """The DynamoDB table of documents."""
        return self._required("TIDEMILL_EXPERIMENTS_TABLE")

    @property
    def features_table(self) -> str:
        """The DynamoDB table of the online store."""
        return self._required("TIDEMILL_FEATURES_TABLE")

    @property
    def database(self) -> str:
        """The Glue database of the project's tables."""
        return self._required("TIDEMILL_DATABASE")

    @property
    def event_bus(self) -> str:
        """The EventBridge bus."""
        return self._required("TIDEMILL_EVENT_BUS")

    @property
    def predictions_queue_url(self) -> str:
        """The queue of the prediction log."""
        return self._required("TIDEMILL_PREDICTIONS_QUEUE_URL")

    @property
    def rows_queue_url(self) -> str:
        """The queue of rows that came by API."""
        return self._required("TIDEMILL_ROWS_QUEUE_URL")

    @property
    def training_state_machine_arn(self) -> str:
        """The training state machine."""
        return self._required("TIDEMILL_TRAINING_STATE_MACHINE_ARN")

    @property
    def backfill_state_machine_arn(self) -> str:
        """The state machine that fills feature views."""
        return self._required("TIDEMILL_BACKFILL_STATE_MACHINE_ARN")

    def _required(self, name: str) -> str:
        value = self.environment.get(name)
        if not value:
            raise Unavailable(
                f"the environment variable {name} is not set; deploy the function's stack again"
            )
        return value
