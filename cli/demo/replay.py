"""The replay: a year passes in the local cloud, day by day, and the system does what it does.

The demo is a user of the system and no part of it. It puts files into S3, asks the HTTP API, starts
the first training as `tidemill train` does, and moves the virtual clock. That features are
updated, that the monitor looks, and that models are trained anew, happens inside.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cli.commands.train import failure_line, reason_text, start, wait_for_run
from cli.demo.flights_data import FlightsData
from cli.demo.sample import daily_sample
from cli.demo.summary import Retraining, Verdict
from cli.demo.system import LocalSystem
from cli.errors import CommandError
from tidemill.client.progress import Steps
from tidemill.registry.runs import list_runs

MODEL = "late_arrival"
SOURCE = "flights"
PLANES = "planes"
START = pd.Timestamp("2013-03-01", tz="UTC")
MONTHS = 10
SAMPLE_SEED = 2013
DAY = pd.Timedelta(days=1)


class Replay:
    """One replay in one local cloud.

    Parameters
    ----------
    system
        The system, its model ``late_arrival`` not trained yet.
    data
        What to replay.
    progress
        Told about every step.
    """

    def __init__(self, system: LocalSystem, data: FlightsData, progress: Steps) -> None:
        self._system = system
        self._data = data
        self._progress = progress

    def load_history(self) -> None:
        """Set the clock, and upload the aircraft and every week that had arrived by then."""
        self._system.control.set_clock(START)
        weeks = [week.path for week in self._data.weeks if week.arrives_at <= START]
        self._progress.start("loading January and February", len(weeks) + 1)
        for source, path in [(PLANES, self._data.planes), *((SOURCE, week) for week in weeks)]:
            self._upload(source, path)
            self._progress.step(path.name)

    def train_first(self) -> int:
        """Train the first model and return its version.

        Raises
        ------
        CommandError
            If it failed, or did not pass its gates.
        """
        self._progress.start("training the first model", 1)
        deployment = self._system.deployment
        run_id, execution = start(deployment, MODEL, {}, detail="the first model", kind="first")
        run = wait_for_run(deployment, run_id, execution)
        self._system.control.settle()
        if run.status == "failed":
            raise CommandError(failure_line(run))
        if run.version is None or not run.promoted:
            raise CommandError(f"the first model did not pass its gates: {run.steps.get('check_gates')}")
        self._progress.step(f"version {run.version}")
        return run.version

    def live(self, frozen_version: int, months: int) -> pd.DataFrame:
        """Let the months pass and return what was scored, as ``summarize`` wants it.

        Each day begins at 00:00 UTC: on a Monday the week's file arrives, then a sample of the day's
        departures is scored, all of them hours or minutes ahead. The frozen version is asked about the
        same rows at the end of their week: until the next file arrives, it sees what it saw on the day.

        Parameters
        ----------
        frozen_version
            The version that scores the same rows for comparison.
        months
            How many, from the replay's start.
        """
        end = START + pd.DateOffset(months=months)
        days = list(daily_sample(self._data.flights, START, end, SAMPLE_SEED).groupby("day"))
        arrivals = {week.arrives_at: week.path for week in self._data.weeks}
        self._progress.start(f"{START:%B} to {end - DAY:%B}, day by day", len(days))
        weeks: list[pd.DataFrame] = []
        served: list[pd.DataFrame] = []
        for moment, departures in days:
            day = pd.Timestamp(str(moment))
            self._system.control.advance_to(day)
            if day in arrivals:
                weeks.append(self._compare(served, frozen_version))
                served = []
                self._upload(SOURCE, arrivals[day])
            served.append(self._serve(departures))
            self._progress.step(f"{day:%Y-%m-%d}, version {served[-1]['version'].iloc[0]}")
        weeks.append(self._compare(served, frozen_version))
        self._system.control.advance_to(end)
        return pd.concat(weeks, ignore_index=True)

    def verdicts(self) -> Sequence[Verdict]:
        """Return what the monitor reported, day by day."""
        return [
            Verdict(
                pd.Timestamp(report["window_end"]) - DAY, bool(report["drift"]), report["drifted_features"]
            )
            for report in self._system.documents("REPORT#")
        ]

    def retrainings(self) -> Sequence[Retraining]:
        """Return the runs the policy started, oldest first, each with what came of it."""
        runs = list_runs(self._system.deployment.documents, MODEL)
        asked_for = [run for run in reversed(runs) if run.reason["kind"] != "first"]
        return [
            Retraining(
                pd.Timestamp(run.started_at),
                f"{reason_text(run.reason)} → "
                + (f"version {run.version}" if run.promoted else f"{run.status}, not promoted"),
            )
            for run in asked_for
        ]

    def _upload(self, source: str, path: Path) -> None:
        [report] = self._system.upload(source, path)
        if report is None or report["status"] != "committed":
            raise CommandError(f"{path} did not become a commit of {source}: {report}")

    def _serve(self, departures: pd.DataFrame) -> pd.DataFrame:
        answer = self._system.predict(departures)
        return departures.assign(
            version=answer["version"], served=[one["probability"] for one in answer["predictions"]]
        )

    def _compare(self, served: Sequence[pd.DataFrame], frozen_version: int) -> pd.DataFrame:
        rows = pd.concat(served, ignore_index=True)
        answer = self._system.predict(rows, version=frozen_version)
        return rows[["scheduled_at", "label", "version", "served"]].assign(
            frozen=[one["probability"] for one in answer["predictions"]]
        )
