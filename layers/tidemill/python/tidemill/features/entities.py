"""Entities as small integers, and rows from oldest to newest."""

from collections.abc import Callable, Sequence

import numpy as np

from tidemill.errors import ExpressionError, did_you_mean
from tidemill.expressions import Column, Columns, DictionaryColumn, Type
from tidemill.features.definitions import Events, Ints, Mask, ViewDefinition, microseconds


def encode_entities(view: ViewDefinition, events: Events, asked: Columns) -> tuple[Ints, Ints]:
    """Give each entity of a view's rows a number, and look the asked ones up.

    Parameters
    ----------
    view
        The view, whose keys tell entities apart.
    events
        The view's rows.
    asked
        Columns that hold the keys, of n rows.

    Returns
    -------
    tuple of Ints
        The code of each event, 0 or more; the code of each asked row, -1 where no event has that
        entity or a key is null.
    """
    columns = iter(key_columns(view, asked).items())
    name, column = next(columns)
    rows, found, _ = _encode(events.columns[name], column)
    for name, column in columns:
        row_codes, asked_codes, n_codes = _encode(events.columns[name], column)
        rows, found = _combine(rows * n_codes + row_codes, found, asked_codes, n_codes)
    return rows, found


def key_columns(view: ViewDefinition, columns: Columns) -> dict[str, Column]:
    """Take a view's key columns; ExpressionError if one is missing or of another type."""
    for name, type_ in view.keys:
        if name not in columns:
            known = did_you_mean(name, columns)
            raise ExpressionError(f"view `{view.name}` needs the key column `{name}`{known}")
        if columns[name].type is not type_:
            found = columns[name].type.value
            raise ExpressionError(
                f"view `{view.name}`: key `{name}` is {type_.value}, but the column is {found}"
            )
    return {name: columns[name] for name, _ in view.keys}


def _encode(rows: Column, asked: Column) -> tuple[Ints, Ints, int]:
    """Give each value of one key column a number; ``rows`` holds no null."""
    if rows.type is Type.STRING:
        return _encode_words(_by_dictionary(rows), _by_dictionary(asked))
    numbers, wanted = _integers(rows), _integers(asked)
    low, high = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, -1)
    if high - low <= 2 * len(numbers) + 1024:
        inside = asked.valid & (wanted >= low) & (wanted <= high)
        codes = numbers - low if low else numbers  # no copy of what begins at 0 already
        return codes, np.where(inside, wanted - low, -1), max(high - low + 1, 1)
    known, row_codes = np.unique(numbers, return_inverse=True)
    return row_codes, _places(known, wanted, asked.valid), len(known)


def number_values(column: Column) -> tuple[Ints, int]:
    """Give each different value of a column a number, 0 or more; what a null is given says nothing.

    Returns
    -------
    tuple
        The numbers, shape (n_rows,), and one more than the greatest may be.

    Examples
    --------
    >>> from tidemill.expressions.columns import column
    >>> number_values(column(Type.FLOAT, [0.5, 2.5, 0.5]))
    (array([0, 1, 0]), 2)
    """
    if column.type is Type.FLOAT:
        column = Column(Type.INT, column.values.view(np.int64), column.valid)
    numbers, _, n_numbers = _encode(column, column.take(np.arange(0)))
    return numbers, n_numbers


def _integers(column: Column) -> Ints:
    """Return ints, bools or timestamps as integers."""
    if column.type is Type.TIMESTAMP:
        return microseconds(column.values)
    return column.values.astype(np.int64, copy=False)


def _by_dictionary(column: Column) -> DictionaryColumn:
    """Return strings by their dictionary, which is made where they came without one."""
    if isinstance(column, DictionaryColumn):
        return column
    words = column.values.tolist()
    index = {word: code for code, word in enumerate(dict.fromkeys(words))}
    codes = np.fromiter(map(index.__getitem__, words), dtype=np.int64, count=len(words))
    return DictionaryColumn(np.array(list(index), dtype=object), codes, column.valid)


def _encode_words(rows: DictionaryColumn, asked: DictionaryColumn) -> tuple[Ints, Ints, int]:
    words = rows.words.tolist()
    index = {word: code for code, word in enumerate(words)}
    row_codes = rows.codes.astype(np.int64, copy=False)
    if len(index) < len(words):  # one stands there twice
        row_codes = np.array([index[word] for word in words])[rows.codes]
    found = np.array([index.get(word, -1) for word in asked.words.tolist()], dtype=np.int64)[asked.codes]
    found[~asked.valid] = -1
    return row_codes, found, max(len(words), 1)


def _places(known: Ints, wanted: Ints, there: Mask) -> Ints:
    """Return where numbers stand among sorted ones, -1 where they do not."""
    if len(known) == 0:
        return np.full(len(wanted), -1)
    places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(there & (known[places] == wanted), places, -1)


def _combine(rows: Ints, found: Ints, asked_codes: Ints, n_codes: int) -> tuple[Ints, Ints]:
    """Look up pairs of a code met so far and a code of one more key; numbers lie close together again."""
    pairs, numbered = np.unique(rows, return_inverse=True)
    there = (found >= 0) & (asked_codes >= 0)
    return numbered, _places(pairs, found * n_codes + asked_codes, there)


def newest_order(codes: Ints, events: Events, values: Sequence[Column]) -> Ints:
    """Return the rows by entity, and within it from oldest to newest, as ``settle_ties`` has it."""
    order = np.lexsort((events.happened, codes))
    ties = find_ties(codes[order], events.happened[order])
    return settle_ties(order, ties, events.known, lambda rows: [value.take(rows) for value in values])


def find_ties(codes: Ints, happened: Ints) -> Ints:
    """Give each group of rows that share entity and timestamp a number; a row that shares with none has 0.

    Parameters
    ----------
    codes, happened
        Entities and timestamps of rows that are sorted by both, shape (n,) each.

    Examples
    --------
    >>> find_ties(np.array([0, 0, 1, 1, 1]), np.array([5, 7, 7, 8, 8]))
    array([0, 0, 0, 1, 1])
    """
    same = np.zeros(len(codes) + 1, dtype=np.bool_)
    same[1:-1] = (codes[1:] == codes[:-1]) & (happened[1:] == happened[:-1])
    if not same.any():
        return np.zeros(len(codes), dtype=np.int64)
    first = same[1:] & ~same[:-1]
    return np.where(same[1:] | same[:-1], np.cumsum(first), 0)


def settle_ties(order: Ints, ties: Ints, known: Ints, values_of: Callable[[Ints], Sequence[Column]]) -> Ints:
    """Order rows from oldest to newest that are sorted by entity and timestamp already.

    Newer is what happened later; then what was known later; then, so that no order of rows in a file
    matters, what has the greater values (a null is least).

    Parameters
    ----------
    order
        Positions of rows, sorted by entity and timestamp.
    ties
        The groups among them, as ``find_ties`` numbers them.
    known
        When each row was known, by position.
    values_of
        Gives what is taken of the rows at some positions.

    Returns
    -------
    Ints
        The positions, with rows of one entity and timestamp put in order.
    """
    tied = np.flatnonzero(ties)
    if len(tied) == 0:
        return order
    rows = order[tied]
    keys = [_sortable(value) for value in reversed(values_of(rows))]
    settled = order.copy()
    settled[tied] = rows[np.lexsort((*keys, known[rows], ties[tied]))]
    return settled


def _sortable(column: Column) -> Ints:
    """Return integers in the order of a column's values, nulls first."""
    values = microseconds(column.filled()) if column.type is Type.TIMESTAMP else column.filled()
    codes = np.unique(values, return_inverse=True)[1].astype(np.int64)
    return np.where(column.valid, codes + 1, 0)
