"""S3's answers are named as AWS names them."""

import pyarrow.fs

from emulator.cloud import Cloud


def test_a_reader_as_strict_as_arrow_writes_and_lists_objects(cloud: Cloud) -> None:
    cloud.client("s3").create_bucket(Bucket="strict")
    files = pyarrow.fs.S3FileSystem(
        access_key="test",
        secret_key="test",
        region="us-east-1",
        scheme="http",
        endpoint_override=cloud.endpoint.removeprefix("http://"),
    )
    with files.open_output_stream("strict/a/b") as file:
        file.write(b"words")
    with files.open_input_stream("strict/a/b") as file:
        assert file.read() == b"words"
    found = files.get_file_info(pyarrow.fs.FileSelector("strict", recursive=True))
    assert {info.path for info in found} == {"strict/a", "strict/a/b"}
    files.delete_dir("strict/a")
