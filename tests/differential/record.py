"""What clouds said where it was not what AWS documents, kept beside the scenarios; the page made of it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.clouds import OURS, LocalCloud
from bench.peers import MINISTACK
from tests.differential.catalog import SCENARIOS
from tests.differential.scenario import NOT_DONE, Observation, Scenario, differences, observe

RECORDED = Path(__file__).parent / "recorded"
PAGE = Path(__file__).parents[2] / "docs" / "differential.md"
HEAD = """# Differential suite

Each scenario runs on the local cloud and on MiniStack, from the same template, and both are compared with
what AWS's documentation says. `make differential` runs it on both, in about two minutes; `make test` runs
ours. Below is every fact in which one of them differs. What a cloud said is kept in
`tests/differential/recorded`, and a test fails when it says something else, better or worse;
`python -m tests.differential` records it anew and writes this page.
"""

Differences = dict[str, Observation]


def observed(cloud: LocalCloud) -> Differences:
    """Run every scenario on a cloud and return what differs from AWS's documentation, by scenario."""
    found = {
        scenario.name: differences(observe(scenario, cloud), scenario.expected) for scenario in SCENARIOS
    }
    return {name: facts for name, facts in found.items() if facts}


def save(name: str, found: Differences) -> None:
    """Keep what a cloud said."""
    text = json.dumps(found, indent=2, ensure_ascii=False, sort_keys=True)
    _path(name).write_text(text + "\n", "utf-8")


def load(name: str) -> Differences:
    """Read what a cloud said when it was last recorded."""
    found: Differences = json.loads(_path(name).read_text("utf-8"))
    return found


def page() -> str:
    """Return the page's text."""
    ours, peer = load(OURS), load(MINISTACK.name)
    lines = [HEAD, f"MiniStack is {MINISTACK.version}.", "", *_summary(ours, peer)]
    for scenario in SCENARIOS:
        lines += _section(scenario, ours.get(scenario.name, {}), peer.get(scenario.name, {}))
    return "\n".join(lines) + "\n"


def _summary(ours: Differences, peer: Differences) -> Iterator[str]:
    yield "| scenario | facts | local cloud as documented | MiniStack as documented |"
    yield "| --- | --: | --: | --: |"
    total = [0, 0, 0]
    for scenario in SCENARIOS:
        said = (ours.get(scenario.name, {}), peer.get(scenario.name, {}))
        counts = [len(scenario.expected), *(_agreed(scenario, differing) for differing in said)]
        total = [before + count for before, count in zip(total, counts, strict=True)]
        yield f"| {scenario.name} | {' | '.join(map(str, counts))} |"
    yield f"| all | {' | '.join(map(str, total))} |"


def _agreed(scenario: Scenario, differing: Observation) -> int:
    return 0 if NOT_DONE in differing else sum(fact not in differing for fact in scenario.expected)


def _section(scenario: Scenario, ours: Observation, peer: Observation) -> Iterator[str]:
    facts = [fact for fact in {**scenario.expected, NOT_DONE: None} if fact in ours or fact in peer]
    if not facts:
        return
    yield from ("", f"## {scenario.name}", "")
    yield from (f"- <{address}>" for address in scenario.documentation)
    yield from ("", "| fact | AWS documents | local cloud | MiniStack | as documented |")
    yield "| --- | --- | --- | --- | --- |"
    for fact in facts:
        documented = scenario.expected.get(fact)
        cells = [fact, _cell(documented), _said(ours, fact), _said(peer, fact), _right(fact, ours, peer)]
        yield f"| {' | '.join(cells)} |"


def _said(differing: Mapping[str, Any], fact: str) -> str:
    return _cell(differing[fact]) if fact in differing else "the same"


def _right(fact: str, ours: Observation, peer: Observation) -> str:
    right = [name for name, said in ((OURS, ours), (MINISTACK.name, peer)) if fact not in said]
    return right[0] if len(right) == 1 else "neither"


def _cell(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False).replace("|", "\\|")
    return f"`{text}`" if value is not None else "nothing"


def _path(name: str) -> Path:
    return RECORDED / f"{name.lower().replace(' ', '-')}.json"
