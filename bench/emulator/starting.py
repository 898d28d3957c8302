"""From nothing to ready: the process alone, and with stacks."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from bench.clouds import LocalCloud, ministack, ours
from bench.emulator.app import TEMPLATE
from bench.peers import MINISTACK
from bench.stacks import StackFailed, create_stack, deploy_assembly
from bench.trial import Figure, PeerCannot, Trial

STACKS_BAR_SECONDS = 3.0
# Ours starts functions from the directories an assembly names; others have no way but the API.
DIRECT_NOTE = "from process start; ours by `up --assembly`, the peer by files in S3 and create_stack."


def trials(tidemill: Path, sample: Path) -> Iterator[Trial]:
    """Give the trials.

    Parameters
    ----------
    tidemill, sample
        Cloud assemblies: this repository's stacks, and the sample app of the emulator's tests.
    """
    yield Trial((Figure("process start to ready", "s"),), _started(ours), _started(ministack), MINISTACK.name)
    for name, assembly, bar in (
        ("this repository's four stacks up", tidemill, STACKS_BAR_SECONDS),
        ("the sample app's two stacks up", sample, None),
    ):
        yield Trial(
            (Figure(name, "s", bar),),
            ours=_started(partial(ours, "--assembly", str(assembly))),
            peer=_deployed(assembly),
            peer_name=MINISTACK.name,
            note=DIRECT_NOTE,
        )
    yield Trial(
        (Figure(f"one stack of {len(TEMPLATE['Resources'])} resources by create_stack", "s"),),
        _created(ours),
        _created(ministack),
        MINISTACK.name,
        note="MiniStack holds templates against less, and makes what AWS refuses: docs/differential.md.",
    )


def _started(start: Callable[[], AbstractContextManager[LocalCloud]]) -> Callable[[], Sequence[float]]:
    def measure() -> Sequence[float]:
        with start() as cloud:
            return [cloud.started_seconds]

    return measure


def _deployed(assembly: Path) -> Callable[[], Sequence[float]]:
    def measure() -> Sequence[float]:
        with ministack() as cloud:
            began = time.perf_counter()
            try:
                deploy_assembly(cloud, assembly)
            except StackFailed as failed:
                raise PeerCannot(f"{failed}. It logs: {cloud.last_error()}") from failed
            return [cloud.started_seconds + time.perf_counter() - began]

    return measure


def _created(start: Callable[[], AbstractContextManager[LocalCloud]]) -> Callable[[], Sequence[float]]:
    def measure() -> Sequence[float]:
        with start() as cloud:
            cloud.client(
                "cloudformation"
            ).list_stacks()  # both have answered a request before the clock starts
            began = time.perf_counter()
            create_stack(cloud, "Measured", TEMPLATE)
            return [time.perf_counter() - began]

    return measure
