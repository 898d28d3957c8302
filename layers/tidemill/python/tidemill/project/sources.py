"""Sources of rows, and entities that features are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tidemill.errors import DeclarationError, ExpressionError
from tidemill.expressions import (
    Array,
    Column,
    Columns,
    Expr,
    Type,
    col,
    evaluate,
    from_array,
    infer_type,
)
from tidemill.project.checks import Check, RowCheck, UploadCheck, as_check
from tidemill.project.files import PLAIN_CSV, Csv
from tidemill.project.names import check_distinct, check_known, check_name
from tidemill.project.times import KnownRule


@dataclass(frozen=True, eq=False)
class Source:
    """A named stream of rows.

    Attributes
    ----------
    name
        Also the name of its table.
    schema
        Each column's type.
    key
        The columns that tell a row from all others.
    timestamp
        The column that says when the thing happened.
    known
        When we get to know a row: a column, a rule (``Weekly``, ``Delay``), or None for the timestamp itself.
    checks
        Boolean expressions each row must not make false (null passes, as in SQL's CHECK), and what
        ``check``, ``unique``, ``references``, ``row_count``, ``null_rate``, ``freshness`` and ``drift`` make.
    tolerance
        The largest share of an upload's rows that may be put aside before the upload is refused whole.
    csv
        How its CSV files are written, if not as most are.
    was
        The former name of each column that was renamed; what is stored is then read under the new one.

    Examples
    --------
    >>> from tidemill import Float, Source, String, Timestamp, col
    >>> Source("taxi", {"id": String, "at": Timestamp}, ["id"], "att")
    Traceback (most recent call last):
    tidemill.errors.DeclarationError: source `taxi`: unknown timestamp `att` in its schema; did you mean `at`?
    """

    name: str
    schema: Mapping[str, Type]
    key: Sequence[str]
    timestamp: str
    known: KnownRule = None
    checks: Sequence[Expr | Check] = ()
    tolerance: float = 0.05
    csv: Csv = PLAIN_CSV
    was: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name("source", self.name)
        owner = f"source `{self.name}`"
        for name, type_ in self.schema.items():
            if not isinstance(type_, Type):
                raise DeclarationError(
                    f"{owner}: column `{name}` has {type_!r} for a type; use String, Int, ..."
                )
        if isinstance(self.key, str) or not self.key:
            raise DeclarationError(f"{owner}: key is {self.key!r}; give a list of at least one column")
        for name in self.key:
            check_known(owner, "key column", name, self.schema, "its schema")
        self._check_time(owner, "timestamp", self.timestamp)
        if isinstance(self.known, str):
            self._check_time(owner, "known column", self.known)
        for check in self.checks:
            as_check(check).validate(owner, self.schema)
        self.csv.validate(owner, self.schema)
        self._check_was(owner)
        if not 0 <= self.tolerance <= 1:
            raise DeclarationError(f"{owner}: tolerance is {self.tolerance}; it is a share between 0 and 1")

    def _check_was(self, owner: str) -> None:
        for name, former in self.was.items():
            check_known(owner, "renamed column", name, self.schema, "its schema")
            if former in self.schema:
                raise DeclarationError(
                    f"{owner}: `{name}` was `{former}`, which is a column still; take one of them out"
                )
        check_distinct(owner, "former names", list(self.was.values()))

    def _check_time(self, owner: str, what: str, name: str) -> None:
        check_known(owner, what, name, self.schema, "its schema")
        if self.schema[name] is not Type.TIMESTAMP:
            raise DeclarationError(f"{owner}: {what} `{name}` is {self.schema[name].value}, not timestamp")

    @property
    def row_checks(self) -> tuple[RowCheck, ...]:
        """The checks of rows."""
        return tuple(each for each in map(as_check, self.checks) if isinstance(each, RowCheck))

    @property
    def upload_checks(self) -> tuple[UploadCheck, ...]:
        """The checks of an upload's accepted rows together."""
        return tuple(each for each in map(as_check, self.checks) if isinstance(each, UploadCheck))

    @property
    def required(self) -> tuple[str, ...]:
        """The columns in which a row may have no null: its key, its timestamp, and when it was known."""
        known = [self.known] if isinstance(self.known, str) else []
        return tuple(dict.fromkeys([*self.key, self.timestamp, *known]))

    @property
    def known_expression(self) -> Expr:
        """When a row is known, as an expression over the source's columns."""
        if self.known is None or isinstance(self.known, str):
            return col(self.known or self.timestamp)
        return self.known.expression(self.timestamp)

    def known_times(self, rows: Columns) -> Column:
        """Return when each row is known, as a timestamp column."""
        return evaluate(self.known_expression, rows)

    def known_at(self, timestamps: Array) -> Array:
        """Return when rows with these timestamps are known, by the source's rule.

        Parameters
        ----------
        timestamps
            Shape (n_rows,), datetime64.

        Returns
        -------
        Array
            Shape (n_rows,), datetime64[us].

        Raises
        ------
        DeclarationError
            If the source has a column for it, which the timestamps alone do not tell.
        """
        if isinstance(self.known, str):
            raise DeclarationError(
                f"source `{self.name}`: known is the column `{self.known}`; use known_times(rows)"
            )
        rows = {self.timestamp: from_array(Type.TIMESTAMP, timestamps)}
        return self.known_times(rows).values


@dataclass(frozen=True)
class Entity:
    """What features are about: a name and its join keys.

    Attributes
    ----------
    name
        The entity's name.
    keys
        The columns that identify one, in every source and model that speaks of it.
    """

    name: str
    keys: Sequence[str]

    def __post_init__(self) -> None:
        check_name("entity", self.name)
        if isinstance(self.keys, str) or not self.keys:
            raise DeclarationError(f"entity `{self.name}`: keys is {self.keys!r}; give a list of columns")
        check_distinct(f"entity `{self.name}`", "keys", self.keys)


def type_in(expr: Expr, source: Source, owner: str) -> Type:
    """Return an expression's type over a source's columns; DeclarationError if it has none."""
    try:
        return infer_type(expr, source.schema, within=f"source `{source.name}`")
    except ExpressionError as error:
        raise DeclarationError(f"{owner}: {error}") from error
