"""What the monitor remembers of a model: how far it has read, and which aggregates count.

One document a model, moved by conditional write after everything it points at is stored: a crash
leaves the old pointers, two firings at once can not mix theirs, and a repeated one finds its work done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tidemill.ports import Documents


@dataclass(frozen=True)
class Day:
    """Pointers to one day's aggregates.

    ``first`` and ``last`` are the sequences of the commits that brought its rows, ``rows`` the digest
    of the narrow table, ``unlabelled`` how many of its ``count`` rows wait for an outcome;
    ``histograms`` gives, by model version, the last commit counted and the digest.
    """

    first: int
    last: int
    count: int
    unlabelled: int
    rows: str
    histograms: Mapping[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """Everything the monitor remembers of a model between two firings.

    ``predictions`` and ``outcomes`` are the sequences of the last commits read; ``outcome_commits``
    tells when each was read, ``source_rows`` how many rows they had together; ``trained`` is the
    champion's version and the value of ``source_rows`` when it was first seen.
    """

    predictions: int = 0
    outcomes: int = 0
    outcome_commits: Sequence[tuple[int, str]] = ()
    source_rows: int = 0
    trained: tuple[int, int] | None = None
    days: Mapping[str, Day] = field(default_factory=dict)

    @property
    def new_rows(self) -> int:
        """Rows of the source that were read since the champion was first seen."""
        return self.source_rows - self.trained[1] if self.trained else 0

    def with_champion(self, version: int) -> "State":
        """Return the state with a version as the champion from now on."""
        return replace(self, trained=(version, self.source_rows))

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "State":
        """Return the state that ``to_json`` wrote."""
        days = {
            day: Day(
                **{**pointers, "histograms": {v: (h[0], h[1]) for v, h in pointers["histograms"].items()}}
            )
            for day, pointers in data["days"].items()
        }
        return State(
            predictions=data["predictions"],
            outcomes=data["outcomes"],
            outcome_commits=tuple((sequence, at) for sequence, at in data["outcome_commits"]),
            source_rows=data["source_rows"],
            trained=(data["trained"][0], data["trained"][1]) if data["trained"] else None,
            days=days,
        )


def read_state(documents: Documents, model: str) -> tuple[State, int]:
    """Return what the monitor remembers of a model, and the revision of that; nothing at first."""
    found = documents.get(_partition(model), "STATE")
    return (State(), 0) if found is None else (State.from_json(found[0]), found[1])


def write_state(documents: Documents, model: str, state: State, revision: int) -> None:
    """Make a state the one that counts; Conflict if another firing wrote since it was read."""
    documents.put(_partition(model), "STATE", state.to_json(), revision=revision)


def _partition(model: str) -> str:
    return f"MONITOR#{model}"
