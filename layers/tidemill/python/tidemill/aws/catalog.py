"""The Glue Data Catalog as PyIceberg knows it, with commits that cost the same however many came before.

PyIceberg reads, checks, copies and writes the whole of a table's metadata several times a commit, and so
pays for every snapshot each time. What is changed here is only how often: a metadata file, which never
changes, is read once in a process; its history is shared by copies of it; and a new one is compressed from
where the one before ended. ``docs/adr/0008-commits-that-cost-the-same.md`` has the figures.
"""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

from pyiceberg.catalog import METADATA_LOCATION
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.io import FileIO
from pyiceberg.table import StagedTable, Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import TableRequirement, TableUpdate
from pyiceberg.typedef import Identifier

from tidemill.aws.metadata import GZIPPED_ENDING, MetadataFiles, content_of, with_shared_history

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_glue.type_defs import TableTypeDef

Value = TypeVar("Value")

COMPRESSION_PROPERTY = "write.metadata.compression-codec"
"""Iceberg's own property; a table that says ``gzip`` has its metadata compressed."""
_PLAIN_ENDING = ".metadata.json"
_KEPT = 16
"""Of how many tables, and versions of them, metadata is kept; versions of one share their history."""


class SteadyGlueCatalog(GlueCatalog):
    """A Glue catalog whose commits cost what they change.

    Parameters
    ----------
    name
        What PyIceberg calls it.
    glue
        The boto3 client.
    file_io
        The path of the class that reads and writes files.
    """

    def __init__(self, name: str, *, glue: "GlueClient", file_io: str) -> None:
        super().__init__(name, client=glue, **{"py-io-impl": file_io})
        self._metadata: _Recent[TableMetadata] = _Recent(_KEPT)
        self._files: _Recent[MetadataFiles] = _Recent(_KEPT)
        self._lock = threading.Lock()

    def _convert_glue_to_iceberg(self, glue_table: "TableTypeDef") -> Table:
        """Return a table; its metadata file is read if this process has neither read nor written it."""
        location = glue_table.get("Parameters", {}).get(METADATA_LOCATION, "")
        metadata = self._metadata.get(location)
        if metadata is None and location.endswith(GZIPPED_ENDING):
            metadata = self._read_metadata(location)
        if metadata is None:
            return super()._convert_glue_to_iceberg(glue_table)
        self._metadata.put(location, metadata)
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
            staged.metadata_location = (
                f"{staged.metadata_location.removesuffix(_PLAIN_ENDING)}{GZIPPED_ENDING}"
            )
        return staged

    def _write_metadata(self, metadata: TableMetadata, io: FileIO, metadata_path: str) -> None:  # type: ignore[override]  # a static method of PyIceberg's, which calls it on its instance
        """Write a metadata file, and keep what it says: a commit is usually followed by another."""
        if not metadata_path.endswith(GZIPPED_ENDING):
            super()._write_metadata(metadata, io, metadata_path)
            return
        with self._lock:
            data = self._files_of(metadata.table_uuid).written(metadata)
        with io.new_output(metadata_path).create() as file:
            file.write(data)
        self._metadata.put(metadata_path, with_shared_history(metadata))

    def _is_s3tables_database(self, database_name: str) -> bool:
        """Return that a database is none of S3 Tables': ours never is, and a commit need not ask."""
        del database_name
        return False

    def _read_metadata(self, location: str) -> TableMetadata:
        with self._load_file_io(location=location).new_input(location).open() as file:
            content = content_of(file.read(), location)
        with self._lock:
            return with_shared_history(self._files_of(content["table-uuid"]).read(content))

    def _files_of(self, table_uuid: object) -> MetadataFiles:
        found = self._files.get(str(table_uuid)) or MetadataFiles()
        self._files.put(str(table_uuid), found)
        return found


class _Recent(Generic[Value]):
    """A few things, those that were put last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> Value | None:
        return self._kept.get(name)

    def put(self, name: str, value: Value) -> None:
        with self._lock:
            self._kept[name] = value
            self._kept.move_to_end(name)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
