"""What a source's uploads are held to: checks of rows, and checks of an upload as a whole.

Each check has a severity. ``quarantine`` puts the rows aside that fail it, ``refuse`` refuses the
upload, ``warn`` says so in the upload's report and goes on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from tidemill.errors import DeclarationError, ExpressionError
from tidemill.expressions import Expr, Type, infer_type
from tidemill.project.names import check_known
from tidemill.project.times import parse_duration

if TYPE_CHECKING:
    from tidemill.project.sources import Source

Severity = Literal["quarantine", "refuse", "warn"]
Across = Literal["upload", "commits"]
MODERATE_SHIFT = 0.25
"""The population stability index from which, by custom, a shift is called large."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RowCheck:
    """A check of rows.

    Attributes
    ----------
    severity
        What becomes of rows that fail, or of the upload.
    tolerance
        The share of an upload's rows that may fail before the upload is refused (``quarantine``,
        ``refuse``) or warned of; None for as many as the source tolerates in all (``quarantine``),
        else for none.
    """

    severity: Severity = "quarantine"
    tolerance: float | None = None

    def validate(self, owner: str, schema: Mapping[str, Type]) -> None:
        """Raise DeclarationError unless the check fits a source's schema."""
        del schema  # for those that name columns
        _check_severity(owner, self.severity, get_args(Severity))
        if self.tolerance is not None and not 0 <= self.tolerance <= 1:
            raise DeclarationError(f"{owner}: tolerance is {self.tolerance}; it is a share between 0 and 1")

    @property
    def tolerated(self) -> float:
        """The largest share of rows that may fail this check, whatever fails others."""
        if self.tolerance is not None:
            return self.tolerance
        return 1.0 if self.severity == "quarantine" else 0.0

    @property
    def about(self) -> tuple[str, ...]:
        """The columns it looks at."""
        raise NotImplementedError

    @property
    def reason(self) -> str:
        """Why a row that fails it fails."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, kw_only=True)
class Holds(RowCheck):
    """An expression that must not be false on a row; null passes, as in SQL's CHECK."""

    expression: Expr

    def validate(self, owner: str, schema: Mapping[str, Type]) -> None:
        """Raise DeclarationError unless the expression is true or false over the schema."""
        super().validate(owner, schema)
        try:
            type_ = infer_type(self.expression, schema, within=owner)
        except ExpressionError as error:
            raise DeclarationError(f"{owner}: check: {error}") from error
        if type_ is not Type.BOOL:
            raise DeclarationError(
                f"{owner}: check `{self.expression!r}` is {type_.value}; a check is true or false"
            )

    @property
    def about(self) -> tuple[str, ...]:
        """The columns it looks at."""
        return tuple(sorted(self.expression.columns()))

    @property
    def reason(self) -> str:
        """Why a row that fails it fails."""
        return f"{self.expression!r} is false"


@dataclass(frozen=True, eq=False, kw_only=True)
class Unique(RowCheck):
    """No two rows have the same values in these columns, in one upload or in all commits."""

    columns: tuple[str, ...]
    across: Across = "upload"

    def validate(self, owner: str, schema: Mapping[str, Type]) -> None:
        """Raise DeclarationError unless the columns are the schema's."""
        super().validate(owner, schema)
        _check_columns(owner, "unique()", self.columns, schema)
        if self.across not in get_args(Across):
            raise DeclarationError(f'{owner}: across is {self.across!r}; it is "upload" or "commits"')

    @property
    def about(self) -> tuple[str, ...]:
        """The columns it looks at."""
        return self.columns

    @property
    def reason(self) -> str:
        """Why a row that fails it fails."""
        where = "an earlier row" if self.across == "upload" else "an earlier row or commit"
        return f"{_quoted(self.columns)} as in {where}"


@dataclass(frozen=True, eq=False, kw_only=True)
class References(RowCheck):
    """The values of these columns are a key of another source; a null among them passes, as in SQL."""

    columns: tuple[str, ...]
    target: "Source"

    def validate(self, owner: str, schema: Mapping[str, Type]) -> None:
        """Raise DeclarationError unless the columns have the types of the other source's key."""
        super().validate(owner, schema)
        _check_columns(owner, "references()", self.columns, schema)
        if len(self.columns) != len(self.target.key):
            raise DeclarationError(
                f"{owner}: references() has {len(self.columns)} columns, and the key of source "
                f"`{self.target.name}` {len(self.target.key)}: {_quoted(self.target.key)}"
            )
        for name, key in zip(self.columns, self.target.key, strict=True):
            if schema[name] is not self.target.schema[key]:
                raise DeclarationError(
                    f"{owner}: column `{name}` of references() is {schema[name].value}, and `{key}` of "
                    f"source `{self.target.name}` {self.target.schema[key].value}"
                )

    @property
    def about(self) -> tuple[str, ...]:
        """The columns it looks at."""
        return self.columns

    @property
    def reason(self) -> str:
        """Why a row that fails it fails."""
        return f"{_quoted(self.columns)} not in source `{self.target.name}`"


@dataclass(frozen=True, eq=False, kw_only=True)
class UploadCheck:
    """A check of an upload's accepted rows together; there are no single rows to put aside.

    Attributes
    ----------
    severity
        ``refuse`` or ``warn``.
    """

    SEVERITIES: ClassVar = ("refuse", "warn")
    severity: Severity = "refuse"

    def validate(self, owner: str, schema: Mapping[str, Type]) -> None:
        """Raise DeclarationError unless the check fits a source's schema."""
        del schema  # likewise
        _check_severity(owner, self.severity, self.SEVERITIES)

    @property
    def about(self) -> tuple[str, ...]:
        """The columns it looks at; none where it is about rows."""
        return ()

    @property
    def text(self) -> str:
        """What must hold."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, kw_only=True)
class RowCount(UploadCheck):
    """How many rows an upload brings."""

    at_least: int
    at_most: int | None

    def validate(self, owner: str, schema: Mapping[str, Type]) -> None:
        """Raise DeclarationError unless some number of rows is within the bounds."""
        super().validate(owner, schema)
        if self.at_least < 0 or (self.at_most is not None and self.at_most < self.at_least):
            raise DeclarationError(
                f"{owner}: row_count({self.at_least}, {self.at_most}) lets no number of rows pass"
            )

    @property
    def text(self) -> str:
        """What must hold."""
        most = "" if self.at_most is None else f" and at most {self.at_most:,}"
        return f"at least {self.at_least:,}{most} rows"


@dataclass(frozen=True, eq=False, kw_only=True)
class NullRate(UploadCheck):
    """Which share of a column may be null."""

    column: str
    at_most: float

    def validate(self, owner: str, schema: Mapping[str, Type]) -> None:
        """Raise DeclarationError unless the column is the schema's and the bound a share."""
        super().validate(owner, schema)
        _check_columns(owner, "null_rate()", (self.column,), schema)
        if not 0 <= self.at_most <= 1:
            raise DeclarationError(
                f"{owner}: null_rate(`{self.column}`) is {self.at_most}; it is a share between 0 and 1"
            )

    @property
    def about(self) -> tuple[str, ...]:
        """The column it looks at."""
        return (self.column,)

    @property
    def text(self) -> str:
        """What must hold."""
        return f"at most {self.at_most:.1%} of `{self.column}` null"


@dataclass(frozen=True, eq=False, kw_only=True)
class Freshness(UploadCheck):
    """How old the newest row may be: when an upload arrives, and whenever a monitor looks."""

    within: str

    def validate(self, owner: str, schema: Mapping[str, Type]) -> None:
        """Raise DeclarationError unless it is a length of time."""
        super().validate(owner, schema)
        parse_duration(self.within, f"{owner}: freshness")

    @property
    def seconds(self) -> int:
        """The greatest age in seconds."""
        return parse_duration(self.within, "freshness")

    @property
    def text(self) -> str:
        """What must hold."""
        return f"the newest row at most {self.within} old"


@dataclass(frozen=True, eq=False, kw_only=True)
class Drift(UploadCheck):
    """How far a column's distribution may be from that of the commits before.

    Attributes
    ----------
    column
        Any but a timestamp: time always moves.
    at_most
        The largest population stability index; one that chance explains passes whatever it is.
    commits
        How many of the newest commits to compare with.
    """

    column: str
    at_most: float
    commits: int

    def validate(self, owner: str, schema: Mapping[str, Type]) -> None:
        """Raise DeclarationError unless the column can drift."""
        super().validate(owner, schema)
        _check_columns(owner, "drift()", (self.column,), schema)
        if schema[self.column] is Type.TIMESTAMP:
            raise DeclarationError(
                f"{owner}: drift(`{self.column}`): a timestamp always moves; see freshness()"
            )
        if self.at_most <= 0 or self.commits < 1:
            raise DeclarationError(
                f"{owner}: drift(`{self.column}`): at_most and commits are {self.at_most} and "
                f"{self.commits}; both are above 0"
            )

    @property
    def about(self) -> tuple[str, ...]:
        """The column it looks at."""
        return (self.column,)

    @property
    def text(self) -> str:
        """What must hold."""
        return f"`{self.column}` within a PSI of {self.at_most:g} of the last {self.commits} commits"


Check = RowCheck | UploadCheck


def check(expression: Expr, *, severity: Severity = "quarantine", tolerance: float | None = None) -> Holds:
    """Check that an expression is not false on any row; an expression by itself is quarantined."""
    return Holds(severity=severity, tolerance=tolerance, expression=expression)


def unique(
    *columns: str,
    across: Across = "upload",
    severity: Severity = "quarantine",
    tolerance: float | None = None,
) -> Unique:
    """Check that no two rows have the same values in these columns: of one upload, or of all commits."""
    return Unique(severity=severity, tolerance=tolerance, columns=columns, across=across)


def references(
    *columns: str, source: "Source", severity: Severity = "quarantine", tolerance: float | None = None
) -> References:
    """Check that the values of these columns are the key of a row that another source has by now."""
    return References(severity=severity, tolerance=tolerance, columns=columns, target=source)


def row_count(at_least: int = 0, at_most: int | None = None, *, severity: Severity = "refuse") -> RowCount:
    """Check how many rows an upload brings."""
    return RowCount(severity=severity, at_least=at_least, at_most=at_most)


def null_rate(column: str, at_most: float, *, severity: Severity = "refuse") -> NullRate:
    """Check which share of a column is null."""
    return NullRate(severity=severity, column=column, at_most=at_most)


def freshness(within: str, *, severity: Severity = "warn") -> Freshness:
    """Check how old the newest row is, when an upload arrives and while none does."""
    return Freshness(severity=severity, within=within)


def drift(
    column: str, *, at_most: float = MODERATE_SHIFT, commits: int = 10, severity: Severity = "warn"
) -> Drift:
    """Check how far a column's distribution has moved from that of the last commits."""
    return Drift(severity=severity, column=column, at_most=at_most, commits=commits)


def as_check(declared: Expr | Check) -> Check:
    """Return a check for what stands in a source's list of checks."""
    return Holds(expression=declared) if isinstance(declared, Expr) else declared


def _quoted(columns: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in columns)


def _check_severity(owner: str, severity: str, allowed: tuple[str, ...]) -> None:
    if severity not in allowed:
        raise DeclarationError(f"{owner}: severity is {severity!r}; it is one of {', '.join(allowed)}")


def _check_columns(owner: str, what: str, columns: tuple[str, ...], schema: Mapping[str, Type]) -> None:
    if not columns:
        raise DeclarationError(f"{owner}: {what} names no column; name at least one")
    for name in columns:
        check_known(owner, f"column of {what}", name, schema, "its schema")
