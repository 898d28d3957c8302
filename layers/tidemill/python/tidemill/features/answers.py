"""Figures over windows for a stretch of a timeline's questions: so few that they stay near the processor."""

from tidemill.expressions import Array
from tidemill.features.aggregates import KINDS, Parts, finish, measure_id
from tidemill.features.definitions import FeatureDefinition, Floats, Ints, Mask
from tidemill.features.exact import Limbs, to_float
from tidemill.features.kernel import Timeline, Window, window_of
from tidemill.features.running import RunningSums


class Answers:
    """Answers some of a timeline's questions, feature by feature.

    Parameters
    ----------
    timeline
        The rows and the questions; what it says is to be prepared is prepared.
    asked
        Which of the questions, in sorted order.
    """

    def __init__(self, timeline: Timeline, asked: slice) -> None:
        self._timeline = timeline
        self._asked = asked
        self._seen = timeline.seen[asked]
        self._seen_sums: dict[RunningSums, Limbs] = {}
        self._sums: dict[tuple[str, str, Window], Limbs] = {}
        self._floats: dict[tuple[str, Window], Floats] = {}

    def figure(self, feature: FeatureDefinition) -> tuple[Array, Mask]:
        """Return a windowed feature's values and where they are there, in the order of the questions."""
        needs = KINDS[feature.kind].needs
        parts = Parts(
            count=self._count(feature),
            total=self._sum(feature, "total") if "total" in needs else {},
            rounded=self._rounded(feature) if "total" in needs and "squares" not in needs else None,
            squares=self._sum(feature, "squares") if "squares" in needs else {},
            smallest=self._smallest(feature, 1.0) if "smallest" in needs else None,
            largest=-self._smallest(feature, -1.0) if "largest" in needs else None,
        )
        return finish(feature.kind, parts)

    def _gone(self, feature: FeatureDefinition) -> Ints:
        return self._timeline.gone_by(feature)[self._asked]

    def _count(self, feature: FeatureDefinition) -> Ints:
        """Count the rows seen by each question that hold a value."""
        if self._timeline.counts_all(feature):
            return self._seen - self._gone(feature)
        return self._sum(feature, "count")[0]

    def _sum(self, feature: FeatureDefinition, part: str) -> Limbs:
        """Sum a part over the rows seen by each question, less the rows gone for it."""
        name = measure_id(feature), part, window_of(feature)
        if name not in self._sums:
            sums, gone = self._timeline.sums(feature, part), self._gone(feature)
            if sums not in self._seen_sums:
                self._seen_sums[sums] = {exponent: limb[self._seen] for exponent, limb in sums.seen.items()}
            seen = self._seen_sums[sums]
            self._sums[name] = {exponent: seen[exponent] - limb[gone] for exponent, limb in sums.gone.items()}
        return self._sums[name]

    def _rounded(self, feature: FeatureDefinition) -> Floats:
        """Return the sums of what each question sees, as floats."""
        name = measure_id(feature), window_of(feature)
        if name not in self._floats:
            self._floats[name] = to_float(self._sum(feature, "total"), len(self._seen))
        return self._floats[name]

    def _smallest(self, feature: FeatureDefinition, sign: float) -> Floats:
        return self._timeline.smallest(feature, sign, self._asked)
