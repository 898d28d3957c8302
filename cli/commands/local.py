"""`tidemill up` and `tidemill down`: the local cloud."""

import time
from pathlib import Path

import click

from cli.context import App, json_option, pass_app
from cli.errors import CommandError
from cli.local_cloud import serve, start_detached, stop
from cli.render import console, show
from tidemill.client.endpoint import LocalCloud, find_local_cloud


@click.command()
@click.option("--port", default=4566, show_default=True, help="To listen on; 0 takes a free one.")
@click.option("--detach", is_flag=True, help="Return when the stacks are ready and leave the cloud running.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep everything in DIR, and go on from what lies there; without it nothing stays.",
)
@json_option
@pass_app
def up(app: App, port: int, state: Path | None, *, detach: bool, as_json: bool) -> None:
    """Start a local cloud with this checkout's stacks.

    Ctrl-C ends it, or with --detach `tidemill down`.
    """
    kept_in = state.absolute() if state else None
    refuse_beside(find_local_cloud(app.state_dir))
    if not detach:
        serve(port, app.state_dir, kept_in)
        return
    began = time.monotonic()
    with console(stderr=True).status("deploying the stacks into a local cloud"):
        cloud = start_detached(port, app.state_dir, kept_in)
    data = {"endpoint": cloud.endpoint, "port": cloud.port, "pid": cloud.pid}
    text = f"up at {cloud.endpoint} after {time.monotonic() - began:.1f} s; `tidemill down` ends it"
    show(data, text, as_json=as_json)


def refuse_beside(running: LocalCloud | None) -> None:
    """Refuse to start a cloud beside the one that commands find.

    Raises
    ------
    CommandError
        If there is one: it would be forgotten, and run on.
    """
    if running is not None:
        raise CommandError(f"a local cloud is already up at {running.endpoint}; end it with `tidemill down`")


@click.command()
@json_option
@pass_app
def down(app: App, *, as_json: bool) -> None:
    """End the local cloud that `tidemill up` started.

    Nothing in it is kept, unless it was started with --state.
    """
    cloud = find_local_cloud(app.state_dir)
    if cloud is None:
        show({"stopped": None}, "no local cloud is running", as_json=as_json)
        return
    stop(cloud.pid)
    show({"stopped": cloud.endpoint}, f"stopped {cloud.endpoint}", as_json=as_json)
