"""`tidemill predict`: ask the model in service, through the HTTP API."""

import json
from pathlib import Path
from typing import Any

import click

from cli.context import App, json_option, pass_app
from cli.errors import CommandError
from cli.render import show, table


@click.command()
@click.argument("model")
@click.option("--row", help="One row as a JSON object of request columns.")
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Rows as a JSON array or JSON Lines; at most 1,000.",
)
@click.option("--version", type=int, help="Ask this version instead of the one in service.")
@json_option
@pass_app
def predict(
    app: App, model: str, row: str | None, file: Path | None, version: int | None, *, as_json: bool
) -> None:
    """Ask MODEL for predictions."""
    rows = read_rows(row, file)
    with app.deployment() as deployment:
        answer = deployment.api.predict(model, rows, version=version)
    found = [[one["prediction"], one["probability"], one["id"]] for one in answer["predictions"]]
    title = f"{answer['model']} version {answer['version']}"
    show(answer, table(["prediction", "probability", "prediction id"], found, title), as_json=as_json)


def read_rows(row: str | None, file: Path | None) -> list[dict[str, Any]]:
    """Return the rows given by ``--row`` or ``--file``.

    Raises
    ------
    CommandError
        If none or both are given, or the text is not JSON objects.
    """
    if (row is None) == (file is None):
        raise CommandError("give the rows with either --row '{…}' or --file rows.jsonl")
    text = row if row is not None else (file.read_text() if file else "")
    try:
        try:
            rows = json.loads(text)
        except json.JSONDecodeError:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise CommandError(f"{file or '--row'} is not JSON: {error}; write an object per row") from error
    rows = [rows] if isinstance(rows, dict) else rows
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise CommandError(f"{file or '--row'} does not hold JSON objects; write one per row")
    return rows
