"""Lambda's API where moto leaves off: versions, aliases, asynchronous events, limits.

moto holds the state; what is put in its place stands in the `install` function of each module.
"""

from emulator.events.hooks import Hooks
from emulator.lambda_api import aliases, configuration, event_config, mapped_functions, policies, versions


def install(hooks: Hooks) -> None:
    """Put Lambda's rules in place of moto's.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    """
    configuration.install(hooks)
    versions.install(hooks)
    aliases.install(hooks)
    event_config.install(hooks)
    policies.install(hooks)
    mapped_functions.install(hooks)
