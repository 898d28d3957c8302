"""The stacks know a project by name only; here its names are compared with what it declares."""

from infra.config import config_from_context, context_file
from tidemill import load_project

SCHEDULES = {86_400: "cron(0 2 * * ? *)", 3600: "cron(0 * * * ? *)"}


def test_the_deployed_models_are_the_declared_ones_watched_as_often_as_declared() -> None:
    config = config_from_context(context_file())
    declared = {
        model.name: SCHEDULES[model.monitor.every_seconds] for model in load_project(config.project).models
    }
    assert {model.name: model.schedule for model in config.models} == declared
