"""A PyIceberg transaction whose cost does not grow with a table's history."""

from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import MAIN_BRANCH
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update import TableUpdate, update_table_metadata
from pyiceberg.typedef import EMPTY_DICT

from tidemill.aws.manifests import SteadyAppend


class SteadyTransaction(Transaction):
    """A transaction on the current snapshot, which works its metadata out once for each change.

    PyIceberg's own copies the metadata, with every snapshot in it, some twenty times a commit; at a
    thousand snapshots that is a second. What is staged here never looks at another snapshot than the
    current one; the catalog applies it to the whole of the metadata, once.
    """

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        current = table.current_snapshot()
        without_history = {"snapshots": [current] if current else [], "snapshot_log": [], "metadata_log": []}
        self._base = table.metadata.model_copy(update=without_history)
        self._worked_out: tuple[tuple[TableUpdate, ...], TableMetadata] = ((), self._base)

    @property
    def table_metadata(self) -> TableMetadata:
        """The table's metadata with the changes staged so far, and no history; not to be changed."""
        updates, metadata = self._worked_out
        if updates is not self._updates:
            metadata = update_table_metadata(self._base, self._updates)
            self._worked_out = (self._updates, metadata)
        return metadata

    def _append_snapshot_producer(
        self, snapshot_properties: dict[str, str] = EMPTY_DICT, branch: str | None = MAIN_BRANCH
    ) -> SteadyAppend:
        return SteadyAppend(
            operation=Operation.APPEND,
            transaction=self,
            io=self._table.io,
            branch=branch,
            snapshot_properties=snapshot_properties,
        )
