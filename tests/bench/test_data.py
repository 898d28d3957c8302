"""The file that is brought in is the same on every machine, and both ways to bring it in read it alike."""

from pathlib import Path

import pyarrow.csv
import pytest

from bench.data import files
from bench.data.programs.with_tidemill import FLIGHTS
from tidemill.datasets.formats import read_batches


def test_the_file_is_large_enough_and_has_the_declared_columns_in_their_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "DIRECTORY", tmp_path)
    monkeypatch.setattr(files, "_BLOCK_ROWS", 100)
    made = files.make_file(20_000)
    assert 20_000 <= made.stat().st_size < 40_000
    with made.open("rb") as stream:
        ours = sum(batch.num_rows for batch in read_batches(stream, name=made.name, schema=FLIGHTS.schema))
    assert ours == pyarrow.csv.read_csv(made).num_rows
