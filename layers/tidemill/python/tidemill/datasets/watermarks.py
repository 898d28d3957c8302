"""How far the items of a view have come in the history of its source, and whether that still is its history.

There is one document for each generation of a view's items, written before its first item is. It says which
commits the items may hold; so after a rollback or an expiry anybody can tell whether what they hold is
still part of the history, and whether what comes next can be told from what they have.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from tidemill.datasets.moments import timestamp
from tidemill.datasets.tables import Commit
from tidemill.errors import Conflict, Outdated
from tidemill.features.definitions import ViewDefinition
from tidemill.ports import Documents

_ROLLBACKS = "ROLLBACKS"
_LEFT_FOR = timedelta(days=90)
"""How long the watermark of items that are removed stays, beyond any work on them that may still go on."""


@dataclass(frozen=True)
class Watermark:
    """How far a generation of a view's items has come.

    Attributes
    ----------
    sequence
        Of the last commit that all of its items have taken; 0 if none.
    first
        Of the oldest commit that was kept when it began; the items hold all that this commit did.
    newest
        Of the newest commit whose rows some of its items may hold.
    rollbacks
        How often its source had been rolled back when it began.
    retired_at
        Since when nobody needs it, RFC 3339 in UTC; None while somebody does.
    removal
        ``begun`` while its items are being removed, ``done`` when they have been; None before.
    """

    sequence: int
    first: int = 0
    newest: int = 0
    rollbacks: int = 0
    retired_at: str | None = None
    removal: str | None = None

    @property
    def needs(self) -> int | None:
        """The sequence of the oldest commit that must not expire for its sake; None if none must not."""
        return None if self.retired_at is not None else self.sequence or self.first

    def holds(self, history: Collection[int], rollbacks: int) -> bool:
        """Return whether all that the items may hold is part of the history as it is now.

        Parameters
        ----------
        history
            The sequences of the source's commits.
        rollbacks
            How often the source has been rolled back by now.
        """
        if self.removal is not None or self.rollbacks != rollbacks:
            return False
        return {self.sequence or self.first, max(self.newest, self.sequence)} - {0} <= set(history)


def begin(documents: Documents, items: ViewDefinition, history: Sequence[Commit], rollbacks: int) -> None:
    """Write down that a generation of a view's items is begun, unless somebody else has just begun it.

    Parameters
    ----------
    documents
        The experiments table.
    items
        The view as ``in_generation`` gives it.
    history
        The source's commits, oldest first.
    rollbacks
        How often the source has been rolled back; read before the history.
    """
    sequences = [commit.sequence for commit in history] or [0]
    begun = Watermark(0, sequences[0], sequences[-1], rollbacks)
    try:
        documents.put(*_address(items), asdict(begun), revision=0)
    except Conflict:
        extend(documents, items, begun.newest)


def read_watermark(documents: Documents, items: ViewDefinition) -> Watermark | None:
    """Return how far a generation of a view's items has come, None if it never was begun."""
    stored = documents.get(*_address(items))
    return None if stored is None else Watermark(**stored[0])


def extend(documents: Documents, items: ViewDefinition, newest: int) -> None:
    """Write down that items are needed, and may hold the rows of commits up to one, before they do.

    Raises
    ------
    Outdated
        If the items are being removed.
    """

    def change(mark: Watermark) -> Watermark:
        return replace(mark, newest=max(mark.newest, newest), retired_at=None)

    _change(documents, items, change)


def move_watermark(documents: Documents, items: ViewDefinition, sequence: int) -> None:
    """Move a watermark on, never back; whoever moved it further meanwhile is left alone.

    Raises
    ------
    Outdated
        If the items are being removed.
    """
    _change(documents, items, lambda mark: replace(mark, sequence=max(mark.sequence, sequence)))


def watermarks_of(documents: Documents, source: str) -> dict[str, Watermark]:
    """Return all watermarks of a source's views by what the items lie under, such as ``plane@abc~2``."""
    return {reference: Watermark(**found) for reference, found in documents.query(_partition(source))}


def retire(documents: Documents, source: str, reference: str, at: datetime) -> bool:
    """Write down that nobody needs a generation of items any more; False if somebody works on it."""
    return _put_if_unchanged(
        documents, source, reference, lambda mark: replace(mark, retired_at=timestamp(at))
    )


def need_again(documents: Documents, source: str, reference: str) -> bool:
    """Write down that a retired generation of items is needed; False if somebody works on it."""
    return _put_if_unchanged(documents, source, reference, lambda mark: replace(mark, retired_at=None))


def begin_removal(documents: Documents, source: str, reference: str, at: datetime) -> bool:
    """Write down that a generation's items are being removed; False if it came to be needed again.

    The document stays for a while, so that the generation's number is not given again, and whoever still
    works on its items learns of it.
    """
    return _put_if_unchanged(documents, source, reference, lambda mark: _removed(mark, "begun"), at=at)


def end_removal(documents: Documents, source: str, reference: str, at: datetime) -> bool:
    """Write down that a generation's items have been removed."""
    return _put_if_unchanged(documents, source, reference, lambda mark: _removed(mark, "done"), at=at)


def count_rollback(documents: Documents, source: str) -> int:
    """Write down that a source is about to be rolled back, and return how often that was."""
    return documents.put(_ROLLBACKS, source, {})


def rollbacks_of(documents: Documents, source: str) -> int:
    """Return how often a source has been rolled back."""
    stored = documents.get(_ROLLBACKS, source)
    return 0 if stored is None else stored[1]


def _removed(mark: Watermark, removal: str) -> Watermark | None:
    return None if mark.retired_at is None else replace(mark, removal=removal)


def _put_if_unchanged(
    documents: Documents,
    source: str,
    reference: str,
    change: Callable[[Watermark], Watermark | None],
    *,
    at: datetime | None = None,
) -> bool:
    """Change a watermark in one try, and tell whether that was done; ``at`` lets the document end."""
    stored = documents.get(_partition(source), reference)
    changed = None if stored is None else change(Watermark(**stored[0]))
    if stored is None or changed is None:
        return False
    expires_at = None if at is None else int((at + _LEFT_FOR).timestamp())
    try:
        documents.put(
            _partition(source), reference, asdict(changed), revision=stored[1], expires_at=expires_at
        )
    except Conflict:
        return False
    return True


def _change(documents: Documents, items: ViewDefinition, change: Callable[[Watermark], Watermark]) -> None:
    while True:
        stored = documents.get(*_address(items))
        mark = None if stored is None else Watermark(**stored[0])
        if stored is None or mark is None or mark.removal is not None:
            raise Outdated(
                f"the items of view `{items.reference}` are no longer kept; "
                f"`tidemill features backfill {items.name}` fills the view anew"
            )
        changed = change(mark)
        if changed == mark:
            return
        try:
            documents.put(*_address(items), asdict(changed), revision=stored[1])
        except Conflict:
            continue
        return


def _partition(source: str) -> str:
    return f"WATERMARK#{source}"


def _address(items: ViewDefinition) -> tuple[str, str]:
    return _partition(items.source), items.reference
