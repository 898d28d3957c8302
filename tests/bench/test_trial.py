"""A trial is fair: both do it in turn, equally often, and what the peer cannot do is said."""

from collections.abc import Sequence

from bench.trial import Figure, PeerCannot, Trial, run

FIGURES = (Figure("a call, p50", "ms", at_most=5.0), Figure("a call, p99", "ms"))


def test_ours_and_the_peer_take_turns_and_medians_come_out() -> None:
    turns: list[str] = []

    def measure(who: str) -> Sequence[float]:
        turns.append(who)
        return [len(turns), 10.0]

    first, second = run(Trial(FIGURES, lambda: measure("ours"), lambda: measure("peer"), "Peer", rounds=3))
    assert turns == ["ours", "peer"] * 3
    assert (first.ours, first.peer, first.ratio) == (3, 4, 0.75)
    assert (second.ours, second.bar, second.holds) == (10.0, None, None)


def test_a_figure_over_its_bar_is_kept_and_marked() -> None:
    (result, _) = run(Trial(FIGURES, lambda: [6.0, 7.0], rounds=1))
    assert (result.ours, result.bar, result.holds) == (6.0, 5.0, False)


def test_what_a_peer_cannot_do_is_asked_once_and_told() -> None:
    asked = []

    def refuse() -> Sequence[float]:
        asked.append(True)
        raise PeerCannot("there is no such service")

    (result, _) = run(Trial(FIGURES, lambda: [1.0, 2.0], refuse, "Peer", rounds=3, note="Five resources."))
    assert len(asked) == 1
    assert (result.peer, result.ratio) == (None, None)
    assert result.note == "Five resources. Peer cannot: there is no such service"


def test_a_bar_may_be_a_multiple_of_what_the_peer_takes_in_the_same_run() -> None:
    figures = (Figure("a call", "s", at_most_of_peer=0.5),)
    (result,) = run(Trial(figures, lambda: [1.5], lambda: [4.0], "Peer", rounds=1))
    assert (result.bar, result.holds) == (2.0, True)
    (alone,) = run(Trial(figures, lambda: [1.5], rounds=1))
    assert (alone.bar, alone.holds) == (None, None)
