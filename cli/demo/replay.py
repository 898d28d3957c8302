"""The replay: a year passes in the local cloud, day by day, and the system does what it does.

The demo is a user of the system and no part of it. It puts files into S3, asks the HTTP API, starts
the first training as `tidemill train` does, and moves the virtual clock. That features are
updated, that the monitor looks, and that models are trained anew, happens inside.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cli.client import Deployment
from cli.commands.train import failure_line, reason_text, start, wait_for_run
from cli.demo.control import Control
from cli.demo.flights_data import FlightsData, WeeklyFile
from cli.demo.sample import daily_sample, request_rows
from cli.demo.summary import Retraining, Verdict
from cli.errors import CommandError
from cli.render import Steps
from tidemill.project import load_project
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
    deployment
        The system.
    control
        The cloud's clock.
    data
        What to replay.
    progress
        Told about every step.
    """

    def __init__(self, deployment: Deployment, control: Control, data: FlightsData, progress: Steps) -> None:
        self._deployment = deployment
        self._control = control
        self._data = data
        self._progress = progress
        asked = load_project(deployment.project).model(MODEL).observations
        self._columns = list(dict.fromkeys([asked.key, *asked.request]))

    def load_history(self) -> None:
        """Set the clock, and upload the aircraft and every week that had arrived by then."""
        self._control.set_clock(START)
        weeks = [week for week in self._data.weeks if week.arrives_at <= START]
        self._progress.start("loading January and February", len(weeks) + 1)
        self._upload(PLANES, self._data.planes)
        for week in weeks:
            self._upload(SOURCE, week.path)

    def train_first(self) -> int:
        """Train the first model and return its version.

        Raises
        ------
        CommandError
            If it failed, or did not pass its gates.
        """
        self._progress.start("training the first model", 1)
        detail = "the first model"
        run_id, execution = start(self._deployment, MODEL, {}, detail=detail, kind="first")
        run = wait_for_run(self._deployment, run_id, execution)
        self._control.settle()
        if run.status == "failed":
            raise CommandError(failure_line(run))
        if run.version is None or not run.promoted:
            raise CommandError(f"the first model did not pass its gates; see run {run.run_id}: {run.steps}")
        self._progress.step(f"version {run.version}")
        return run.version

    def live(self, frozen_version: int, months: int) -> pd.DataFrame:
        """Let the months pass and return what was scored, as ``summarize`` wants it."""
        end = START + pd.DateOffset(months=months)
        drawn = daily_sample(self._data.flights, START, end, SAMPLE_SEED)
        arrivals = {week.arrives_at: week for week in self._data.weeks}
        days = list(drawn.groupby("day"))
        self._progress.start(f"{START:%B} to {end - DAY:%B}, day by day", len(days))
        scored = []
        for moment, rows in days:
            day = pd.Timestamp(str(moment))
            self._control.advance_to(day)
            if day in arrivals:
                self._arrive(arrivals[day])
            scored.append(self._score(rows, frozen_version))
            self._progress.step(f"{day:%Y-%m-%d} version {scored[-1]['version'].iloc[0]}")
        self._control.advance_to(end)
        return pd.concat(scored, ignore_index=True)

    def _arrive(self, week: WeeklyFile) -> None:
        self._upload(SOURCE, week.path, report=False)

    def _upload(self, source: str, path: Path, *, report: bool = True) -> None:
        digest, _ = self._deployment.put_upload(source, path)
        self._control.settle()
        outcome = self._deployment.upload_report(source, digest)
        if outcome is None or outcome["status"] != "committed":
            raise CommandError(
                f"{path} did not become a commit of {source}: {outcome}; see `tidemill status`"
            )
        if report:
            self._progress.step(path.name)

    def _score(self, rows: pd.DataFrame, frozen_version: int) -> pd.DataFrame:
        request = request_rows(rows, self._columns)
        served = self._deployment.api.predict(MODEL, request)
        frozen = self._deployment.api.predict(MODEL, request, version=frozen_version)
        return rows[["scheduled_at", "label"]].assign(
            version=served["version"],
            served=[one["probability"] for one in served["predictions"]],
            frozen=[one["probability"] for one in frozen["predictions"]],
        )

    def verdicts(self) -> Sequence[Verdict]:
        """Return what the monitor reported, day by day."""
        reports = self._deployment.documents.query(f"MODEL#{MODEL}", "REPORT#")
        return [
            Verdict(pd.Timestamp(report["window_end"]), report["drift"], report["drifted_features"])
            for _, report in reports
        ]

    def retrainings(self) -> Sequence[Retraining]:
        """Return the runs the policy started, oldest first, each with what came of it."""
        runs = [run for run in list_runs(self._deployment.documents, MODEL) if run.reason["kind"] != "first"]
        return [
            Retraining(
                pd.Timestamp(run.started_at),
                f"{reason_text(run.reason)} → "
                + (f"version {run.version}" if run.promoted else f"{run.status}, not promoted"),
            )
            for run in reversed(runs)
        ]
