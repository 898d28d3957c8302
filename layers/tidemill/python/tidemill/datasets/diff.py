"""What changed from one version of a table to another: commits, files, rows, schema, and every column."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tidemill.datasets.profiles import ColumnSummary, shift, summarize
from tidemill.datasets.tables import Commit, Field, History, TableFile, Tables


@dataclass(frozen=True)
class SchemaChange:
    """One column that was ``added``, ``removed``, ``renamed`` or ``retyped``, in words of both versions."""

    change: str
    column: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class ColumnDiff:
    """A column of both versions: its figures in each, and the population stability index between them."""

    column: str
    type: str
    before: ColumnSummary
    after: ColumnSummary
    shift: float | None

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        figures = {"before": self.before.to_json(), "after": self.after.to_json()}
        return {"column": self.column, "type": self.type, **figures, "shift": self.shift}


@dataclass(frozen=True)
class VersionDiff:
    """Everything that differs between two versions of a table.

    Attributes
    ----------
    added, taken_back
        The commits only the second, and only the first version holds.
    files_added, files_removed, files_kept
        Files that hold the rows; compaction changes them and no row.
    rows_before, rows_after
        Counts.
    schema
        Columns that changed.
    columns
        Columns that both have, with their figures.
    """

    added: Sequence[Commit]
    taken_back: Sequence[Commit]
    files_added: Sequence[TableFile]
    files_removed: Sequence[TableFile]
    files_kept: int
    rows_before: int
    rows_after: int
    schema: Sequence[SchemaChange]
    columns: Sequence[ColumnDiff]

    def to_json(self) -> dict[str, Any]:
        """Return plain data; snapshot ids are text, for they exceed what JavaScript counts."""
        return {
            "commits": {
                "added": [str(commit.snapshot_id) for commit in self.added],
                "taken_back": [str(commit.snapshot_id) for commit in self.taken_back],
            },
            "files": {
                "added": [file._asdict() for file in self.files_added],
                "removed": [file._asdict() for file in self.files_removed],
                "kept": self.files_kept,
            },
            "rows": {"before": self.rows_before, "after": self.rows_after},
            "schema": [vars(change) for change in self.schema],
            "columns": [column.to_json() for column in self.columns],
        }


def diff_versions(tables: Tables, history: History, table: str, before: int, after: int) -> VersionDiff:
    """Compare two snapshots of a table, holding one column of both in memory at a time.

    Parameters
    ----------
    tables, history
        The database.
    table
        The table.
    before, after
        Snapshot ids.

    Returns
    -------
    VersionDiff
        What changed from the one to the other.
    """
    commits = {each: history.history(table, each) for each in (before, after)}
    files = {each: set(history.files(table, each)) for each in (before, after)}
    fields = {each: history.fields(table, each) for each in (before, after)}
    return VersionDiff(
        added=_only(commits[after], commits[before]),
        taken_back=_only(commits[before], commits[after]),
        files_added=sorted(files[after] - files[before]),
        files_removed=sorted(files[before] - files[after]),
        files_kept=len(files[before] & files[after]),
        rows_before=sum(file.rows for file in files[before]),
        rows_after=sum(file.rows for file in files[after]),
        schema=_schema_changes(fields[before], fields[after]),
        columns=[
            _diff_column(tables, table, field, before, after)
            for field in _columns_of_both(fields[before], fields[after], history.fields(table))
        ],
    )


def _only(commits: Sequence[Commit], others: Sequence[Commit]) -> list[Commit]:
    known = {commit.snapshot_id for commit in others}
    return [commit for commit in commits if commit.snapshot_id not in known]


def _schema_changes(before: Sequence[Field], after: Sequence[Field]) -> list[SchemaChange]:
    old, new = ({field.id: field for field in fields} for fields in (before, after))
    changes = [
        SchemaChange("removed", field.name, str(field.type), None) for field in before if field.id not in new
    ]
    for field in after:
        was = old.get(field.id)
        if was is None:
            changes.append(SchemaChange("added", field.name, None, str(field.type)))
            continue
        if was.name != field.name:
            changes.append(SchemaChange("renamed", field.name, was.name, field.name))
        if was.type != field.type:
            changes.append(SchemaChange("retyped", field.name, str(was.type), str(field.type)))
    return changes


def _columns_of_both(before: Sequence[Field], after: Sequence[Field], now: Sequence[Field]) -> list[Field]:
    """Return by today's names, by which rows are read, the columns of both versions."""
    ids = {field.id for field in before} & {field.id for field in after}
    return [field for field in now if field.id in ids]


def _diff_column(tables: Tables, table: str, field: Field, before: int, after: int) -> ColumnDiff:
    old, new = (
        tables.rows(table, snapshot_id=each, columns=[field.name]).column(field.name)
        for each in (before, after)
    )
    return ColumnDiff(field.name, str(field.type), summarize(old), summarize(new), shift(old, new))
