"""What a deployment may choose, and what it is told when it chooses wrongly."""

import pytest

from infra.config import config_from_context, context_file

MODELS = {"churn": {"monitor": "rate(1 day)"}}


def test_the_file_in_the_repository_is_a_valid_configuration() -> None:
    config = config_from_context(context_file())
    assert config.project == "flights"
    assert not config.ephemeral


def test_flags_may_come_as_text_from_the_command_line() -> None:
    config = config_from_context(
        {"tidemill:project": "shop", "tidemill:models": MODELS, "tidemill:tracing": "true"}
    )
    assert config.tracing


def test_a_misspelt_key_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown \['architectur'\].*tidemill:architecture"):
        config_from_context(
            {"tidemill:project": "shop", "tidemill:models": MODELS, "tidemill:architectur": "arm64"}
        )


def test_a_missing_project_is_named() -> None:
    with pytest.raises(ValueError, match=r"missing \['project'\]"):
        config_from_context({"tidemill:models": MODELS})


def test_an_architecture_that_lambda_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="riscv"):
        config_from_context(
            {"tidemill:project": "shop", "tidemill:models": MODELS, "tidemill:architecture": "riscv"}
        )
