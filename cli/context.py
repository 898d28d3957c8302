"""What every command is given: where this checkout keeps its state, and the deployment to work with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from cli.errors import one_line_errors
from tidemill.client.deployment import Deployment
from tidemill.client.endpoint import find_endpoint

CHECKOUT = Path(__file__).parents[1]


@dataclass(frozen=True)
class App:
    """The settings of one call of the command."""

    state_dir: Path = field(default=CHECKOUT / ".tidemill")

    @contextmanager
    def deployment(self) -> Iterator[Deployment]:
        """Find the deployment to work with; what goes wrong with it ends as one line."""
        endpoint = find_endpoint(self.state_dir)
        with one_line_errors(endpoint.name):
            yield Deployment(endpoint)


pass_app = click.make_pass_decorator(App, ensure=True)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


class ListingGroup(click.Group):
    """A group whose plain call lists: ``runs`` and ``runs late_arrival`` mean ``runs list …``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``list`` before arguments that are the listing's, and not a misspelt command."""
        takes_names = any(isinstance(each, click.Argument) for each in self.commands["list"].params)
        known = {*self.commands, *ctx.help_option_names}
        if not args or (args[0] not in known and (takes_names or args[0].startswith("-"))):
            args = ["list", *args]
        return super().parse_args(ctx, args)
