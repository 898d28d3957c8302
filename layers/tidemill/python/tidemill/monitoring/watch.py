"""Watching a model: one firing of the monitor, from what is new to the report.

Everything a firing stores is either named by its content or moved by conditional write, and the report
is announced last: a firing that dies anywhere is simply fired again.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidemill.canonical import canonical_json, digest_json
from tidemill.datasets.predictions import predictions_table
from tidemill.datasets.tables import Tables
from tidemill.errors import NotFound
from tidemill.monitoring.aggregates import (
    add_outcomes,
    add_predictions,
    count_days,
    labelled_rows,
    mark_read,
    outcomes_to_read,
)
from tidemill.monitoring.daily import DayHistogram, Profile
from tidemill.monitoring.day_store import CommitReader, DayBlobs
from tidemill.monitoring.drift import Drift, judge_drift
from tidemill.monitoring.html import report_page
from tidemill.monitoring.outcomes import outcome_columns, outcomes_of
from tidemill.monitoring.quality import UNKNOWN, Performance, judge_performance
from tidemill.monitoring.report import MonitorReport, Window, window_of
from tidemill.monitoring.state import State, read_state, write_state
from tidemill.ports import Blobs, Documents, Events
from tidemill.project.models import Model
from tidemill.registry.aliases import CHAMPION, get_alias
from tidemill.registry.package import load_package
from tidemill.registry.versions import get_version
from tidemill.statistics.profile import ReferenceProfile

_HISTORY = 60  # reports on a page's plot


class ModelMonitor:
    """The monitor of one model; what it read of immutable things it keeps between firings.

    Parameters
    ----------
    project, model
        Whose monitor it is.
    tables, documents, data, models, events
        The project's tables, the experiments table, the two buckets and the bus.
    """

    def __init__(
        self,
        project: str,
        model: Model,
        *,
        tables: Tables,
        documents: Documents,
        data: Blobs,
        models: Blobs,
        events: Events,
    ) -> None:
        self._project = project
        self._model = model
        self._tables = tables
        self._documents = documents
        self._data = data
        self._models = models
        self._events = events
        self._days = DayBlobs(data, model.name)
        self._profiles: dict[int, Profile] = {}

    def watch(self, at: datetime) -> dict[str, Any]:
        """Look at the whole days before a moment and report.

        Parameters
        ----------
        at
            The firing's own time: what became known later is not looked at.

        Returns
        -------
        dict
            The report's summary, as announced.

        Raises
        ------
        Conflict
            If another firing for the same model was faster; firing again is safe.
        """
        window = window_of(at.astimezone(UTC), self._model.monitor.window_seconds)
        partition = f"MODEL#{self._model.name}"
        history = [
            report
            for _, report in self._documents.query(partition, "REPORT#", descending=True, limit=_HISTORY)
        ]
        done = next((report for report in history if report["window_end"] == window.end), None)
        if done is None:
            done = self._report(window, at, history[::-1])
            self._documents.put(partition, f"REPORT#{window.end}", done)
        self._events.publish("MonitorReport", done)
        return done

    def _report(self, window: Window, at: datetime, history: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        moment = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        state, revision = read_state(self._documents, self._model.name)
        predictions = CommitReader(self._tables, predictions_table(self._model.name))
        state = self._read_new(state, predictions, moment)
        champion = self._champion()
        if champion is None:
            counted, drift, performance = None, Drift(None), UNKNOWN
        else:
            if state.trained is None or state.trained[0] != champion.version:
                state = state.with_champion(champion.version)
            state, counted = count_days(
                state,
                window.days,
                champion=champion,
                profile_of=self._profile,
                reader=predictions,
                blobs=self._days,
            )
            drift = judge_drift(champion.reference, counted)
            performance = self._performance(state, champion, window, moment)
        write_state(self._documents, self._model.name, state, revision)
        report = MonitorReport(
            project=self._project,
            model=self._model.name,
            version=champion.version if champion else None,
            window=window,
            at=moment,
            rows=counted.rows if counted else 0,
            skipped_rows=counted.skipped if counted else 0,
            new_rows=state.new_rows,
            drift=drift.verdict,
            columns=drift.columns,
            prediction=drift.prediction,
            performance=performance,
            notes=_notes(champion, counted, drift, performance),
        )
        self._publish_files(report, champion.reference if champion else None, counted, history)
        return report.summary()

    def _read_new(self, state: State, predictions: CommitReader, at: str) -> State:
        new = [predictions.rows(commit)["at"] for commit in predictions.between(state.predictions + 1)]
        earliest = min((pc.min(times).as_py() for times in new if len(times)), default=None)
        state = add_predictions(state, predictions, self._days)
        if not state.days:  # nobody has asked yet, so no row of the source is an outcome of anything
            return state
        source = CommitReader(
            self._tables, self._model.observations.source.name, outcome_columns(self._model)
        )
        commits = outcomes_to_read(state, source, earliest)
        outcomes = [outcomes_of(source.rows(commit), self._model) for commit in commits]
        state = add_outcomes(state, outcomes, self._days)
        return mark_read(state, {commit.sequence: source.rows(commit).num_rows for commit in commits}, at)

    def _champion(self) -> Profile | None:
        alias = get_alias(self._documents, self._model.name, CHAMPION)
        return None if alias is None else self._profile(alias.version)

    def _profile(self, version: int) -> Profile | None:
        if version not in self._profiles:
            try:
                package = get_version(self._documents, self._model.name, version).package
                files = load_package(
                    self._models, self._model.name, package, ["serving.json", "reference.json"]
                )
            except NotFound:
                return None
            plan = {**json.loads(files["serving.json"])["plan"], "encodings": None}
            reference = ReferenceProfile.from_json(json.loads(files["reference.json"]))
            self._profiles[version] = Profile(version, digest_json(plan), reference)
        return self._profiles[version]

    def _performance(self, state: State, champion: Profile, window: Window, at: str) -> Performance:
        known = labelled_rows(
            state, champion.version, days=len(window.days), end=window.end, at=at, blobs=self._days
        )
        return judge_performance(
            champion.reference,
            np.asarray(known["label"].to_numpy(), dtype=np.bool_),
            known["probability"].to_numpy(),
            self._probabilities(state, champion.version, window.days),
        )

    def _probabilities(
        self, state: State, version: int, days: Sequence[str]
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        tables = [self._days.rows(day, state.days[day].rows) for day in days if day in state.days]
        if not tables:
            return np.empty(0)
        rows = pa.concat_tables(tables)
        served: np.ndarray[Any, np.dtype[np.float64]] = rows.filter(pc.equal(rows["version"], version))[
            "probability"
        ].to_numpy()
        return served

    def _publish_files(
        self,
        report: MonitorReport,
        reference: ReferenceProfile | None,
        window: DayHistogram | None,
        history: Sequence[Mapping[str, Any]],
    ) -> None:
        page = report_page(report, reference=reference, window=window, history=[*history, report.summary()])
        self._data.put(f"{report.key}.html", page.encode(), content_type="text/html; charset=utf-8")
        self._data.put(
            f"{report.key}.json", canonical_json(report.to_json()), content_type="application/json"
        )


def _notes(
    champion: Profile | None, counted: DayHistogram | None, drift: Drift, performance: Performance
) -> list[str]:
    if champion is None or counted is None:
        return ["No version of this model is in service, so there is nothing to compare with."]
    notes = []
    if not counted.rows:
        notes.append("No predictions were served in this window.")
    elif drift.verdict is None:
        notes.append(f"{counted.rows} predictions are too few to tell drift from chance.")
    if counted.skipped:
        notes.append(f"{counted.skipped} predictions were made from other features and are left out.")
    if performance.verdict == "unknown" and counted.rows:
        notes.append(
            f"{performance.rows} predictions of this version have a known outcome: too few to judge."
        )
    return notes
