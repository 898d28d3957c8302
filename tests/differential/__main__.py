"""python -m tests.differential: runs every scenario on both clouds, records what differs, writes the page."""

import sys

from bench.clouds import LocalCloud, ministack, ours
from tests.differential.record import PAGE, Differences, observed, page, save


def main() -> None:
    """Record both clouds, one after the other: each has the machine to itself."""
    for start in (ours, ministack):
        with start() as cloud:
            found = observed(cloud)
        save(cloud.name, found)
        _tell(cloud, found)
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE} is written\n")


def _tell(cloud: LocalCloud, found: Differences) -> None:
    count = sum(len(facts) for facts in found.values())
    sys.stdout.write(f"{cloud.name} differs from AWS's documentation in {count} facts\n")
    for name, facts in found.items():
        sys.stdout.writelines(f"  {name}: {fact}: {said}\n" for fact, said in facts.items())


if __name__ == "__main__":
    main()
