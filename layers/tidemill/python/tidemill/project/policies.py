"""How a model is split, gated, watched and retrained."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tidemill.errors import DeclarationError, did_you_mean
from tidemill.project.times import parse_duration

METRICS = ("roc_auc", "brier", "log_loss")
"""What a model may be judged by; ``statistics.metrics`` computes them."""
RETRAIN_REASONS = ("drift", "performance", "rows", "schedule")


@dataclass(frozen=True)
class TimeSplit:
    """The newest observations are the test set, those before them the validation set, the rest trains.

    Attributes
    ----------
    validation, test
        Lengths of time such as "7d".
    """

    validation: str
    test: str

    def __post_init__(self) -> None:
        parse_duration(self.validation, "TimeSplit(validation=)")
        parse_duration(self.test, "TimeSplit(test=)")

    @property
    def validation_seconds(self) -> int:
        """The validation set's length."""
        return parse_duration(self.validation, "TimeSplit(validation=)")

    @property
    def test_seconds(self) -> int:
        """The test set's length."""
        return parse_duration(self.test, "TimeSplit(test=)")


@dataclass(frozen=True)
class Improves:
    """Passes when the version beats the champion on the same test rows by more than ``by``."""

    by: float = 0.0


@dataclass(frozen=True)
class Parity:
    """Passes when ONNX and scikit-learn give probabilities within ``tolerance`` of each other."""

    tolerance: float = 1e-6


@dataclass(frozen=True)
class SkewFree:
    """Passes when ``rows`` test rows replayed through the online path give equal features."""

    rows: int = 200


@dataclass(frozen=True)
class Slices:
    """Passes when no value of ``column`` does worse than with the champion by more than ``max_drop``.

    Values with fewer than ``min_rows`` test rows are left out.
    """

    column: str
    max_drop: float
    min_rows: int = 200


Gate = Improves | Parity | SkewFree | Slices


@dataclass(frozen=True)
class Monitor:
    """When a model is watched, and how far back each look goes."""

    every: str = "1d"
    window: str = "7d"

    def __post_init__(self) -> None:
        if self.every_seconds > self.window_seconds:
            raise DeclarationError(
                f"Monitor: every {self.every!r} with a window of {self.window!r} leaves rows unwatched; "
                "make the window at least as long"
            )

    @property
    def every_seconds(self) -> int:
        """The time between two looks."""
        return parse_duration(self.every, "Monitor(every=)")

    @property
    def window_seconds(self) -> int:
        """How far back a look goes."""
        return parse_duration(self.window, "Monitor(window=)")


@dataclass(frozen=True)
class Retrain:
    """What makes a model train again, and what holds it back.

    Attributes
    ----------
    on
        Among drift, performance, rows and schedule.
    cooldown
        The shortest time between two runs.
    min_rows
        How many new rows are reason enough, with "rows".
    every
        How old the last run may get, with "schedule".
    budget_per_day
        The most runs within 24 hours.
    """

    on: Sequence[str] = field(default=("drift", "performance"))
    cooldown: str = "1d"
    min_rows: int | None = None
    every: str | None = None
    budget_per_day: int = 4

    def __post_init__(self) -> None:
        for reason in self.on:
            if reason not in RETRAIN_REASONS:
                known = did_you_mean(reason, RETRAIN_REASONS)
                raise DeclarationError(f"Retrain: unknown reason `{reason}`{known}")
        if ("rows" in self.on) != (self.min_rows is not None):
            raise DeclarationError('Retrain: "rows" and min_rows go together; give both or neither')
        if ("schedule" in self.on) != (self.every is not None):
            raise DeclarationError('Retrain: "schedule" and every go together; give both or neither')
        if self.budget_per_day < 1:
            raise DeclarationError(f"Retrain: budget_per_day is {self.budget_per_day}; give at least 1")
        parse_duration(self.cooldown, "Retrain(cooldown=)")

    @property
    def cooldown_seconds(self) -> int:
        """The shortest time between two runs."""
        return parse_duration(self.cooldown, "Retrain(cooldown=)")

    @property
    def every_seconds(self) -> int | None:
        """How old the last run may get; None for any age."""
        return None if self.every is None else parse_duration(self.every, "Retrain(every=)")
