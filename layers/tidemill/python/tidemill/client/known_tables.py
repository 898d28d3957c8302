"""Which tables a project has, and what to say of one that is not there."""

from typing import TYPE_CHECKING

from tidemill.errors import NotFound, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidemill.datasets.tables import Tables
    from tidemill.project import Project

    Declared = Callable[[], Project]


def check_table(tables: "Tables", declared: "Declared", table: str) -> None:
    """Refuse a table that is not there, saying whether nothing came to it yet or its name is wrong.

    Parameters
    ----------
    tables
        The deployed tables. One that is there may be of a source that is no longer declared.
    declared
        Gives the declarations, which know what may come to be there. Asked only if the table is not:
        data can be looked at where the project's code is not at hand.
    table
        A source's name, or ``predictions_<model>``.

    Raises
    ------
    NotFound
        If there is no such table.
    """
    if not has_table(tables, declared, table):
        raise NotFound(f"nothing came to `{table}` yet; {_known_tables(declared())[table]}")


def has_table(tables: "Tables", declared: "Declared", table: str) -> bool:
    """Return whether a table is there; one that the project declares is made when first something comes.

    Raises
    ------
    NotFound
        If it is not there, nor declared.
    """
    try:
        tables.commits(table, last=1)
    except NotFound as error:
        project = declared()
        known = _known_tables(project)
        if table not in known:
            near = did_you_mean(table, known)
            raise NotFound(f"project `{project.name}` has no source `{table}`{near}") from error
        return False
    return True


def _known_tables(project: "Project") -> dict[str, str]:
    """Return the tables the project declares, and for each what brings something to it."""
    sources = {
        source.name: f"`tidemill upload {source.name} FILE` makes the first commit"
        for source in project.sources
    }
    predictions = {
        f"predictions_{model.name}": f"predictions of {model.name} are recorded as they are asked for"
        for model in project.models
    }
    return {**sources, **predictions}
