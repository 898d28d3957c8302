"""Dates that services note and people read, by the cloud's clock.

Left on the wall are those that clients hold against their own: credentials, tokens, certificates.
"""

from datetime import datetime

from moto.s3 import models as s3_models
from moto.stepfunctions import models as stepfunctions_models

from emulator.events.clock import Clock
from emulator.events.hooks import Hooks

_DATED = (s3_models, stepfunctions_models)


def install_dates(hooks: Hooks, *, clock: Clock) -> None:
    """Have objects and state machines dated by the clock.

    Parameters
    ----------
    hooks
        Where the replacements are noted.
    clock
        The cloud's.
    """

    def now() -> datetime:
        return clock.now().replace(tzinfo=None)

    for module in _DATED:
        hooks.replace(module, "utcnow", now)
