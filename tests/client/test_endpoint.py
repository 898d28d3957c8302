"""Commands find the cloud that is meant, and never a dead one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tidemill.client.endpoint import (
    LocalCloud,
    endpoint_of,
    find_endpoint,
    find_local_cloud,
    forget_local_cloud,
)


@pytest.fixture
def running(tmp_path: Path) -> LocalCloud:
    """Leave word of a local cloud whose process, this one, lives."""
    cloud = LocalCloud(pid=os.getpid(), port=4599)
    cloud.save(tmp_path)
    return cloud


def test_a_running_local_cloud_is_found_when_nothing_is_said(tmp_path: Path, running: LocalCloud) -> None:
    """`tidemill up` in one terminal is enough for commands in another."""
    endpoint = find_endpoint(tmp_path, {})
    assert endpoint.url == running.endpoint == "http://localhost:4599"
    credentials = endpoint.session.get_credentials()
    assert credentials is not None
    assert endpoint.session.region_name == "us-east-1"


def test_what_the_environment_says_goes_before_a_running_local_cloud(
    tmp_path: Path, running: LocalCloud
) -> None:
    """AWS_ENDPOINT_URL names another cloud; other AWS settings mean AWS itself."""
    del running
    assert find_endpoint(tmp_path, {"AWS_ENDPOINT_URL": "http://localhost:1"}).url == "http://localhost:1"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        assert find_endpoint(tmp_path, {name: "x"}).url is None


def test_a_region_that_was_set_is_kept(tmp_path: Path, running: LocalCloud) -> None:
    """Only what is missing is filled in."""
    del running
    endpoint = find_endpoint(tmp_path, {"AWS_REGION": "eu-west-1"})
    assert endpoint.session.region_name == "eu-west-1"


def test_the_word_of_a_dead_process_is_no_cloud(tmp_path: Path) -> None:
    """A machine that was switched off leaves a file and no cloud."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    LocalCloud(pid=ended.pid, port=4599).save(tmp_path)
    assert find_local_cloud(tmp_path) is None
    assert find_endpoint(tmp_path, {}).url is None


def test_a_process_that_was_given_an_ended_clouds_id_is_no_cloud(tmp_path: Path) -> None:
    """Word that is older than the process of its id is about another process."""
    LocalCloud(pid=os.getpid(), port=4599).save(tmp_path)
    os.utime(tmp_path / "local.json", (0, 0))
    assert find_local_cloud(tmp_path) is None


def test_a_cloud_forgets_only_itself(tmp_path: Path, running: LocalCloud) -> None:
    """One that ends late does not remove the word of the one that followed it."""
    forget_local_cloud(tmp_path, running.pid + 1)
    assert find_local_cloud(tmp_path) == running
    forget_local_cloud(tmp_path, running.pid)
    assert find_local_cloud(tmp_path) is None


def test_files_are_read_where_calls_are_made(running: LocalCloud) -> None:
    """Iceberg's own S3 client is told of the local cloud too."""
    properties = endpoint_of(running).file_properties()
    assert properties["s3.endpoint"] == running.endpoint
    assert properties["s3.access-key-id"] == "test"


def test_a_cloud_is_named_by_what_is_known_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message does not tell of a region that nobody set."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert find_endpoint(tmp_path, {}).name == "AWS, where no region is set"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert find_endpoint(tmp_path, {}).name == "AWS in eu-west-1"
    assert find_endpoint(tmp_path, {"AWS_ENDPOINT_URL": "http://localhost:1"}).name == "http://localhost:1"
