"""What every step of a run is told, and the order the steps come in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidemill.expressions import format_timestamp, parse_timestamp

# Names of the results in the state machine's state, in order; the first that is missing failed.
STEPS = (
    "pin_dataset",
    "build_training_set",
    "candidates",
    "select_candidate",
    "fit_selected",
    "evaluate_candidate",
    "check_gates",
    "register_model",
    "promote_model",
)


@dataclass(frozen=True)
class RunContext:
    """The part of the state machine's input that every step is given.

    ``at`` is the run's moment (RFC 3339 in UTC): nothing that became known later is used.
    ``overrides`` are parameters set by hand.
    """

    run_id: str
    model: str
    at: str
    reason: Mapping[str, Any]
    overrides: Mapping[str, Any]

    @staticmethod
    def from_event(event: Mapping[str, Any]) -> "RunContext":
        """Read the context from a step's input.

        Examples
        --------
        >>> event = {"run_id": "r1", "model": "late", "at": "2013-03-04T00:00:00Z",
        ...          "reason": {"kind": "manual", "detail": ""}, "set": {}}
        >>> RunContext.from_event(event).model
        'late'
        """
        at = format_timestamp(parse_timestamp(event["at"]))  # Step Functions writes other forms of UTC too
        return RunContext(event["run_id"], event["model"], at, event["reason"], event["set"])

    @property
    def artifacts(self) -> str:
        """Where the run's files lie in the models bucket, before the step's name."""
        return f"runs/{self.run_id}"
