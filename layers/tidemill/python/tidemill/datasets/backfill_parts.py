"""How the work of a backfill is cut: chunks of commits in their order, each by parts of the entities.

A step of a backfill fills one part of one chunk. It goes through all rows of the chunk and keeps those of
its part, and it writes at most an item for each of those; so parts are cut by rows, which commits know, and
a step ends in its time whatever a commit's size, and however few rows the entities have. The parts of a
chunk are filled side by side, and chunks one after the other.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tidemill.datasets.evolution import as_defined
from tidemill.datasets.hashes import hash_rows
from tidemill.datasets.tables import Commit
from tidemill.datasets.uploads import rows_of
from tidemill.features.definitions import ViewDefinition
from tidemill.ports import Documents

CHUNK_COMMITS = 100
"""The commits of a chunk, so that each part opens a few hundred files at most."""
PARTS_AT_MOST = 500
"""The parts that a history is cut into, all chunks together: each goes through all rows of its chunk."""
_CHUNK = "chunk/"


class Sizes(NamedTuple):
    """How much there is to do in one step, at the least.

    Attributes
    ----------
    chunk_rows
        The rows that each part of a chunk goes through, unless a single commit has more: a million are
        read in a second or two.
    part_rows
        The rows that a step takes. Four steps at once write 450 items a second together on a local cloud and
        some 10,000 on AWS: 50,000 take half of the quarter of an hour that there is, or 20 seconds.
    """

    chunk_rows: int = 1_000_000
    part_rows: int = 50_000

    def of_history(self, rows: int) -> "Sizes":
        """Return sizes of which there are not too many in a history of some rows.

        Examples
        --------
        >>> Sizes().of_history(57_000_000)
        Sizes(chunk_rows=1000000, part_rows=114000)
        """
        return Sizes(
            max(self.chunk_rows, rows // (PARTS_AT_MOST // 4)), max(self.part_rows, rows // PARTS_AT_MOST)
        )


SIZES = Sizes()


class Chunk(NamedTuple):
    """The commits after one sequence, up to another, and the number of parts they are filled by."""

    after: int
    until: int
    of: int


def chunks_of(missing: Sequence[Commit], reached: int, sizes: Sizes) -> Iterator[Chunk]:
    """Cut commits into chunks.

    Parameters
    ----------
    missing
        The commits, oldest first.
    reached
        The sequence that items have come to before them.
    sizes
        Of chunks and parts.
    """
    sizes = sizes.of_history(sum(map(rows_of, missing)))
    after, until, rows, commits = reached, reached, 0, 0
    for commit in missing:
        more = rows_of(commit)
        if commits and (rows + more > sizes.chunk_rows or commits == CHUNK_COMMITS):
            yield Chunk(after, until, _parts(rows, sizes))
            after, rows, commits = until, 0, 0
        until, rows, commits = commit.sequence, rows + more, commits + 1
    if commits:
        yield Chunk(after, until, _parts(rows, sizes))


def rows_of_part(rows: pa.Table, view: ViewDefinition, part: int, of: int) -> pa.Table:
    """Return the rows whose entities are of a part.

    Parameters
    ----------
    rows
        Rows of the view's source, with its keys among their columns.
    view
        The view.
    part, of
        The part, counted from 0, and how many there are.
    """
    if of == 1:
        return rows
    keys = as_defined(rows, dict(view.keys))  # a key that is widened meanwhile stays of its part
    hashes = hash_rows([keys.column(name).combine_chunks() for name, _ in view.keys])
    return rows.take(pa.array(np.flatnonzero(hashes % np.uint64(of) == part)))


def filled_to(documents: Documents, items: ViewDefinition, reached: int) -> int:
    """Return how far chunks are filled that follow each other from a sequence on, every part of each."""
    done: dict[Chunk, int] = {}
    for sort, _ in documents.query(_partition(items.reference), _CHUNK):
        after, until, _, of = map(int, sort.removeprefix(_CHUNK).split("/"))
        chunk = Chunk(after, until, of)
        done[chunk] = done.get(chunk, 0) + 1
    return _follow(reached, [chunk for chunk, parts in done.items() if parts == chunk.of])


def is_filled(documents: Documents, items: ViewDefinition, chunk: Chunk, part: int) -> bool:
    """Return whether a part of a chunk has been filled."""
    return documents.get(_partition(items.reference), _sort(chunk, part)) is not None


def note_filled(documents: Documents, items: ViewDefinition, chunk: Chunk, part: int) -> None:
    """Write down that a part of a chunk has been filled."""
    documents.put(_partition(items.reference), _sort(chunk, part), {})


def forget_progress(documents: Documents, reference: str) -> None:
    """Forget how far a generation of a view's items was filled."""
    for sort, _ in documents.query(_partition(reference)):
        documents.delete(_partition(reference), sort)


def _parts(rows: int, sizes: Sizes) -> int:
    return max(1, -(-rows // sizes.part_rows))


def _follow(reached: int, chunks: Collection[Chunk]) -> int:
    for chunk in sorted(chunks):
        if chunk.after <= reached < chunk.until:
            reached = chunk.until
    return reached


def _partition(reference: str) -> str:
    return f"BACKFILL#{reference}"


def _sort(chunk: Chunk, part: int) -> str:
    return f"{_CHUNK}{chunk.after}/{chunk.until}/{part}/{chunk.of}"
