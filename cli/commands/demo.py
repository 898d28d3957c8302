"""`tidemill demo`: a local cloud, a year of flights, and what came of it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cli.commands.local import refuse_beside
from cli.commands.monitor import latest, report_page
from cli.context import App, json_option, pass_app
from cli.demo.flights_data import prepare
from cli.demo.memory import PeakMemory
from cli.demo.replay import MODEL, MONTHS, Replay
from cli.demo.sample import ROWS_A_DAY
from cli.demo.summary import Summary, headline, summarize, table
from cli.demo.system import LocalSystem
from cli.errors import one_line_errors
from cli.local_cloud import start_detached, stop
from cli.render import show, steps
from tidemill.client.deployment import Deployment
from tidemill.client.endpoint import LocalCloud, find_local_cloud
from tidemill.client.progress import Steps

ANY_FREE_PORT = 0


@click.command()
@click.option(
    "--months", type=click.IntRange(1, MONTHS), default=MONTHS, show_default=True, help="From March."
)
@click.option("--keep", is_flag=True, help="Leave the local cloud running, to look around in it.")
@json_option
@pass_app
def demo(app: App, months: int, *, keep: bool, as_json: bool) -> None:
    """Replay a year of real flights through the whole loop.

    In a local cloud of its own, which ends with it, also when it is interrupted; --keep leaves it.
    """
    began = time.monotonic()
    if keep:
        refuse_beside(find_local_cloud(app.state_dir))
    with steps() as progress:
        progress.start("preparing a year of flights", 1)
        data = prepare(app.state_dir / "demo" / "data")
        progress.step(f"{len(data.flights):,} flights in {len(data.weeks)} weekly files")
        with (
            _cloud(app, progress, keep=keep) as cloud,
            PeakMemory(cloud.pid) as memory,
            one_line_errors(cloud.endpoint),
        ):
            system = LocalSystem.find(cloud, MODEL)
            replay = Replay(system, data, progress)
            replay.load_history()
            scored = replay.live(replay.train_first(), months)
            verdicts, retrainings = replay.verdicts(), replay.retrainings()
            page = _save_page(system.deployment, app.state_dir / "demo")
    summary = summarize(
        scored,
        verdicts,
        retrainings,
        wall_seconds=round(time.monotonic() - began, 1),
        peak_memory_mb=round(memory.peak_mb, 1),
    )
    _show(app, summary, page, cloud if keep else None, as_json=as_json)


@contextmanager
def _cloud(app: App, progress: Steps, *, keep: bool) -> Iterator[LocalCloud]:
    """Run a cloud for the block: one that ends with it, or one that is found by other commands and stays."""
    progress.start("deploying the stacks into a local cloud", 1)
    state_dir = app.state_dir if keep else app.state_dir / "demo"
    cloud = start_detached(ANY_FREE_PORT, state_dir, until_i_end=not keep)
    progress.step(cloud.endpoint)
    try:
        yield cloud
    except BaseException:  # also Ctrl-C
        fate = "goes on; `tidemill down` ends it" if keep else "is ended"
        click.echo(f"the local cloud at {cloud.endpoint} {fate}", err=True)
        raise
    finally:
        if not keep:
            stop(cloud.pid)


def _save_page(deployment: Deployment, folder: Path) -> Path:
    """Keep the last monitor report's page, which would go with the cloud."""
    page = folder / "monitor.html"
    page.write_bytes(report_page(deployment, latest(deployment, MODEL, "REPORT#")[0]))
    return page


def _show(app: App, summary: Summary, page: Path, kept: LocalCloud | None, *, as_json: bool) -> None:
    figures = app.state_dir / "demo.json"
    figures.write_text(json.dumps(summary.to_json(), indent=2, allow_nan=False) + "\n")
    look = [f"the last monitor report: {page}", f"these figures as JSON: {figures}"]
    if kept is not None:
        look.append(
            f"the cloud at {kept.endpoint}: `tidemill runs`, `tidemill monitor {MODEL}`, `tidemill down`"
        )
    else:
        look.append("the same system, live: `tidemill demo --keep` or `tidemill up`, then `tidemill status`")
    show(
        summary.to_json(),
        "",
        table(summary),
        f"Scored before their week's file arrived: {ROWS_A_DAY} flights a day drawn at random. "
        "Judged: those that arrived.",
        headline(summary),
        "",
        "Where to look next:",
        *(f"  {line}" for line in look),
        as_json=as_json,
    )
