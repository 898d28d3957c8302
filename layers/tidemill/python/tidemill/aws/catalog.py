"""The Glue Data Catalog as PyIceberg knows it, with commits that cost the same however many came before.

PyIceberg reads, checks, copies and writes the whole of a table's metadata several times a commit, and so
pays for every snapshot each time. What is changed here is only how often: a metadata file, which never
changes, is read once in a process; its history is shared by copies of it; and a new one is compressed from
where the one before ended. ``docs/adr/0008-commits-that-cost-the-same.md`` has the figures.
"""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from pyiceberg.catalog import METADATA_LOCATION
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.io import FileIO
from pyiceberg.table import StagedTable, Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import TableRequirement, TableUpdate
from pyiceberg.typedef import Identifier

from tidemill.aws.metadata import MetadataStream, with_shared_history

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_glue.type_defs import TableTypeDef

COMPRESSION_PROPERTY = "write.metadata.compression-codec"
"""Iceberg's own property; a table that says ``gzip`` has its metadata compressed."""
_ENDING, _GZIPPED_ENDING = ".metadata.json", ".gz.metadata.json"
_KEPT = 16
"""Metadata that is kept, of as many tables as are usually in use; versions of one share their history."""


class SteadyGlueCatalog(GlueCatalog):
    """A Glue catalog whose commits cost what they change."""

    def __init__(self, name: str, *, glue: "GlueClient", file_io: str) -> None:
        """Use a boto3 client, and a class named by its path for the files."""
        super().__init__(name, client=glue, **{"py-io-impl": file_io})
        self._kept: OrderedDict[str, TableMetadata] = OrderedDict()
        self._streams: OrderedDict[str, MetadataStream] = OrderedDict()
        self._lock = threading.Lock()

    def _convert_glue_to_iceberg(self, glue_table: "TableTypeDef") -> Table:
        """Return a table; its metadata file is read if this process has neither read nor written it."""
        location = glue_table.get("Parameters", {}).get(METADATA_LOCATION, "")
        metadata = self._kept.get(location)
        if metadata is None:
            table = super()._convert_glue_to_iceberg(glue_table)
            table.metadata = self._keep(location, table.metadata)
            return table
        return Table(
            identifier=(glue_table["DatabaseName"], glue_table["Name"]),
            metadata=metadata,
            metadata_location=location,
            io=self._load_file_io(metadata.properties, location),
            catalog=self,
        )

    def _update_and_stage_table(
        self,
        current_table: Table | None,
        table_identifier: Identifier,
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
    ) -> StagedTable:
        """Return the table with its updates; where its metadata will lie tells whether it is compressed."""
        staged = super()._update_and_stage_table(current_table, table_identifier, requirements, updates)
        if staged.metadata.properties.get(COMPRESSION_PROPERTY) == "gzip":
            staged.metadata_location = f"{staged.metadata_location.removesuffix(_ENDING)}{_GZIPPED_ENDING}"
        return staged

    def _write_metadata(self, metadata: TableMetadata, io: FileIO, metadata_path: str) -> None:  # type: ignore[override]  # a static method of PyIceberg's, which calls it on its instance
        """Write a metadata file, and keep what it says: a commit is usually followed by another."""
        if metadata_path.endswith(_GZIPPED_ENDING) and metadata.format_version > 1:
            with self._lock:
                data = self._stream_of(metadata).file_of(metadata)
            with io.new_output(metadata_path).create() as file:
                file.write(data)
        else:
            super()._write_metadata(metadata, io, metadata_path)
        self._keep(metadata_path, metadata)

    def _is_s3tables_database(self, database_name: str) -> bool:
        """Return that a database is none of S3 Tables': ours never is, and a commit need not ask."""
        del database_name
        return False

    def _keep(self, location: str, metadata: TableMetadata) -> TableMetadata:
        with self._lock:
            self._kept[location] = with_shared_history(metadata)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[location]

    def _stream_of(self, metadata: TableMetadata) -> MetadataStream:
        table = str(metadata.table_uuid)
        stream = self._streams.pop(table, None) or MetadataStream()
        self._streams[table] = stream
        while len(self._streams) > _KEPT:
            self._streams.popitem(last=False)
        return stream
