"""The benches: every figure this project publishes, measured beside its peer in one run.

A bench is a generator of trials and the command around it:

    def trials() -> Iterator[Trial]:
        with ours.started() as mine, theirs.started() as other:
            yield Trial(
                figures=(Figure("a lookup, p50", "ms", at_most=5.0),),
                ours=mine.lookups,
                peer=other.lookups,
                peer_name="Theirs",
            )

    if __name__ == "__main__":
        sys.exit(main("lookups", trials, packages=("ours",)))

``python -m bench.lookups`` prints the table, ``--json`` the object, and ``--save`` keeps it in ``results/``,
from where ``python -m bench.report`` writes ``docs/benchmarks.md``.
"""
