"""The list of what a definition may say is the one in the manual, and holds no more than runs."""

from pathlib import Path

from emulator.states.support import as_markdown, sdk_operations

DOCUMENT = Path(__file__).parents[3] / "docs" / "emulator.md"


def test_the_documented_list_is_the_generated_one() -> None:
    assert as_markdown() in DOCUMENT.read_text(), "run `python -m emulator coverage --write docs/emulator.md`"


def test_sdk_calls_are_those_a_service_model_has_and_moto_answers() -> None:
    assert {"getObject", "listObjectsV2"} <= sdk_operations("s3")
    assert "startExecution" in sdk_operations("sfn")
    assert "startSyncExecution" not in sdk_operations("sfn")
    assert not sdk_operations("nonsense")
