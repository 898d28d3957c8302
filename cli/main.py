"""The `tidemill` command."""

from importlib import import_module

import click

COMMANDS = {
    "up": "local",
    "down": "local",
    "upload": "data",
    "data": "data",
    "features": "features",
    "train": "train",
    "runs": "train",
    "models": "models",
    "predict": "predict",
    "monitor": "monitor",
    "status": "status",
    "demo": "demo",
}
"""The commands, in the order of their help, and the module in ``cli/commands`` that each is in."""


class Commands(click.Group):
    """Commands that are imported when they are asked for: what one needs would keep the others waiting."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; None if there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"cli.commands.{COMMANDS[cmd_name]}"), cmd_name)
        return command


@click.group(cls=Commands, context_settings={"max_content_width": 100})
@click.version_option(package_name="tidemill")
def main() -> None:
    """MLOps without servers: versioned data, training, serving, monitoring.

    Every command works against the local cloud (`tidemill up`) and against AWS alike: AWS_ENDPOINT_URL
    decides, and when nothing is set a running local cloud is found by itself.
    """


if __name__ == "__main__":
    main()
