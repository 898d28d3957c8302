"""What a project declares: sources, entities, feature views and models."""

from tidemill.project.checks import check, drift, freshness, null_rate, references, row_count, unique
from tidemill.project.files import Csv
from tidemill.project.loading import Project, load_project
from tidemill.project.models import Model, Observations
from tidemill.project.policies import Gate, Improves, Monitor, Parity, Retrain, SkewFree, Slices, TimeSplit
from tidemill.project.sources import Entity, Source
from tidemill.project.times import Delay, Weekly, parse_duration
from tidemill.project.views import (
    Aggregate,
    FeatureView,
    Latest,
    count,
    distinct,
    first,
    largest,
    last,
    latest,
    mean,
    rate,
    smallest,
    std,
    total,
    var,
)

__all__ = [
    "Aggregate",
    "Csv",
    "Delay",
    "Entity",
    "FeatureView",
    "Gate",
    "Improves",
    "Latest",
    "Model",
    "Monitor",
    "Observations",
    "Parity",
    "Project",
    "Retrain",
    "SkewFree",
    "Slices",
    "Source",
    "TimeSplit",
    "Weekly",
    "check",
    "count",
    "distinct",
    "drift",
    "first",
    "freshness",
    "largest",
    "last",
    "latest",
    "load_project",
    "mean",
    "null_rate",
    "parse_duration",
    "rate",
    "references",
    "row_count",
    "smallest",
    "std",
    "total",
    "unique",
    "var",
]
