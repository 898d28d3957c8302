"""Trials: the same thing done by us and by a peer in turn, and what comes out of it."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

ROUNDS = 5


class PeerCannot(Exception):
    """The peer does not do what the trial asks for; the message says what it answered."""


@dataclass(frozen=True)
class Figure:
    """One line of the table: what is measured, in which unit, and the bar it is held to.

    Attributes
    ----------
    name, unit
        What is measured.
    at_most
        The bar.
    at_most_of_peer
        In place of ``at_most``, the bar as a multiple of what the peer takes in the same run.
    """

    name: str
    unit: str
    at_most: float | None = None
    at_most_of_peer: float | None = None


@dataclass(frozen=True)
class Trial:
    """One thing to do, several times, by both.

    Attributes
    ----------
    figures
        What one round measures.
    ours, peer
        Do it once and return a value for each figure, in their order. No peer, or one that raises
        ``PeerCannot``, leaves its column empty.
    peer_name
        Who it is compared with; with none, ``note`` says why nobody can be.
    rounds
        How often each does it, in turn.
    note
        What a reader should know of the comparison.
    """

    figures: Sequence[Figure]
    ours: Callable[[], Sequence[float]]
    peer: Callable[[], Sequence[float]] | None = None
    peer_name: str | None = None
    rounds: int = ROUNDS
    note: str = ""


@dataclass(frozen=True)
class Result:
    """A figure of a trial: the medians of ours and of the peer's rounds."""

    name: str
    ours: float
    peer: float | None
    peer_name: str | None
    unit: str
    bar: float | None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours by the peer's; less than one is faster or smaller than the peer.

        >>> Result("a lookup", 2.0, 64.0, "Theirs", "ms", None).ratio
        0.03125
        """
        return self.ours / self.peer if self.peer else None

    @property
    def holds(self) -> bool | None:
        """Whether ours is within its bar; None without one.

        >>> Result("a lookup", 6.0, None, None, "ms", bar=5.0).holds
        False
        """
        return None if self.bar is None else self.ours <= self.bar

    def as_json(self) -> dict[str, Any]:
        """Return the result as one object of the published JSON."""
        return {
            "name": self.name,
            "ours": self.ours,
            "peer": self.peer,
            "peer_name": self.peer_name,
            "ratio": self.ratio,
            "unit": self.unit,
            "bar": self.bar,
            "holds": self.holds,
            "note": self.note,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Result":
        """Read what ``as_json`` wrote."""
        names = ("name", "ours", "peer", "peer_name", "unit", "bar", "note")
        return cls(**{name: value[name] for name in names})


def run(trial: Trial, *, rounds: int | None = None) -> list[Result]:
    """Run a trial: a round of ours, a round of the peer's, and again, so that both see the same machine.

    Parameters
    ----------
    trial
        What to do.
    rounds
        How often, in place of what the trial says.

    Returns
    -------
    list of Result
        One for each figure.

    Examples
    --------
    >>> values = iter([1.0, 9.0, 2.0])
    >>> trial = Trial((Figure("a lookup", "ms"),), lambda: [next(values)], rounds=3)
    >>> [result.ours for result in run(trial)]
    [2.0]
    """
    ours: list[Sequence[float]] = []
    peers: list[Sequence[float]] = []
    peer, note = trial.peer, trial.note
    for _ in range(rounds or trial.rounds):
        ours.append(trial.ours())
        if peer is not None:
            try:
                peers.append(peer())
            except PeerCannot as answer:
                peer, peers, note = None, [], f"{note} {trial.peer_name} cannot: {answer}".strip()
    return [
        Result(
            name=figure.name,
            ours=_median(ours, index),
            peer=_median(peers, index) if peers else None,
            peer_name=trial.peer_name,
            unit=figure.unit,
            bar=_bar(figure, _median(peers, index) if peers else None),
            note=note,
        )
        for index, figure in enumerate(trial.figures)
    ]


def _bar(figure: Figure, peer: float | None) -> float | None:
    if figure.at_most_of_peer is None:
        return figure.at_most
    return None if peer is None else float(f"{figure.at_most_of_peer * peer:.4g}")


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of measured values.

    Parameters
    ----------
    values
        At least two.
    percent
        Between 1 and 99.

    Examples
    --------
    >>> percentile([1.0, 2.0, 3.0, 4.0, 5.0], 50)
    3.0
    """
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _median(rounds: Sequence[Sequence[float]], index: int) -> float:
    return float(f"{statistics.median(values[index] for values in rounds):.4g}")
