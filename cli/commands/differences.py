"""What changed between two versions, as people read it: in all, the schema, then column by column.

Columns of a kind stand together: numbers have a mean and a range, words are frequent or not, of times
only the range says anything.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType

from cli.render import table

if TYPE_CHECKING:
    from tidemill.datasets.diff import ColumnDiff, VersionDiff
    from tidemill.datasets.profiles import ColumnSummary

# By custom, of the population stability index.
MODERATE_SHIFT = 0.1
LARGE_SHIFT = 0.25
SHIFT_NOTE = (
    "shift is the population stability index from before to after: from 0.1 on moderate, above 0.25 large"
)
# Where the most frequent word is rarer than this, words are names of rows.
FREQUENT_SHARE = 0.01

Figures = Callable[["ColumnSummary"], str | None]


def diff_tables(source: str, before: str, after: str, found: "VersionDiff") -> list[RenderableType]:
    """Return a comparison as tables."""
    parts = [_summary(source, before, after, found)]
    if found.schema:
        changes = [[each.change, each.column, each.before, each.after] for each in found.schema]
        parts.append(table(["schema", "column", "before", "after"], changes))
    numbers = [each for each in found.columns if _is_number(each)]
    times = [each for each in found.columns if each.type.startswith("timestamp")]
    words = [each for each in found.columns if each not in numbers and each not in times]
    for names, columns, figures, shifts in (
        (["numbers", "mean ± std", "range"], numbers, (_middle, _range), True),
        (["words", "distinct", "most frequent"], words, (_distinct, _frequent), True),
        (["times", "range"], times, (_range,), False),
    ):
        if columns:
            parts.append(_column_table(names, columns, figures, shifts=shifts))
    return [part for each in parts for part in (each, "")] + [SHIFT_NOTE] * bool(numbers or words)


def _summary(source: str, before: str, after: str, found: "VersionDiff") -> RenderableType:
    added, removed = found.files_added, found.files_removed
    files = found.files_kept
    rows: list[list[Any]] = [
        ["rows", found.rows_before, found.rows_after, f"{found.rows_after - found.rows_before:+,}"],
        ["files", files + len(removed), files + len(added), f"+{len(added)} -{len(removed)}"],
        ["commits", None, None, f"+{len(found.added)} -{len(found.taken_back)}"],
    ]
    return table(["", "before", "after", "change"], rows, f"{source}: {before} → {after}")


def _column_table(
    names: Sequence[str], columns: Sequence["ColumnDiff"], figures: Sequence[Figures], *, shifts: bool
) -> RenderableType:
    """Show figures of both versions, the second's only where they differ."""
    kind, *measured = names
    heads = [kind, *(head for name in ("null", *measured) for head in (name, "→"))]
    rows = []
    for each in columns:
        row: list[Any] = [each.column]
        for figure in (_nulls, *figures):
            old, new = figure(each.before), figure(each.after)
            row += [old, "" if new == old else new]
        rows.append([*row, _shift(each.shift)] if shifts else row)
    return table([*heads, "shift"] if shifts else heads, rows)


def _is_number(column: "ColumnDiff") -> bool:
    return column.type in {"double", "float", "int64", "int32", "long", "int", "bool", "boolean"}


def _nulls(side: "ColumnSummary") -> str | None:
    return f"{side.nulls / side.rows:.1%}" if side.rows else None


def _distinct(side: "ColumnSummary") -> str:
    return f"{side.distinct:,}"


def _middle(side: "ColumnSummary") -> str | None:
    if side.mean is None:
        return None
    return f"{side.mean:.4g}" if side.std is None else f"{side.mean:.4g} ± {side.std:.3g}"


def _frequent(side: "ColumnSummary") -> str | None:
    if not side.frequent:
        return None
    value, times = next(iter(side.frequent.items()))
    share = times / (side.rows - side.nulls)
    return f"{value} ({share:.0%})" if share >= FREQUENT_SHARE else None


def _range(side: "ColumnSummary") -> str | None:
    if side.low is None:
        return None
    low, high = (
        f"{end:.4g}" if isinstance(end, int | float) else f"{end:%Y-%m-%d}" for end in (side.low, side.high)
    )
    return f"{low} … {high}"


def _shift(shift: float | None) -> str | None:
    if shift is None:
        return None
    large = " large" if shift > LARGE_SHIFT else " moderate" if shift >= MODERATE_SHIFT else ""
    return f"{shift:.3f}{large}"
