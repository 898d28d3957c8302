"""What several parts' tests share: AWS in this process, on a free port."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import settings
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from emulator import aws, catalog
from emulator.events.hooks import Hooks
from emulator.server import Server
from tests.features.depth import DEEP, TRIED
from tidemill.aws import clients

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure of what is tested
settings.register_profile(DEEP, deadline=None, max_examples=2_000)
settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Look for no garbage while everything is imported: there is none."""
    gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the deployed system: its tests wait for it, and others run meanwhile.

    Those of it come together, in the order of their files: with `--dist worksteal` the first process
    has them at the head of its work, and what others take off it is taken from the end.
    """
    items.sort(key=lambda item: item.get_closest_marker("end_to_end") is None)


def pytest_collection_finish() -> None:
    """Let later looks for garbage pass over what was imported, as it stays."""
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the deep profile's suites came to."""
    if settings.get_current_profile_name() == DEEP:
        for what, times in sorted(TRIED.items()):
            terminalreporter.write_line(f"{times:,} {what}")


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    """Run moto behind the local cloud's server, in threads of this process, and point boto3 at it."""
    hooks = Hooks()
    aws.quicken(hooks)
    catalog.install(hooks)
    server = Server(DomainDispatcherApplication(create_backend_app), port=0)
    server.start()
    endpoint = f"http://127.0.0.1:{server.port}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        clients.client.cache_clear()
        yield endpoint
        clients.client.cache_clear()
    hooks.remove()
    server.stop()
