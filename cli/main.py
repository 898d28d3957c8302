"""The `tidemill` command."""

import click

from cli.commands.data import data, upload
from cli.commands.demo import demo
from cli.commands.features import features
from cli.commands.local import down, up
from cli.commands.models import models
from cli.commands.monitor import monitor
from cli.commands.predict import predict
from cli.commands.status import status
from cli.commands.train import runs, train


@click.group(context_settings={"max_content_width": 100})
@click.version_option(package_name="tidemill")
def main() -> None:
    """MLOps without servers: versioned data, training, serving, monitoring.

    Every command works against the local cloud (`tidemill up`) and against AWS alike: AWS_ENDPOINT_URL
    decides, and when nothing is set a running local cloud is found by itself.
    """


for command in (up, down, upload, data, features, train, runs, models, predict, monitor, status, demo):
    main.add_command(command)


if __name__ == "__main__":
    main()
