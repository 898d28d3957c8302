"""Commits to a table, one after another, as a warm function makes them; prints the milliseconds of each."""

import json
import sys
import time

import pyarrow as pa

from tidemill.aws.clients import client
from tidemill.aws.tables import IcebergTables, glue_catalog

COLUMNS = 20
ROWS = 1000
_SAID = {f"tidemill.{name}": "x" * 40 for name in ("bucket", "key", "version", "digest", "at", "rows")}
"""What a commit says of its upload is part of every snapshot's size."""


def main(bucket: str, database: str, first: int, end: int) -> None:
    """Make the commits from number ``first`` to before ``end``."""
    schema = pa.schema([(f"c{number}", pa.float64()) for number in range(COLUMNS)])
    tables = IcebergTables(glue_catalog(), database=database, warehouse=f"s3://{bucket}/{database}")
    if first == 0:
        client("glue").create_database(DatabaseInput={"Name": database})
    tables.ensure("events", schema)
    rows = pa.RecordBatch.from_pydict({name: [1.0] * ROWS for name in schema.names}, schema)
    took_ms = []
    for number in range(first, end):
        began = time.perf_counter()
        tables.append("events", iter([rows]), _SAID, ids=[f"{number:064d}"])
        took_ms.append(1000 * (time.perf_counter() - began))
    sys.stdout.write(json.dumps(took_ms))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
