"""`tidemill status`: where everything is, what waits, and what failed."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import click

from cli.commands.train import failure_line, known_models
from cli.context import App, json_option, pass_app
from cli.render import facts, show, table
from tidemill.client.deployment import Deployment
from tidemill.registry.runs import list_runs

QUEUES = ("Rows", "Ingest", "Materialize", "Predictions", "Decisions")
# Monitor and upkeep are woken without a queue; what of them failed for good is kept all the same.
DEAD_LETTERS = (*QUEUES, "Monitor", "Upkeep")
RUNS_LOOKED_AT = 20


@click.command()
@json_option
@pass_app
def status(app: App, *, as_json: bool) -> None:
    """Show where everything is, what waits and what failed."""
    with app.deployment() as deployment:
        report = deployment_status(deployment)
    dead_letters = report["failed"]["dead_letters"]
    work = [[name, report["waiting"].get(name), dead] for name, dead in dead_letters.items()]
    sources = [[name, line] for name, found in report["sources"].items() for line in source_lines(found)]
    failed_runs = [[run["run_id"], run["failure"]] for run in report["failed"]["runs"]]
    show(
        report,
        facts(report["endpoints"]),
        "",
        facts({name: value for name, value in report["resources"].items() if not name.endswith("_url")}),
        "",
        table(["queue", "waiting", "dead letters"], work),
        *([table(["source", "what is amiss"], sources)] if sources else []),
        *([table(["failed run", "why"], failed_runs)] if failed_runs else []),
        as_json=as_json,
    )


def deployment_status(deployment: Deployment) -> dict[str, Any]:
    """Return endpoints, resources by design name, and what waits or failed, as plain data."""
    outputs = deployment.outputs
    functions = {function_name(name): physical for name, physical in deployment.functions().items()}
    running, failed = [], []
    for model in known_models(deployment):
        for run in list_runs(deployment.documents, model, limit=RUNS_LOOKED_AT):
            if run.status == "running":
                running.append(run.run_id)
            if run.status == "failed":
                failed.append({"run_id": run.run_id, "model": model, "failure": failure_line(run)})
    return {
        "project": deployment.project,
        "endpoints": {
            "aws": deployment.endpoint.url,
            "api": outputs["ApiEndpoint"],
            # The MLflow-compatible tracking server is not part of the stacks yet.
            "tracking": None,
        },
        "stacks": {stack["name"]: stack["status"] for stack in deployment.stacks()},
        "resources": {
            design_name(name): value for name, value in sorted(outputs.items()) if name != "ApiEndpoint"
        },
        "functions": dict(sorted(functions.items())),
        "sources": sources_amiss(deployment),
        "waiting": {design_name(name): deployment.queue_depth(outputs[f"{name}QueueUrl"]) for name in QUEUES},
        "running": running,
        "failed": {
            "dead_letters": {
                design_name(name): deployment.queue_depth(outputs[f"{name}DeadLettersUrl"])
                for name in DEAD_LETTERS
            },
            "runs": failed,
        },
    }


def sources_amiss(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Return by source the refusal it is ``blocked`` for, and its silence if it is ``silent``."""
    from tidemill.datasets.blocking import blocked_sources  # noqa: PLC0415 - Arrow takes a second to import
    from tidemill.datasets.silence import silence_of, silences_told  # noqa: PLC0415 - likewise

    blocked = blocked_sources(deployment.documents)
    # What was told may be over; only then are the tables, which take another second, asked.
    told = silences_told(deployment.documents)
    silent = {name: silence_of(deployment.documents, deployment.tables, name) for name in told}
    amiss = {name: {"blocked": blocked.get(name), "silent": silent.get(name)} for name in [*blocked, *silent]}
    return {name: found for name, found in sorted(amiss.items()) if any(found.values())}


def source_lines(found: Mapping[str, Any]) -> list[str]:
    """Say what is amiss with a source, and what it keeps from being done."""
    lines = []
    if refusal := found["blocked"]:
        name = PurePosixPath(refusal["upload"]["key"]).name
        lines.append(f"blocks training since {refusal['at']}: its checks refused {name}")
    if silence := found["silent"]:
        asked = " and ".join(each["check"] for each in silence["checks"])
        refuses = any(each["severity"] == "refuse" for each in silence["checks"])
        blocks = ", which blocks training" if refuses and not silence["accepted"] else ""
        lines.append(f"silent{blocks}: its newest row is of {silence['newest']}, and it asks for {asked}")
    return lines


def design_name(output: str) -> str:
    """Return an output's name as the design writes names.

    Examples
    --------
    >>> design_name("TrainingStateMachine"), design_name("IngestQueueUrl")
    ('training_state_machine', 'ingest_queue_url')
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", output).lower()


def function_name(logical_id: str) -> str:
    """Return a function's folder from the logical id CDK made of it.

    Examples
    --------
    >>> function_name("IngestUploadFunction4D280D95")
    'ingest_upload'
    """
    return design_name(re.sub(r"Function[0-9A-F]{8}$", "", logical_id))
