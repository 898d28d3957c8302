"""`tidemill data infer` and `data unblock`: what data are held to, and going on when they failed it."""

import re
from keyword import iskeyword
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
@click.option(
    "--delimiter", help=r"What stands between the values of a CSV file; \t is a tab. Found out unless given."
)
@click.option("--encoding", default="utf-8", help="How a CSV file's characters are written.")
@json_option
def infer(file: Path, *, name: str | None, delimiter: str | None, encoding: str, as_json: bool) -> None:
    """Propose a source for the rows of FILE.

    Its schema, key and timestamp, and checks that the file itself passes. Reads the file and nothing else;
    the declaration goes to the terminal, for projects/<project>/.
    """
    from tidemill.datasets.infer import infer_file  # noqa: PLC0415 - Arrow takes a second to import
    from tidemill.datasets.proposal import declaration  # noqa: PLC0415 - likewise
    from tidemill.datasets.raw import likely_csv  # noqa: PLC0415 - likewise
    from tidemill.project import Csv  # noqa: PLC0415 - likewise

    source = name or source_name(file)
    if not source.isidentifier() or iskeyword(source):
        raise CommandError(f"`{source}` is no name that Python takes; choose one of letters, digits and _")
    with one_line_errors("this machine"), file.open("rb") as stream:
        csv = likely_csv(stream, name=file.name, encoding=encoding)
        if delimiter is not None:
            csv = Csv(delimiter=delimiter.replace(r"\t", "\t"), encoding=encoding)
        facts = infer_file(stream, name=file.name, csv=csv)
    text = declaration(facts, source)
    said: dict[str, Any] = {
        "source": source,
        "rows": facts.rows,
        "schema": {column: each.type.value for column, each in facts.columns.items()},
        "key": list(facts.key),
        "timestamp": facts.timestamp,
        "declaration": text,
    }
    if as_json:
        show(said, as_json=True)
    else:
        click.echo(text, nl=False)


def source_name(file: Path) -> str:
    """Return what a source of a file may be called.

    Examples
    --------
    >>> source_name(Path("Week-12 (final).csv.gz")), source_name(Path("2013-03.parquet"))
    ('week_12_final', 'rows_2013_03')
    """
    words = "_".join(re.findall(r"[a-z0-9]+", file.name.split(".")[0].lower()))
    return words if words.isidentifier() and not iskeyword(words) else f"rows_{words}".strip("_")


@click.command()
@click.argument("source")
@json_option
@pass_app
def unblock(app: App, source: str, *, as_json: bool) -> None:
    """Let models be trained from SOURCE again.

    A source is blocked from when its checks refuse an upload until the next one is committed, and by its
    silence, where a freshness that refuses is declared, until newer rows are.
    """
    from tidemill.datasets.blocking import lift  # noqa: PLC0415 - Arrow takes a second to import
    from tidemill.datasets.silence import accept_silence  # noqa: PLC0415 - likewise

    with app.deployment() as deployment:
        load_project(deployment.project).source(source)
        refusal = lift(deployment.documents, source)
        silence = accept_silence(deployment.documents, deployment.tables, source)
    if refusal is None and silence is None:
        raise CommandError(
            f"source `{source}` is not blocked; `tidemill data log {source}` lists its commits"
        )
    said = {"source": source, "lifted": refusal, "silence": silence}
    lines = []
    if refusal is not None:
        lines.append(f"{source} is no longer blocked for {refusal['upload']['key']}")
    if silence is not None:
        lines.append(f"{source} is no longer blocked for its silence since {silence['newest']}")
    show(said, *lines, as_json=as_json)
