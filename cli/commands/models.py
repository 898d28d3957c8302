"""`tidemill models`: versions, what is in service, and moving it by hand."""

from datetime import UTC, datetime
from typing import Any

import click

from cli.commands.backfills import fill_first
from cli.commands.train import check_model, flat
from cli.commands.views import views_of_models
from cli.context import App, ListingGroup, json_option, pass_app
from cli.errors import CommandError
from cli.render import facts, show, table
from tidemill.client.deployment import Deployment
from tidemill.errors import NotFound
from tidemill.registry.aliases import CHAMPION, get_alias, history, list_aliases, move_alias
from tidemill.registry.versions import ModelVersion, get_version, list_models, list_versions


@click.group(cls=ListingGroup)
def models() -> None:
    """List models and their versions, and move what is in service."""


@models.command("list")
@json_option
@pass_app
def list_(app: App, *, as_json: bool) -> None:
    """List the models that have versions."""
    with app.deployment() as deployment:
        found = [_summary(deployment, name) for name in list_models(deployment.documents)]
    rows = [
        [one["model"], one["versions"], one["aliases"].get(CHAMPION), one["latest"]["created_at"]]
        for one in found
    ]
    show(found, table(["model", "versions", "champion", "latest made at"], rows), as_json=as_json)


@models.command("show")
@click.argument("model_version", metavar="MODEL[@VERSION]")
@json_option
@pass_app
def show_model(app: App, model_version: str, *, as_json: bool) -> None:
    """Show a model's versions, or all about one.

    Which one: MODEL@7, or MODEL@champion.
    """
    model, _, wanted = model_version.partition("@")
    with app.deployment() as deployment:
        check_model(deployment, model)
        if wanted:
            version = get_version(deployment.documents, model, version_number(deployment, model, wanted))
            show(version.to_json(), *_details(version), as_json=as_json)
            return
        versions = list_versions(deployment.documents, model)
        aliases = list_aliases(deployment.documents, model)
    if not versions:
        raise CommandError(f"model {model} has no versions; make one with `tidemill train {model}`")
    rows = [[one.version, _names(aliases, one), one.passed, one.created_at, one.run_id] for one in versions]
    data = {"model": model, "aliases": aliases, "versions": [one.to_json() for one in versions]}
    show(data, table(["version", "alias", "passed", "made at", "run"], rows), as_json=as_json)


@models.command()
@click.argument("model_version", metavar="MODEL@VERSION")
@click.option("--reason", default="by hand", show_default=True, help="Kept in the alias's history.")
@json_option
@pass_app
def promote(app: App, model_version: str, reason: str, *, as_json: bool) -> None:
    """Put a version into service; its gates must have passed."""
    model, _, wanted = model_version.partition("@")
    if not wanted:
        raise CommandError(f"say which version of {model} to promote, as {model}@7")
    with app.deployment() as deployment:
        _move(deployment, model, version_number(deployment, model, wanted), reason, as_json=as_json)


@models.command()
@click.argument("model")
@click.option("--reason", default="rolled back by hand", show_default=True, help="Kept in the history.")
@json_option
@pass_app
def rollback(app: App, model: str, reason: str, *, as_json: bool) -> None:
    """Put the version that was in service before back into service."""
    with app.deployment() as deployment:
        moves = history(deployment.documents, model, CHAMPION)
        earlier = [move.version for move in moves if move.version != moves[0].version]
        if not earlier:
            raise CommandError(
                f"model {model} had no other version in service; see `tidemill models show {model}`"
            )
        _move(deployment, model, earlier[0], reason, as_json=as_json)


def version_number(deployment: Deployment, model: str, wanted: str) -> int:
    """Return the number meant by ``7`` or by an alias's name.

    Raises
    ------
    NotFound
        If no alias has that name.
    """
    if wanted.isdigit():
        return int(wanted)
    alias = get_alias(deployment.documents, model, wanted)
    if alias is None:
        raise NotFound(
            f"model `{model}` has no version or alias `{wanted}`; `tidemill models show {model}` lists them"
        )
    return alias.version


def _move(deployment: Deployment, model: str, version: int, reason: str, *, as_json: bool) -> None:
    """Move the champion, once the features of the version's views are up to date.

    The views of what is in service and was before are kept up; those of an older version may have been let
    go of, and its predictions would be made of nothing.
    """
    before = get_alias(deployment.documents, model, CHAMPION)
    passed = get_version(deployment.documents, model, version).passed
    views = views_of_models(deployment).of_version(model, version) if passed else ()
    filled = fill_first(deployment, views)
    # A person's move happens when the person makes it, so here the clock is asked.
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    move_alias(
        deployment.documents,
        model,
        CHAMPION,
        version,
        revision=before.revision if before else 0,
        at=at,
        by=reason,
    )
    data = {
        "model": model,
        "champion": version,
        "before": before.version if before else None,
        "views_filled": filled,
    }
    lines = [f"{model}: version {version} is in service"]
    if filled:
        lines.insert(0, f"filled first: {', '.join(filled)}")
    show(data, *lines, as_json=as_json)


def _summary(deployment: Deployment, model: str) -> dict[str, Any]:
    versions = list_versions(deployment.documents, model)
    return {
        "model": model,
        "versions": len(versions),
        "aliases": list_aliases(deployment.documents, model),
        "latest": versions[0].to_json(),
    }


def _names(aliases: dict[str, int], version: ModelVersion) -> str | None:
    return ", ".join(name for name, number in aliases.items() if number == version.version) or None


def _details(version: ModelVersion) -> list[Any]:
    identity = {
        "model": version.model,
        "version": version.version,
        "made at": version.created_at,
        "run": version.run_id,
        "package": version.package,
    }
    gates = [[gate["gate"], gate["passed"], gate.get("message")] for gate in version.gates]
    return [
        facts(identity),
        "",
        table(["gate", "passed", "found"], gates),
        "",
        table(["metric", "value"], [list(item) for item in flat(version.metrics).items()]),
        "",
        table(["made from", ""], [list(item) for item in flat(version.lineage).items()]),
    ]
