"""The command around a bench: run its trials, and print or keep what they found."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from bench import machine
from bench.outcome import Outcome
from bench.trial import ROUNDS, Result, Trial, run


def main(
    name: str,
    trials: Callable[[], Iterable[Trial]],
    *,
    packages: Iterable[str] = (),
    peers: Mapping[str, str] | None = None,
    arguments: Sequence[str] | None = None,
) -> int:
    """Run a bench as the command line says.

    Parameters
    ----------
    name
        The bench's, as in ``python -m bench.<name>``.
    trials
        Gives its trials one after another; what they need is running while they are asked for.
    packages
        Installed packages whose versions bear on the figures.
    peers
        Versions of the peers, by name.
    arguments
        The command line without the program's name; None takes the process's own.

    Returns
    -------
    int
        0, whether or not every bar holds: a figure below its bar is a result too.
    """
    parser = _parser(name)
    options = parser.parse_args(arguments)
    if options.save and (options.rounds or ROUNDS) < ROUNDS:
        parser.error(
            f"fewer than {ROUNDS} rounds are a rehearsal, which is not kept; leave out --rounds or --save"
        )
    facts = machine.facts()
    results: list[Result] = []
    for trial in trials():
        found = run(trial, rounds=options.rounds)
        for result in found:
            peer = "" if result.peer is None else f", {result.peer_name} {result.peer:g}"
            sys.stderr.write(f"{result.name}: {result.ours:g}{peer} {result.unit}\n")
        results += found
    versions = {**machine.versions(packages), **(peers or {})}
    outcome = Outcome(name, facts, versions, results)
    if options.save:
        outcome.save()
    if options.json:
        sys.stdout.write(outcome.as_json())
    else:
        sys.stdout.write(outcome.table() + "\n" + "".join(f"\n{note}" for note in outcome.notes()) + "\n")
    return 0


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m bench.{name}", description="Measures ours and its peers in turn."
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object in place of the table")
    parser.add_argument("--save", action="store_true", help=f"keep the result as bench/results/{name}.json")
    parser.add_argument(
        "--rounds", type=int, help=f"rounds of each trial; fewer than {ROUNDS} are a rehearsal"
    )
    return parser
