"""What the emulator keeps beside moto's backends: its clock, where assets came from, events on their way."""

from dataclasses import dataclass, field
from typing import Any

from emulator.deploy.assets import AssetSources
from emulator.events.clock import Clock
from emulator.lambda_api.asynchronous import AsyncEvent, AsyncEvents


@dataclass
class OwnState:
    """The emulator's own state.

    Parameters
    ----------
    clock
        One that has left the wall goes on where it stood: no time passes between runs.
    sources
        Where assets came from; directories that are gone are left out, the zips are still there.
    events
        Asynchronous events of functions that are not done with; they run again.
    interrupted
        Those of them that the end of the run interrupts.
    """

    clock: Clock
    sources: AssetSources
    events: AsyncEvents
    interrupted: dict[str, AsyncEvent] = field(default_factory=dict)

    def read(self) -> dict[str, Any]:
        """Give it as plain values.

        Returns
        -------
        dict
            For `take_up` in another run.
        """
        return {
            "clock": (self.clock.mode, self.clock.now()),
            "assets": self.sources.known(),
            "events": list({**self.interrupted, **self._open_events()}.values()),
        }

    def interrupt(self) -> None:
        """Note the events that run, before the end of the run drops them."""
        self.interrupted = self._open_events()

    def take_up(self, saved: dict[str, Any]) -> None:
        """Go on from what `read` gave; events wait for `resume`.

        Parameters
        ----------
        saved
            From another run.
        """
        for (bucket, key), origin in saved["assets"].items():
            if origin.is_dir():
                self.sources.remember(bucket, key, origin)
        mode, moment = saved["clock"]
        if mode != "wall":
            self.clock.set(moment)
        if mode == "running":
            self.clock.run()
        self.interrupted = {event.request_id: event for event in saved["events"]}

    def resume(self) -> None:
        """Have the events run that another run interrupted."""
        waiting, self.interrupted = self.interrupted, {}
        for event in waiting.values():
            self.events.accept(event)

    def _open_events(self) -> dict[str, AsyncEvent]:
        return {event.request_id: event for event in self.events.open()}
