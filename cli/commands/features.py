"""`tidemill features`: views and their versions, what they say of an entity, and filling them."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import click

from cli.commands.backfills import start_backfill, wait_for_backfill
from cli.commands.views import commits_behind, declared_views, find_view, view_differences, views_in_service
from cli.context import App, ListingGroup, json_option, pass_app
from cli.errors import CommandError
from cli.render import counted, facts, show, table
from tidemill.client.known_tables import check_table
from tidemill.errors import did_you_mean
from tidemill.features.descriptions import describe_feature, describe_known, describe_length
from tidemill.project import load_project


@click.group(cls=ListingGroup)
def features() -> None:
    """List feature views, look an entity up, fill a view from history."""


@features.command("list")
@json_option
@pass_app
def list_(app: App, *, as_json: bool) -> None:
    """List the views, declared or in service.

    With how many commits each is behind. A view without that number is to be filled anew: its source was
    rolled back, or nobody needed it for a while. Until then it answers as it did before.
    """
    with app.deployment() as deployment:
        declared, used_by = declared_views(deployment), views_in_service(deployment)
        known = {view.reference: view for view in [*declared.values(), *(view for _, view in used_by)]}
        behind = commits_behind(deployment, list(known.values()))
        found: list[dict[str, Any]] = [
            {
                "view": view.name,
                "version": view.version,
                "keys": [name for name, _ in view.keys],
                "source": view.source,
                "features": [feature.name for feature in view.features],
                "declared": view.name in declared and declared[view.name].version == view.version,
                "used_by": [model for model, used in used_by if used.reference == view.reference],
                "commits_behind": behind[view.reference],
            }
            for _, view in sorted(known.items())
        ]
    names = ["view", "version", "keys", "source", "needed by", "commits behind"]
    rows = [
        [
            *(one[name] for name in ("view", "version", "keys", "source")),
            [*(["declaration"] if one["declared"] else []), *one["used_by"]],
            one["commits_behind"],
        ]
        for one in found
    ]
    show(found, table(names, rows), as_json=as_json)


@features.command("show")
@click.argument("view", metavar="VIEW[@VERSION]")
@json_option
@pass_app
def show_view(app: App, view: str, *, as_json: bool) -> None:
    """Show what a view's features are made of."""
    with app.deployment() as deployment:
        definition = find_view(deployment, view)
    data = {**definition.definition(), "view": definition.name, "version": definition.version}
    del data["name"]
    said = {
        "view": definition.name,
        "version": definition.version,
        "source": definition.source,
        "keys": [f"{name}: {type_.value}" for name, type_ in definition.keys],
        "timestamp": definition.timestamp,
        "known": describe_known(definition.known),
        "ttl": _length(data["ttl_seconds"]),
        "grace": _length(data["grace_seconds"]),
    }
    rows = [[each["name"], describe_feature(each)] for each in data["features"]]
    show(data, facts(said), "", table(["feature", "is"], rows), as_json=as_json)


@features.command("get")
@click.argument("entity", nargs=-1, required=True, metavar="KEY=VALUE...")
@json_option
@pass_app
def get(app: App, entity: tuple[str, ...], *, as_json: bool) -> None:
    """Show what the declared views say of an entity.

    As of now, as in `tidemill features get carrier=AA origin=JFK`.
    """
    key = dict(_key_part(part) for part in entity)
    with app.deployment() as deployment:
        declared = declared_views(deployment).values()
        views = [view for view in declared if {name for name, _ in view.keys} == set(key)]
        if not views:
            known = sorted({" ".join(f"{name}=..." for name, _ in view.keys) for view in declared})
            raise CommandError(f"no view has the keys {', '.join(key)}; there are: {'; '.join(known)}")
        behind = commits_behind(deployment, views)
        found = [
            {
                **deployment.api.call("GET", f"/features/{quote(view.name)}?{urlencode(key)}"),
                "commits_behind": behind[view.reference],
            }
            for view in views
        ]
    rows = [
        [one["view"], name, value, one["freshness"]]
        for one in found
        for name, value in one["features"].items()
    ]
    title = f"{' '.join(entity)} at {found[0]['at']}"
    told = [note for one in found if (note := entity_note(one)) is not None]
    show(found, table(["view", "feature", "value", "newest row"], rows, title), *told, as_json=as_json)


@features.command("diff")
@click.argument("view", required=False)
@json_option
@pass_app
def diff(app: App, view: str | None, *, as_json: bool) -> None:
    """Show how declared views differ from those in service.

    In service is what a model was trained with to which an alias points, or pointed before its last move.
    """
    with app.deployment() as deployment:
        declared, in_service = declared_views(deployment), views_in_service(deployment)
    if view is not None and view not in declared:
        raise CommandError(f"no view `{view}` is declared{did_you_mean(view, declared)}")
    found = [one for one in view_differences(declared, in_service) if view in {None, one["view"]}]
    rows = [[one["view"], one["model"], one["what"], one["before"], one["after"]] for one in found]
    text = table(["view", "in service by", "differs", "in service", "declared"], rows)
    show(found, text if found else "what is declared is in service", as_json=as_json)


@features.command("backfill")
@click.argument("view", metavar="VIEW[@VERSION]")
@click.option("--wait/--no-wait", default=True, help="Wait until the view is filled (the default).")
@json_option
@pass_app
def backfill(app: App, view: str, *, wait: bool, as_json: bool) -> None:
    """Fill a view from the history of its source.

    Serving goes on meanwhile.
    """
    with app.deployment() as deployment:
        definition = find_view(deployment, view)
        check_table(deployment.tables, partial(load_project, deployment.project), definition.source)
        execution, failure = start_backfill(deployment, definition), None
        status: str | None = "RUNNING"
        if wait:
            status, failure = wait_for_backfill(deployment, definition, execution)
        behind = commits_behind(deployment, [definition])[definition.reference]
    data = {
        "view": definition.name,
        "version": definition.version,
        "status": status,
        "commits_behind": behind,
        "execution": execution,
    }
    text = facts({name.replace("_", " "): value for name, value in data.items()})
    watch = [] if wait else [f"`tidemill features list` tells when {definition.name} is behind no longer"]
    show(data, text, *watch, as_json=as_json)
    if failure is not None:
        raise CommandError(f"the backfill of {definition.reference} ended as {status}: {failure}")


def entity_note(answer: Mapping[str, Any]) -> str | None:
    """Return what a reader of an entity's features must know beside them; None if they say it all.

    Parameters
    ----------
    answer
        What the API said of a view, and ``commits_behind``: None for a view to be filled anew.
    """
    view, behind = answer["view"], answer["commits_behind"]
    if behind is None:
        return f"{view} is being filled anew, and answers as before until it is whole"
    if behind:
        return (
            f"{view} is {counted(behind, 'commit')} behind; `tidemill features backfill {view}` fills it now"
        )
    if "unanswered" in answer:
        return f"{view}: {answer['unanswered']}"
    if answer["freshness"] is None:
        return f"{view} saw no row: none came of this entity, or all are older than it looks back"
    return None


def _length(seconds: int | None) -> str | None:
    return None if seconds is None else describe_length(seconds)


def _key_part(text: str) -> tuple[str, str]:
    """Split ``origin=JFK``.

    Examples
    --------
    >>> _key_part("origin=JFK")
    ('origin', 'JFK')
    """
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise CommandError(f"{text} names no value of a key; write it as origin=JFK")
    return name, value
