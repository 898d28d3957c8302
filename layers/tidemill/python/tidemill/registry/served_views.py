"""The feature views that models in service were trained with, which may be older than those declared."""

import json

from tidemill.features.definitions import ViewDefinition
from tidemill.features.plan import FeaturePlan
from tidemill.ports import Blobs, Documents
from tidemill.registry.aliases import get_alias, list_aliases
from tidemill.registry.package import load_package
from tidemill.registry.versions import get_version, list_models, list_versions

_SERVING = "serving.json"


class ServedViews:
    """Finds the views of every model version that an alias points at, or did before its last move.

    The one before is what a rollback returns to: its features must be as new as the others' by then.
    A package never changes, so each is read once.

    Parameters
    ----------
    documents
        The registry.
    blobs
        The models bucket.
    """

    def __init__(self, documents: Documents, blobs: Blobs) -> None:
        self._documents = documents
        self._blobs = blobs
        self._views: dict[str, tuple[ViewDefinition, ...]] = {}

    def of_source(self, source: str) -> list[ViewDefinition]:
        """Return the views whose rows come from a source, each version of each once."""
        views = {(view.name, view.version): view for _, view in self.by_model() if view.source == source}
        return [views[key] for key in sorted(views)]

    def registered(self) -> list[ViewDefinition]:
        """Return the views of every registered model version, in service or not, each version once."""
        found = [
            view
            for model in list_models(self._documents)
            for version in list_versions(self._documents, model)
            for view in self.of_version(model, version.version)
        ]
        return list({view.reference: view for view in found}.values())

    def by_model(self) -> list[tuple[str, ViewDefinition]]:
        """Return each view in service with ``model@version``, by which it is used."""
        return [
            (f"{model}@{version}", view)
            for model in list_models(self._documents)
            for version in self._in_service(model)
            for view in self.of_version(model, version)
        ]

    def of_version(self, model: str, version: int) -> tuple[ViewDefinition, ...]:
        """Return the views that a version of a model was trained with.

        Raises
        ------
        NotFound
            If there is no such version.
        """
        package = get_version(self._documents, model, version).package
        if package not in self._views:
            serving = load_package(self._blobs, model, package, [_SERVING])[_SERVING]
            self._views[package] = FeaturePlan.from_json(json.loads(serving)["plan"]).views
        return self._views[package]

    def _in_service(self, model: str) -> list[int]:
        versions: set[int] = set()
        for name in list_aliases(self._documents, model):
            alias = get_alias(self._documents, model, name)
            moves = [move.version for move in alias.moves] if alias else []
            versions |= set(list(dict.fromkeys(moves))[:2])
        return sorted(versions)
