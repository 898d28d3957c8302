"""A project as a whole, and how it is found by name."""

import importlib
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tidemill.errors import CallerError, DeclarationError, NotFound, did_you_mean
from tidemill.project.checks import References
from tidemill.project.models import Model
from tidemill.project.names import check_distinct, check_name
from tidemill.project.sources import Source
from tidemill.project.views import FeatureView


@dataclass(frozen=True, eq=False)
class Project:
    """What a team declares: its sources and its models, and with them their views.

    Attributes
    ----------
    name
        Also the name of its package under ``projects/`` and of its database.
    sources
        Every source its models and views use.
    models
        Its models.
    """

    name: str
    sources: Sequence[Source]
    models: Sequence[Model]

    def __post_init__(self) -> None:
        check_name("project", self.name)
        owner = f"project `{self.name}`"
        check_distinct(owner, "sources", [source.name for source in self.sources])
        check_distinct(owner, "models", [model.name for model in self.models])
        check_distinct(owner, "views", [view.name for view in self.views])
        used = [model.observations.source for model in self.models] + [view.source for view in self.views]
        used += [
            each.target
            for source in self.sources
            for each in source.row_checks
            if isinstance(each, References)
        ]
        for source in used:
            if not any(source is each for each in self.sources):
                raise DeclarationError(
                    f"{owner}: source `{source.name}` is used but not among its sources; add it"
                )

    @property
    def views(self) -> tuple[FeatureView, ...]:
        """Every view of every model, once, in order of appearance."""
        return tuple({id(view): view for model in self.models for view in model.views}.values())

    def views_of(self, source_name: str) -> tuple[FeatureView, ...]:
        """Return the views whose rows come from a source."""
        return tuple(view for view in self.views if view.source.name == source_name)

    def source(self, name: str) -> Source:
        """Return a source by name; NotFound naming the nearest if there is none."""
        by_name = {source.name: source for source in self.sources}
        if name not in by_name:
            raise NotFound(f"project `{self.name}` has no source `{name}`{did_you_mean(name, by_name)}")
        return by_name[name]

    def model(self, name: str) -> Model:
        """Return a model by name; NotFound naming the nearest if there is none."""
        by_name = {model.name: model for model in self.models}
        if name not in by_name:
            raise NotFound(f"project `{self.name}` has no model `{name}`{did_you_mean(name, by_name)}")
        return by_name[name]


def load_project(name: str) -> Project:
    """Import ``projects.<name>`` and return its attribute ``project``.

    Raises
    ------
    NotFound
        If there is no such package.
    DeclarationError
        If something in it is declared wrongly; the message begins with the file and line.
    """
    check_name("project", name)
    module_name = f"projects.{name}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name not in {module_name, "projects"}:
            raise
        raise NotFound(f"there is no project `{name}`: no package projects/{name}") from error
    except CallerError as error:
        raise DeclarationError(f"{_place_of(error, name)}{error}") from error
    return _project_of(module, name)


def _project_of(module: ModuleType, name: str) -> Project:
    project = getattr(module, "project", None)
    if not isinstance(project, Project):
        raise DeclarationError(f"projects/{name}/__init__.py: no `project = Project(...)` in it; add one")
    if project.name != name:
        raise DeclarationError(
            f"projects/{name}/__init__.py: the project is named `{project.name}`; name it `{name}`"
        )
    return project


def _place_of(error: BaseException, name: str) -> str:
    """Return ``path:line: `` of the project's own line that led to the error."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if f"/projects/{name}/" in Path(frame.filename).as_posix()]
    return f"{own[-1].filename}:{own[-1].lineno}: " if own else ""
