"""Command line of the local cloud.

python -m emulator up [--assembly cdk.out] [--port 4566] [--packaged] [--no-iam] [--state DIR]
                      [--watch DIR]
python -m emulator coverage [--write docs/emulator.md]
"""

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from emulator import actions
from emulator.cloud import DEFAULT_PORT, Cloud
from emulator.errors import EmulatorError, Interrupted
from emulator.resources.coverage import as_markdown
from emulator.runtime.environment import Packaging
from emulator.states import support


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments
        The command line without the program's name; None takes the process's own.

    Returns
    -------
    int
        Exit status.
    """
    options = _parser().parse_args(arguments)
    if options.command == "coverage":
        return _coverage(options.write)
    try:
        packaging = Packaging.PACKAGED if options.packaged else Packaging.DEVELOPMENT
        return _up(
            options.assembly,
            lambda: Cloud(
                options.port,
                packaging=packaging,
                enforce_iam=options.enforce_iam,
                state_dir=options.state,
                watch=options.watch,
            ),
        )
    except EmulatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulator", description="A local cloud.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="run until Ctrl-C or SIGTERM; without --state nothing stays")
    up.add_argument("--assembly", type=Path, help="a cloud assembly to deploy (what `cdk synth` wrote)")
    up.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help=f"port, {DEFAULT_PORT} by default; 0 takes a free one"
    )
    up.add_argument(
        "--packaged",
        action="store_true",
        help="functions see the packages of their layers alone, as in Lambda",
    )
    up.add_argument(
        "--no-iam",
        dest="enforce_iam",
        action="store_false",
        help="roles may do everything, whatever their policies say",
    )
    up.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="keep everything that is made in DIR, and go on from what lies there; without it nothing stays",
    )
    up.add_argument(
        "--watch",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="run what is edited in DIR at the next invocation; may be given again",
    )
    coverage = commands.add_parser(
        "coverage", help="print the manual's tables: resource types, state machines, operations"
    )
    coverage.add_argument(
        "--write", type=Path, metavar="FILE", help="put each into FILE, between its <!-- marks -->"
    )
    return parser


def _coverage(manual: Path | None) -> int:
    with Cloud(port=0):
        tables = {
            "coverage": as_markdown(),
            "states": support.as_markdown(),
            "operations": actions.as_markdown(),
        }
    if manual is None:
        sys.stdout.write("\n\n".join(tables.values()) + "\n")
        return 0
    text = manual.read_text()
    for mark, table in tables.items():
        before, begun, rest = text.partition(f"<!-- {mark} -->\n")
        _, ended, after = rest.partition(f"<!-- /{mark} -->")
        if not (begun and ended):
            sys.stderr.write(f"{manual} has no <!-- {mark} --> ... <!-- /{mark} -->; add the two lines\n")
            return 1
        text = f"{before}{begun}{table}\n{ended}{after}"
    manual.write_text(text)
    return 0


def _up(assembly: Path | None, start: Callable[[], Cloud]) -> int:
    ending, deploying = threading.Event(), threading.Event()

    def end(_number: int, _frame: object) -> None:
        ending.set()
        if deploying.is_set():  # a deployment may wait for a function that never answers
            deploying.clear()
            raise Interrupted("ended by a signal while stacks were being deployed")

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with start() as cloud:
        deploying.set()
        outputs = cloud.deploy(assembly) if assembly and not ending.is_set() else {}
        deploying.clear()
        for stack, values in outputs.items():
            for key, value in values.items():
                sys.stdout.write(f"{stack}.{key} = {value}\n")
        sys.stdout.write(f"ready: AWS_ENDPOINT_URL={cloud.endpoint}\n")
        sys.stdout.flush()
        ending.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
