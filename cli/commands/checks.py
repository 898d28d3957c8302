"""`tidemill data infer` and `data unblock`: what data are held to, and going on when they failed it."""

from pathlib import Path
from typing import Any

import click

from cli.context import App, json_option, pass_app
from cli.errors import CommandError, one_line_errors
from cli.render import show
from tidemill.project import load_project


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="The source's name; that of the file unless given.")
@click.option("--delimiter", default=",", help="What stands between the values of a CSV file.")
@click.option("--encoding", default="utf-8", help="How a CSV file's characters are written.")
@json_option
def infer(file: Path, *, name: str | None, delimiter: str, encoding: str, as_json: bool) -> None:
    """Propose a source for FILE: its schema, key and timestamp, and checks that the file itself passes.

    Reads the file and nothing else; the declaration goes to the terminal, for projects/<project>/.
    """
    from tidemill.datasets.infer import declaration, infer_file  # noqa: PLC0415 - Arrow takes a second to import
    from tidemill.project import Csv  # noqa: PLC0415 - likewise

    source = name or file.name.split(".")[0].lower().replace("-", "_").replace(" ", "_")
    with one_line_errors("this machine"), file.open("rb") as stream:
        facts = infer_file(stream, name=file.name, csv=Csv(delimiter=delimiter, encoding=encoding))
    text = declaration(facts, source)
    said: dict[str, Any] = {
        "source": source,
        "rows": facts.rows,
        "schema": {column: each.type.value for column, each in facts.columns.items()},
        "key": facts.key,
        "timestamp": facts.timestamp,
        "declaration": text,
    }
    if as_json:
        show(said, as_json=True)
    else:
        click.echo(text, nl=False)


@click.command()
@click.argument("source")
@json_option
@pass_app
def unblock(app: App, source: str, *, as_json: bool) -> None:
    """Let models be trained from SOURCE again, although its newest upload failed its checks."""
    from tidemill.datasets.blocking import lift  # noqa: PLC0415 - Arrow takes a second to import

    with app.deployment() as deployment:
        load_project(deployment.project).source(source)
        refusal = lift(deployment.documents, source)
    if refusal is None:
        raise CommandError(
            f"source `{source}` is not blocked; `tidemill data log {source}` lists its commits"
        )
    said = {"source": source, "lifted": dict(refusal)}
    show(said, f"{source} is no longer blocked for {refusal['upload']['key']}", as_json=as_json)
