"""The system in a local cloud, as the demo and the tests drive it: from outside, by public APIs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import pandas as pd

from cli.demo.control import Control
from cli.demo.sample import request_rows
from tidemill.client.deployment import Deployment
from tidemill.client.endpoint import LocalCloud, endpoint_of
from tidemill.project import load_project


class LocalSystem(NamedTuple):
    """A deployment, the clock of the cloud it runs in, and the request columns of one of its models."""

    deployment: Deployment
    control: Control
    model: str
    columns: Sequence[str]

    @classmethod
    def find(cls, cloud: LocalCloud, model: str) -> Self:
        """Return the system deployed in a local cloud."""
        deployment = Deployment(endpoint_of(cloud))
        asked = load_project(deployment.project).model(model).observations
        columns = list(dict.fromkeys([asked.key, *asked.request]))
        return cls(deployment, Control(cloud.endpoint), model, columns)

    def upload(self, source: str, *files: Path) -> list[dict[str, Any] | None]:
        """Put files, let the cloud work them off, and return the report on each, None if there is none."""
        uploaded = [self.deployment.put_upload(source, file) for file in files]
        self.control.settle()
        return [self.deployment.upload_report(one) for one in uploaded]

    def predict(self, observations: pd.DataFrame, *, version: int | None = None) -> dict[str, Any]:
        """Ask about observations as a caller would: with the request columns and nothing else."""
        return self.deployment.api.predict(
            self.model, request_rows(observations, self.columns), version=version
        )

    def documents(self, prefix: str) -> list[dict[str, Any]]:
        """Return the model's documents of one kind (``REPORT#``, ``DECISION#``), the oldest first."""
        return [one for _, one in self.deployment.documents.query(f"MODEL#{self.model}", prefix)]

    def dead_letters(self) -> dict[str, int]:
        """Return how many messages lie in each queue of dead letters, by output name."""
        outputs = self.deployment.outputs
        urls = {name: url for name, url in outputs.items() if name.endswith("DeadLettersUrl")}
        return {name: self.deployment.queue_depth(url) for name, url in urls.items()}
