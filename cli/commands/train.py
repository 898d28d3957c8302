"""`tidemill train` and `tidemill runs`: start the training state machine, and look at what it did."""

import json
import secrets
import textwrap
from collections.abc import Mapping
from typing import Any

import click

from cli.context import App, ListingGroup, json_option, pass_app
from cli.errors import CommandError
from cli.render import console, facts, first_few, show, table
from tidemill.client.deployment import Deployment, wait_for
from tidemill.errors import NotFound, Unavailable, did_you_mean
from tidemill.registry.runs import Run, get_run, list_runs
from tidemill.registry.versions import list_models

TRAINING_SECONDS = 3600.0
RUNS_LISTED = 50
FAILURE_CHARACTERS = 400


@click.command()
@click.argument("model")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Fix a parameter of the search.")
@click.option("--wait/--no-wait", default=True, help="Wait until the run has ended (the default).")
@json_option
@pass_app
def train(app: App, model: str, settings: tuple[str, ...], *, wait: bool, as_json: bool) -> None:
    """Train MODEL on the data as it is now.

    A version that passes its gates goes into service.
    """
    overrides = dict(parse_setting(setting) for setting in settings)
    with app.deployment() as deployment:
        check_model(deployment, model)
        run_id, execution = start(deployment, model, overrides, detail="tidemill train")
        if not wait:
            show({"run_id": run_id, "execution": execution}, f"started run {run_id}", as_json=as_json)
            return
        with console(stderr=True).status(f"run {run_id}"):
            run = wait_for_run(deployment, run_id, execution)
    show(run.to_json(), run_facts(run), as_json=as_json)
    if run.status == "failed":
        raise CommandError(failure_line(run))


@click.group(cls=ListingGroup)
def runs() -> None:
    """List and compare runs of the training state machine."""


@runs.command("list")
@click.argument("model", required=False)
@json_option
@pass_app
def list_(app: App, model: str | None, *, as_json: bool) -> None:
    """List the runs of MODEL, or of every model, the newest first."""
    with app.deployment() as deployment:
        if model is not None:
            check_model(deployment, model)
        models = [model] if model else known_models(deployment)
        found = [run for name in models for run in list_runs(deployment.documents, name, limit=RUNS_LISTED)]
    found.sort(key=lambda run: run.started_at, reverse=True)
    rows = [
        [
            run.run_id,
            run.model,
            run.started_at,
            run.status,
            reason_text(run.reason),
            run.version,
            run.promoted,
        ]
        for run in found
    ]
    columns = ["run", "model", "started", "status", "reason", "version", "promoted"]
    show([run.to_json() for run in found], table(columns, rows), as_json=as_json)


@runs.command("show")
@click.argument("run_id")
@json_option
@pass_app
def show_run(app: App, run_id: str, *, as_json: bool) -> None:
    """Show what each step of a run answered."""
    with app.deployment() as deployment:
        run = get_run(deployment.documents, run_id)
    steps = [[name, json.dumps(answer, sort_keys=True)[:600]] for name, answer in run.steps.items()]
    show(run.to_json(), run_facts(run), "", table(["step", "answer"], steps), as_json=as_json)


@runs.command("compare")
@click.argument("first")
@click.argument("second")
@json_option
@pass_app
def compare(app: App, first: str, second: str, *, as_json: bool) -> None:
    """Show in what two runs differ."""
    with app.deployment() as deployment:
        left, right = (flat(get_run(deployment.documents, one).to_json()) for one in (first, second))
    names = [name for name in sorted({*left, *right}) if left.get(name) != right.get(name)]
    differing = [{"name": name, first: left.get(name), second: right.get(name)} for name in names]
    rows = [[name, left.get(name), right.get(name)] for name in names]
    show(differing, table(["differs", first, second], rows), as_json=as_json)


def start(
    deployment: Deployment, model: str, overrides: Mapping[str, Any], *, detail: str, kind: str = "manual"
) -> tuple[str, str]:
    """Start a run and return its id and the execution's ARN.

    Parameters
    ----------
    deployment
        Where.
    model
        Which model to train.
    overrides
        Parameters set by hand.
    detail, kind
        The reason to record.
    """
    run_id = f"{model}-{secrets.token_hex(6)}"
    reason = {"kind": kind, "detail": detail}
    return run_id, deployment.start_training(model, run_id=run_id, reason=reason, overrides=overrides)


def wait_for_run(deployment: Deployment, run_id: str, execution: str) -> Run:
    """Wait until an execution has ended and return its run.

    Raises
    ------
    NotFound
        If the execution ended before it recorded its run.
    Unavailable
        If it ended, stopped or out of time, before it recorded how.
    """

    def ended() -> str | None:
        status = deployment.execution_status(execution)
        return None if status == "RUNNING" else status

    outcome = wait_for(ended, what=f"the end of run {run_id}", seconds=TRAINING_SECONDS)
    run = get_run(deployment.documents, run_id)
    if run.status == "running":
        raise Unavailable(
            f"run {run_id} ended as {outcome} before its outcome was recorded; look at execution {execution} "
            "and train again"
        )
    return run


def known_models(deployment: Deployment) -> list[str]:
    """Return the models that have versions, and those of the deployed project's declarations."""
    from tidemill.project import load_project  # noqa: PLC0415 - only here does a listing need declarations

    declared = [model.name for model in load_project(deployment.project).models]
    return sorted({*declared, *list_models(deployment.documents)})


def check_model(deployment: Deployment, model: str) -> None:
    """Refuse a model that is neither declared nor has versions.

    Raises
    ------
    NotFound
        With the nearest name.
    """
    known = known_models(deployment)
    if model not in known:
        raise NotFound(f"project `{deployment.project}` has no model `{model}`{did_you_mean(model, known)}")


def parse_setting(setting: str) -> tuple[str, Any]:
    """Split ``name=value``; the value is JSON where it can be, else text.

    Examples
    --------
    >>> parse_setting("max_iter=300"), parse_setting("loss=log_loss")
    (('max_iter', 300), ('loss', 'log_loss'))
    """
    name, separator, text = setting.partition("=")
    if not separator or not name:
        raise CommandError(f"--set {setting} names no value; write it as --set max_iter=300")
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text


def reason_text(reason: Mapping[str, Any]) -> str:
    """Write a run's reason in a few words; of many drifted features the first.

    Examples
    --------
    >>> reason_text({"kind": "drift", "detail": "temp, dewp, humid, visib"})
    'drift: temp, dewp, humid and 1 more'
    """
    detail = reason.get("detail")
    if not detail:
        return str(reason.get("kind"))
    return f"{reason.get('kind')}: {first_few(str(detail).split(', '))}"


def run_facts(run: Run) -> Any:
    """Return a run's figures as a list for people."""
    values = {
        "run": run.run_id,
        "model": run.model,
        "status": run.status,
        "reason": reason_text(run.reason),
        "started": run.started_at,
        "finished": run.finished_at,
        "version": run.version,
        "promoted": run.promoted,
    }
    if run.failure:
        values["failure"] = "{step}: {error}: {cause}".format_map(run.failure)
    return facts(values)


def failure_line(run: Run) -> str:
    """Say in one line in which step a run failed, why, and where to look."""
    failure = run.failure or {}
    cause = textwrap.shorten(str(failure.get("cause", "")), FAILURE_CHARACTERS, placeholder=" …")
    return (
        f"run {run.run_id} failed in {failure.get('step')}: {failure.get('error')}: {cause}; "
        f"see `tidemill runs show {run.run_id}`"
    )


def flat(data: Any, prefix: str = "") -> dict[str, Any]:
    """Write nested data as one level of dotted names.

    Examples
    --------
    >>> flat({"a": {"b": 1}, "c": [2]})
    {'a.b': 1, 'c.0': 2}
    """
    if isinstance(data, list | tuple):
        data = {str(index): one for index, one in enumerate(data)}
    if not isinstance(data, Mapping):
        return {prefix: data}
    found: dict[str, Any] = {}
    for name, value in data.items():
        found |= flat(value, f"{prefix}.{name}" if prefix else str(name))
    return found
