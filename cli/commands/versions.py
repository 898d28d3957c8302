"""`tidemill data show | diff | tag | untag | rollback | export`: the versions of a source's rows."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.commands.differences import diff_tables
from cli.commands.findings import found_tables
from cli.commands.views import views_in_service
from cli.context import App, json_option, pass_app
from cli.errors import CommandError
from cli.render import counted, facts, first_few, show, size, table
from tidemill.client.deployment import Deployment
from tidemill.client.known_tables import check_table
from tidemill.project import load_project

if TYPE_CHECKING:
    from tidemill.datasets.tables import Commit

VERSION_HELP = "VERSION is `latest`, a snapshot id, a tag, or a date (2013-03-01, 2013-03) to its end."
SHOWN_FILES = 10


@click.command("show", help=f"Show what SOURCE holds at VERSION (by default now).\n\n{VERSION_HELP}")
@click.argument("source")
@click.argument("version", default="latest")
@json_option
@pass_app
def show_version(app: App, source: str, version: str, *, as_json: bool) -> None:
    """Show one version: its commit and what its checks found, its columns, its files."""
    from tidemill.datasets.uploaded_rows import stored_findings  # noqa: PLC0415 - Arrow takes a second to import

    with app.deployment() as deployment:
        commit = find(deployment, source, version)
        history = deployment.history
        files = history.files(source, commit.snapshot_id)
        fields = history.fields(source, commit.snapshot_id)
        tags = [name for name, each in history.tags(source).items() if each == commit.snapshot_id]
        commits = len(history.history(source, commit.snapshot_id))
        record = describe(deployment, source, commit)
        found = stored_findings(deployment.data, record["findings"])
    said = {
        **record,
        "snapshot_id": str(commit.snapshot_id),
        "tags": sorted(tags),
        "commits": commits,
        "rows_in_all": sum(file.rows for file in files),
        "bytes": sum(file.size_bytes for file in files),
        "columns": {field.name: str(field.type) for field in fields},
        "files": [file._asdict() for file in files],
        "checks": found.get("checks", []),
    }
    summary = facts(
        {
            "snapshot": said["snapshot_id"],
            "arrived": record["at"],
            "from": record["upload"]["key"],
            "digest": record["upload"]["digest"],
            "tags": said["tags"],
            "commits so far": commits,
            "rows": said["rows_in_all"],
            "size": size(said["bytes"]),
        }
    )
    columns = table(["column", "type"], [[name, type_] for name, type_ in said["columns"].items()])
    listed = [[Path(file.path).name, file.rows, size(file.size_bytes)] for file in files[:SHOWN_FILES]]
    of_all = table(["file", "rows", "size"], listed, counted(len(files), "file"))
    show(said, summary, *found_tables(found), "", columns, "", of_all, as_json=as_json)


@click.command("diff", help=f"Show what changed in SOURCE from version BEFORE to AFTER.\n\n{VERSION_HELP}")
@click.argument("source")
@click.argument("before")
@click.argument("after", default="latest")
@json_option
@pass_app
def diff(app: App, source: str, before: str, after: str, *, as_json: bool) -> None:
    """Compare two versions: commits, files, rows, schema and every column."""
    from tidemill.datasets.diff import diff_versions  # noqa: PLC0415 - Arrow takes a second to import

    with app.deployment() as deployment:
        versions = [find(deployment, source, name) for name in (before, after)]
        ids = [commit.snapshot_id for commit in versions]
        found = diff_versions(deployment.tables, deployment.history, source, *ids)
        records = [describe(deployment, source, commit) for commit in versions]
    said = {"source": source, "before": records[0], "after": records[1], **found.to_json()}
    show(said, *diff_tables(source, before, after, found), as_json=as_json)


@click.command("tag", help=f"Name a version of SOURCE, so that it is kept.\n\n{VERSION_HELP}")
@click.argument("source")
@click.argument("name")
@click.argument("version", default="latest")
@json_option
@pass_app
def tag(app: App, source: str, name: str, version: str, *, as_json: bool) -> None:
    """Tag a version."""
    from tidemill.datasets.versions import means_version  # noqa: PLC0415 - Arrow takes a second to import

    if means_version(name):
        raise CommandError(f"`{name}` means a version already; choose a tag that is no number and no date")
    with app.deployment() as deployment:
        commit = find(deployment, source, version)
        deployment.tables.tag(source, commit.snapshot_id, name)
    said = {"source": source, "tag": name, "snapshot_id": str(commit.snapshot_id)}
    show(said, f"{source} at {commit.snapshot_id} is `{name}`", as_json=as_json)


@click.command("untag")
@click.argument("source")
@click.argument("name")
@json_option
@pass_app
def untag(app: App, source: str, name: str, *, as_json: bool) -> None:
    """Take a tag of SOURCE away.

    Its version then expires as any other does. What a registered model was trained on is kept with or
    without a tag.
    """
    with app.deployment() as deployment:
        check_table(deployment.tables, partial(load_project, deployment.project), source)
        tags = deployment.history.tags(source)
        deployment.upkeep.untag(source, name)
    said = {"source": source, "tag": name, "snapshot_id": str(tags[name])}
    show(said, f"{source} at {tags[name]} is no longer `{name}`", as_json=as_json)


@click.command("rollback", help=f"Make VERSION of SOURCE the current one.\n\n{VERSION_HELP}")
@click.argument("source")
@click.argument("version")
@json_option
@pass_app
def rollback(app: App, source: str, version: str, *, as_json: bool) -> None:
    """Take back the commits after a version; their files may be uploaded again.

    The views of SOURCE are filled anew from what is left; until each is whole, it answers as before.
    """
    from tidemill.datasets.rollback import rollback as roll_back  # noqa: PLC0415 - imports Arrow

    with app.deployment() as deployment:
        to = find(deployment, source, version)
        was = find(deployment, source, "latest")
        done = roll_back(deployment.tables, deployment.history, deployment.documents, source, to)
        filled = fill_anew(deployment, source, done.times) if done.times is not None else {}
        records = [describe(deployment, source, commit) for commit in done.taken_back]
    said = {
        "source": source,
        "snapshot_id": str(to.snapshot_id),
        "was": str(was.snapshot_id),
        "taken_back": records,
        "views_filled_anew": filled,
    }
    files = [Path(record["upload"]["key"]).name for record in records]
    lines = [
        f"{source} is at {to.snapshot_id}; `tidemill data rollback {source} {was.snapshot_id}` undoes this"
    ]
    if files:
        lines.append(f"taken back: {first_few(files)}")
    if filled:
        lines.append(
            f"filled anew: {', '.join(filled)}; each answers as before until it is whole, "
            "and `tidemill features list` shows how far they are"
        )
    show(said, *lines, as_json=as_json)


@click.command("export", help=f"Write the rows of SOURCE at VERSION to FILE.\n\n{VERSION_HELP}")
@click.argument("source")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("version", default="latest")
@json_option
@pass_app
def export(app: App, source: str, file: Path, version: str, *, as_json: bool) -> None:
    """Write rows as Parquet, CSV or JSON Lines, by the file's ending."""
    from tidemill.datasets.export import write_rows  # noqa: PLC0415 - Arrow takes a second to import

    if not file.absolute().parent.is_dir():
        raise CommandError(f"there is no folder {file.parent} to write {file.name} to; make it first")
    with app.deployment() as deployment:
        commit = find(deployment, source, version)
        rows = write_rows(deployment.tables, deployment.history, source, commit.snapshot_id, file)
    said = {"source": source, "snapshot_id": str(commit.snapshot_id), "file": str(file), "rows": rows}
    show(said, f"{rows:,} rows of {source} at {commit.snapshot_id} are in {file}", as_json=as_json)


def fill_anew(deployment: Deployment, source: str, rollbacks: int) -> dict[str, str]:
    """Start backfills of the views that were filled from another history of a source.

    Returns
    -------
    dict[str, str]
        The execution of the backfill state machine by view, as ``view@version``.
    """
    from tidemill.aws.executions import StateMachineExecutions  # noqa: PLC0415 - with what it serves
    from tidemill.datasets.backfill import start_anew  # noqa: PLC0415 - Arrow takes a second to import
    from tidemill.datasets.materialization import views_to_keep_up  # noqa: PLC0415 - likewise

    served = views_in_service(deployment)
    views = views_to_keep_up(
        load_project(deployment.project), source, [view for _, view in served if view.source == source]
    )
    executions = StateMachineExecutions(
        deployment.outputs["BackfillStateMachine"], client=deployment.endpoint.client("stepfunctions")
    )
    names = start_anew(executions, views, rollbacks)
    return {view.reference: name for view, name in zip(views, names, strict=True)}


def find(deployment: Deployment, source: str, version: str) -> "Commit":
    """Return the commit that a version's name means."""
    from tidemill.datasets.versions import find_version  # noqa: PLC0415 - Arrow takes a second to import

    check_table(deployment.tables, partial(load_project, deployment.project), source)
    return find_version(deployment.tables, deployment.history, source, version)


def describe(deployment: Deployment, source: str, commit: "Commit") -> dict[str, Any]:
    """Return what a commit's ``CommitCreated`` event said."""
    from tidemill.datasets.uploads import commit_record  # noqa: PLC0415 - Arrow takes a second to import

    record = commit_record(commit, deployment.project, source)
    # Iceberg counts also what came by no upload: the table of predictions is read by these commands too.
    rows = int(commit.properties.get("added-records", record["rows"]))
    return {**record, "snapshot_id": str(commit.snapshot_id), "rows": rows}
