"""Arrow alone: reads the CSV file from S3 in batches, and writes each as it comes to a Parquet file there.

The object comes by one GetObject and is read as it arrives, as in our way.
"""

import os

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from pyarrow.fs import S3FileSystem

from bench.data.programs.timed import main
from tidemill.aws.clients import client

_BLOCK_BYTES = 16 * 1024 * 1024


def bring_in(bucket: str, key: str, name: str) -> int:
    """Write the object's rows to a Parquet file; return their number."""
    s3 = S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"])
    rows = 0
    with (
        client("s3").get_object(Bucket=bucket, Key=key)["Body"] as stream,
        pa.csv.open_csv(stream, pa.csv.ReadOptions(block_size=_BLOCK_BYTES)) as batches,
        pq.ParquetWriter(
            f"{bucket}/{name}.parquet", batches.schema, filesystem=s3, compression="zstd"
        ) as writer,
    ):
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


if __name__ == "__main__":
    main(bring_in)
