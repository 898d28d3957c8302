"""The views of a deployment: which there are, who needs them, and how far each is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tidemill.aws.blobs import S3Blobs
from tidemill.client.deployment import Deployment
from tidemill.errors import NotFound, did_you_mean
from tidemill.features.definitions import ViewDefinition, define
from tidemill.features.differences import Difference, differences
from tidemill.project import load_project
from tidemill.registry.served_views import ServedViews

if TYPE_CHECKING:
    from tidemill.datasets.tables import Commit


def view_differences(
    declared: Mapping[str, ViewDefinition], in_service: Sequence[tuple[str, ViewDefinition]]
) -> list[dict[str, Any]]:
    """Return in what declared views differ from those in service, model by model.

    Parameters
    ----------
    declared
        The declared views by name.
    in_service
        ``model@version``, and a view it was trained with; a view may occur under several models.

    Returns
    -------
    list of dict
        ``view``, ``model`` (None for a view that none in service has), ``what``, ``before``, ``after``.
    """
    found = [
        {"view": served.name, "model": model, **difference._asdict()}
        for model, served in in_service
        for difference in _against(served, declared)
    ]
    used = {served.name for _, served in in_service}
    new = [view for name, view in declared.items() if name not in used]
    return found + [
        {"view": view.name, "model": None, **Difference("view", None, view.reference)._asdict()}
        for view in new
    ]


def declared_views(deployment: Deployment) -> dict[str, ViewDefinition]:
    """Return the views of the deployed project's declarations by name."""
    return {view.name: define(view) for view in load_project(deployment.project).views}


def views_in_service(deployment: Deployment) -> list[tuple[str, ViewDefinition]]:
    """Return the views that models in service were trained with, each with ``model@version``."""
    return views_of_models(deployment).by_model()


def views_of_models(deployment: Deployment) -> ServedViews:
    """Return what finds the views that models were trained with."""
    blobs = S3Blobs(deployment.outputs["ModelsBucket"], client=deployment.endpoint.client("s3"))
    return ServedViews(deployment.documents, blobs)


def find_view(deployment: Deployment, wanted: str) -> ViewDefinition:
    """Return the view of a name, as declared, or of a name and version, as any model was trained with.

    Raises
    ------
    NotFound
        If there is none.
    """
    declared = declared_views(deployment)
    if wanted in declared:
        return declared[wanted]
    kept = [*declared.values(), *(view for _, view in views_in_service(deployment))]
    known = {view.reference: view for view in kept}
    if wanted not in known and "@" in wanted:
        known |= {view.reference: view for view in views_of_models(deployment).registered()}
    if wanted not in known:
        near = did_you_mean(wanted, known if "@" in wanted else declared)
        raise NotFound(f"no view `{wanted}` is declared, or was ever trained with{near}")
    return known[wanted]


def _against(served: ViewDefinition, declared: Mapping[str, ViewDefinition]) -> list[Difference]:
    if served.name not in declared:
        return [Difference("view", served.reference, None)]
    return differences(served, declared[served.name])


def commits_behind(deployment: Deployment, views: Sequence[ViewDefinition]) -> dict[str, int | None]:
    """Return by how many commits each view is behind its source; None for one to be filled anew."""
    from tidemill.aws.online import DynamoOnlineStore  # noqa: PLC0415 - features take a moment to import
    from tidemill.datasets.materialization import served_views  # noqa: PLC0415 - Arrow takes a second to import
    from tidemill.datasets.watermarks import rollbacks_of  # noqa: PLC0415 - likewise

    documents = deployment.documents
    store = DynamoOnlineStore(
        deployment.outputs["FeaturesTable"], client=deployment.endpoint.client("dynamodb")
    )
    histories = {source: _history(deployment, source) for source in {view.source for view in views}}
    rollbacks = {source: rollbacks_of(documents, source) for source in histories}
    behind: dict[str, int | None] = {}
    for served in served_views(views, documents, store):
        view, history = served.view, histories[served.view.source]
        is_true = served.is_true_to(history, rollbacks[view.source])
        behind[view.reference] = (
            sum(commit.sequence > served.reached for commit in history) if is_true else None
        )
    return behind


def _history(deployment: Deployment, source: str) -> Sequence["Commit"]:
    try:
        return deployment.tables.commits(source)
    except NotFound:  # nothing was ever uploaded
        return []
