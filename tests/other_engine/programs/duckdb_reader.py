"""Run by DuckDB's own Python: reads an Iceberg table from S3 at one snapshot, and writes its rows down.

Arguments: the S3 endpoint's host and port, the table's metadata file, the snapshot id, the file for the rows.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import duckdb  # type: ignore[import-not-found]  # in its own environment

EXTENSIONS = ("avro", "httpfs", "iceberg")
CREDENTIALS = "KEY_ID 'test', SECRET 'test', REGION 'us-east-1', URL_STYLE 'path', USE_SSL false"


def extension_file(name: str) -> Path:
    """Return the file of an extension that was installed as a package."""
    found = find_spec(f"duckdb_extension_{name}")
    if found is None or found.origin is None:
        raise LookupError(f"the environment has no package duckdb-extension-{name}")
    [file] = Path(found.origin).parent.glob(f"extensions/v{duckdb.__version__}/*.duckdb_extension")
    return file


def main(endpoint: str, metadata: str, snapshot_id: str, result: str) -> None:
    """Write the rows of a snapshot to a Parquet file."""
    with duckdb.connect() as connection:
        for name in EXTENSIONS:
            connection.load_extension(str(extension_file(name)))
        connection.execute(f"CREATE SECRET (TYPE s3, ENDPOINT '{endpoint}', {CREDENTIALS})")
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.sql(
            "SELECT * FROM iceberg_scan(?, snapshot_from_id => ?::UBIGINT)", params=[metadata, snapshot_id]
        )
        rows.write_parquet(result)


if __name__ == "__main__":
    main(*sys.argv[1:])
