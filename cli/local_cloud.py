"""The process of a local cloud: synthesise, deploy, say so, and serve until told to end.

Run as ``python -m cli.local_cloud``; `tidemill up` does, in the foreground or detached.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import psutil

from cli.errors import CommandError
from tidemill.client.endpoint import LocalCloud, find_local_cloud, forget_local_cloud

CHECKOUT = Path(__file__).parents[1]
READY_SECONDS = 180.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.1
LOG_LINES_SHOWN = 5
# Each thread that answers a request would otherwise keep a heap of its own (glibc's setting).
FEW_ARENAS = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "1048576"}


def serve(port: int, state_dir: Path, kept_in: Path | None = None, *, until_eof: bool = False) -> None:
    """Run a local cloud with the stacks deployed until SIGINT or SIGTERM.

    Parameters
    ----------
    port
        To listen on; 0 takes a free one.
    state_dir
        Where the cloud leaves word of itself.
    kept_in
        Where it keeps what is made in it for the next time; without it nothing is kept.
    until_eof
        Whether the end of standard input ends it too, so that it outlives nobody who holds the other end.

    Raises
    ------
    CommandError
        If the stacks do not synthesise or deploy, or the port is taken.
    """
    # moto takes a second to import, and only this function needs it.
    from emulator.cloud import Cloud  # noqa: PLC0415
    from emulator.errors import EmulatorError  # noqa: PLC0415
    from infra.synth import SynthesisError, synthesize  # noqa: PLC0415

    told, ready = threading.Event(), threading.Event()

    def end(number: int, _frame: FrameType | None) -> None:
        told.set()
        if not ready.is_set():
            sys.exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if until_eof:
        threading.Thread(target=_terminate_at_eof, daemon=True).start()
    try:
        assembly = synthesize(CHECKOUT / ".tidemill" / "assembly")
        with Cloud(port, state_dir=kept_in, watch=[CHECKOUT]) as cloud:
            cloud.deploy(assembly)
            ready.set()
            _serve_until(told, cloud.endpoint, state_dir)
    except (EmulatorError, SynthesisError) as error:
        raise CommandError(" ".join(str(error).split())) from error


def _terminate_at_eof() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _serve_until(told: threading.Event, endpoint: str, state_dir: Path) -> None:
    LocalCloud(pid=os.getpid(), port=urlsplit(endpoint).port or 0).save(state_dir)
    try:
        sys.stdout.write(f"ready at {endpoint}; Ctrl-C or `tidemill down` ends it\n")
        sys.stdout.flush()
        told.wait()
    finally:
        forget_local_cloud(state_dir, os.getpid())


def start_detached(
    port: int, state_dir: Path, kept_in: Path | None = None, *, until_i_end: bool = False
) -> LocalCloud:
    """Start a local cloud in a process of its own and return when its stacks are ready.

    Parameters
    ----------
    port, state_dir, kept_in
        As for ``serve``.
    until_i_end
        Whether it ends with this process, however that ends; else it goes on.

    Raises
    ------
    CommandError
        If the process ends or is not ready in time; with the last lines of its log.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    log = state_dir / "local.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(port, state_dir, kept_in, until_eof=until_i_end),
            cwd=CHECKOUT,
            env={**os.environ, **FEW_ARENAS},
            stdin=subprocess.PIPE if until_i_end else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # Whoever starts and stops clouds from one process would otherwise keep a zombie of each; and as
    # long as somebody waits for it, the cloud's standard input stays open.
    threading.Thread(target=process.wait, daemon=True).start()
    try:
        return _when_ready(process, state_dir, log)
    except BaseException:  # also Ctrl-C: nobody knows of this cloud yet, to end it
        stop(process.pid)
        raise


def _when_ready(process: "subprocess.Popen[bytes]", state_dir: Path, log: Path) -> LocalCloud:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        cloud = find_local_cloud(state_dir)
        if cloud is not None and cloud.pid == process.pid:
            return cloud
        if process.poll() is not None:
            raise CommandError(f"the local cloud did not start: {_last_lines(log)}; all of it is in {log}")
        time.sleep(POLL_SECONDS)
    raise CommandError(f"the local cloud was not ready after {READY_SECONDS:.0f} s; see {log}")


def _command(port: int, state_dir: Path, kept_in: Path | None, *, until_eof: bool) -> list[str]:
    options = ["--port", str(port), "--state-dir", str(state_dir)]
    if kept_in is not None:
        options += ["--keep-in", str(kept_in)]
    if until_eof:
        options.append("--until-eof")
    return [sys.executable, "-m", "cli.local_cloud", *options]


def stop(pid: int) -> None:
    """End a local cloud and whatever processes it has, and wait until they are gone."""
    try:
        cloud = psutil.Process(pid)
        workers = cloud.children(recursive=True)
        cloud.terminate()
    except psutil.NoSuchProcess:
        return
    # A cloud that ends by itself has ended its workers; whoever is left then is not waited for.
    psutil.wait_procs([cloud], timeout=STOP_SECONDS)
    _, alive = psutil.wait_procs([cloud, *workers], timeout=POLL_SECONDS)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=STOP_SECONDS)


def _last_lines(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()[-LOG_LINES_SHOWN:]
    return " | ".join(line.strip() for line in lines) or "it said nothing"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m cli.local_cloud")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--keep-in", type=Path)
    parser.add_argument("--until-eof", action="store_true")
    chosen = parser.parse_args(arguments)
    try:
        serve(chosen.port, chosen.state_dir, chosen.keep_in, until_eof=chosen.until_eof)
    except CommandError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    main()
