"""python -m bench.emulator: the local cloud beside MiniStack."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.clouds import ministack, ours
from bench.command import main
from bench.emulator import days, invoking, serving, starting
from bench.emulator.app import App
from bench.peers import MINISTACK
from bench.trial import Trial
from infra.synth import synthesize

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests" / "emulator" / "sample" / "app.py"


def trials() -> Iterator[Trial]:
    """Give every trial, with clouds running for those that need them."""
    MINISTACK.program("ministack")  # its environment is made before anything is timed
    yield from starting.trials(synthesize(ROOT / ".tidemill" / "assembly"), _sample())
    with ours() as mine, ministack() as peer:
        apps = App.deployed(mine), App.deployed(peer)
        yield from invoking.trials(*apps)
        yield from serving.trials(*apps)
    with ours() as mine:
        yield from days.trials(mine)


def _sample() -> Path:
    """Synthesize the sample app of the emulator's tests."""
    out_dir = ROOT / "build" / "bench" / "sample"
    environment = {**os.environ, "CDK_OUTDIR": str(out_dir)}
    subprocess.run([sys.executable, str(SAMPLE)], env=environment, check=True, capture_output=True)
    return out_dir


if __name__ == "__main__":
    sys.exit(
        main(
            "emulator",
            trials,
            packages=("moto", "awslambdaric", "boto3", "werkzeug"),
            peers={MINISTACK.name: MINISTACK.version},
        )
    )
