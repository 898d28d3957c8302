"""What a project declares: sources, entities, feature views and models."""

from tidemill.project.loading import Project, load_project
from tidemill.project.models import Model, Observations
from tidemill.project.policies import Gate, Improves, Monitor, Parity, Retrain, SkewFree, Slices, TimeSplit
from tidemill.project.sources import Entity, Source, Unique, unique
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
    "Unique",
    "Weekly",
    "count",
    "distinct",
    "first",
    "largest",
    "last",
    "latest",
    "load_project",
    "mean",
    "parse_duration",
    "rate",
    "smallest",
    "std",
    "total",
    "unique",
    "var",
]
