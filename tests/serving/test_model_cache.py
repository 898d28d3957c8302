"""A promotion takes effect within 30 seconds, a package is read once, and a damaged copy is no harm."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.serving.served import AT, Served, package_files, row
from tidemill.errors import Corrupt, NotFound

NOW = datetime.fromisoformat(AT)


def after(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat()


def served_version(served: Served, seconds: float) -> int:
    status, answer = served.predict(row(), at=after(seconds))
    assert status == 200
    return int(answer["version"])


def test_a_promotion_and_a_rollback_take_effect_within_thirty_seconds(served: Served) -> None:
    assert served_version(served, 0) == 1
    served.promote(served.register(package_files(weight=-1.0)))
    assert served_version(served, 29) == 1
    assert served_version(served, 30) == 2
    served.promote(1)
    assert served_version(served, 60) == 1


def test_time_that_steps_back_asks_the_registry_again(served: Served) -> None:
    assert served_version(served, 1000) == 1
    served.promote(served.register(package_files(weight=-1.0)))
    assert served_version(served, 0) == 2


def test_a_package_is_read_from_the_bucket_once(served: Served) -> None:
    served.models.champion("late_arrival", NOW)
    for key in [info.key for info in served.blobs.list("packages/")]:
        served.blobs.put(key, b"gone bad since")
    again = served.restarted()
    assert again.models.champion("late_arrival", NOW).version == 1


def test_a_damaged_copy_on_disk_is_read_again_from_the_bucket(served: Served) -> None:
    served.models.champion("late_arrival", NOW)
    for path in served.folder.rglob("model.onnx"):
        path.write_bytes(b"half a mod")
    assert served_version(served.restarted(), 0) == 1


def test_a_damaged_package_is_never_served(served: Served) -> None:
    for key in [info.key for info in served.blobs.list("packages/")]:
        if key.endswith("model.onnx"):
            served.blobs.put(key, b"somebody else's model")
    with pytest.raises(Corrupt, match=r"model\.onnx"):
        served.models.champion("late_arrival", NOW)
    assert served.predict(row())[0] == 503


def test_a_disk_that_takes_nothing_costs_no_prediction(served: Served, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    models = type(served.models)(served.documents, served.blobs, blocked)
    assert models.champion("late_arrival", NOW).version == 1


def test_a_model_without_champion_says_how_to_get_one(tmp_path: Path, files: dict[str, bytes]) -> None:
    served = Served.make(tmp_path)
    served.register(files)
    with pytest.raises(
        NotFound, match="has no champion; `tidemill models promote late_arrival@VERSION` makes one"
    ):
        served.models.champion("late_arrival", NOW)


def test_many_models_do_not_fill_the_memory(served: Served) -> None:
    versions = [served.register(package_files(weight=weight / 10)) for weight in range(-12, 0)]
    for version in versions:
        assert served.models.version("late_arrival", version).version == version
    assert served.models.version("late_arrival", versions[0]).version == versions[0]
