"""The routes of the HTTP API, over the registry, the loaded models and the prediction log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidemill.errors import InvalidRequest, NotFound, did_you_mean
from tidemill.features.online import OnlineStore
from tidemill.ports import Documents
from tidemill.registry.aliases import CHAMPION, get_alias, list_aliases
from tidemill.registry.versions import get_version, list_models, list_versions
from tidemill.serving.http import Request, Response, Route, Router
from tidemill.serving.model_cache import ModelCache
from tidemill.serving.prediction_log import PredictionQueue, Predictions, encode_messages
from tidemill.serving.predictor import Freshness, Predictor
from tidemill.serving.requests import parse_rows

REPORTS_LISTED = 100


@dataclass(frozen=True)
class Api:
    """What the API answers from.

    Attributes
    ----------
    documents
        The registry.
    models
        Loaded models.
    store
        The online store.
    log
        Where served predictions are recorded.
    """

    documents: Documents
    models: ModelCache
    store: OnlineStore
    log: PredictionQueue

    def router(self) -> Router:
        """Return the routing table."""
        return Router(
            [
                Route("POST", "/models/{model}/predict", self.predict),
                Route("POST", "/models/{model}/versions/{version}/predict", self.predict_with_version),
                Route("GET", "/models", self.list_models),
                Route("GET", "/models/{model}", self.show_model),
                Route("GET", "/models/{model}/versions/{version}", self.show_version),
                Route("GET", "/models/{model}/reports", self.list_reports),
                Route("GET", "/v2/health/live", self.health),
                Route("GET", "/v2/health/ready", self.health),
            ]
        )

    def predict(self, request: Request, names: Mapping[str, str]) -> Response:
        """Answer from the champion; what is answered has been handed to the log before.

        Raises
        ------
        Unavailable
            If the log did not take the predictions: an unlogged prediction could never be judged.
        """
        predictor = self.models.champion(names["model"], request.at)
        predictions, freshness = self._predict(predictor, request)
        self.log.send(encode_messages(predictions))
        return Response(200, _answer(predictions, freshness))

    def predict_with_version(self, request: Request, names: Mapping[str, str]) -> Response:
        """Answer from one version, to look at or to compare; this is not service and is not logged."""
        predictor = self.models.version(names["model"], _version(names["version"]))
        return Response(200, _answer(*self._predict(predictor, request)))

    def _predict(self, predictor: Predictor, request: Request) -> tuple[Predictions, Freshness]:
        columns = parse_rows(request.body, predictor.schema, required=predictor.required)
        return predictor.predict(columns, self.store, request.at)

    def list_models(self, _request: Request, _names: Mapping[str, str]) -> Response:
        """List the models and the version each has in service."""
        models = []
        for name in list_models(self.documents):
            champion = get_alias(self.documents, name, CHAMPION)
            models.append({"model": name, "champion": champion.version if champion else None})
        return Response(200, {"models": models})

    def show_model(self, _request: Request, names: Mapping[str, str]) -> Response:
        """Show a model's aliases and versions, the newest first."""
        model = self._known(names["model"])
        versions = [
            {
                "version": version.version,
                "created_at": version.created_at,
                "passed": version.passed,
                "run_id": version.run_id,
                "metrics": version.metrics,
            }
            for version in list_versions(self.documents, model)
        ]
        aliases = list_aliases(self.documents, model)
        return Response(200, {"model": model, "aliases": aliases, "versions": versions})

    def show_version(self, _request: Request, names: Mapping[str, str]) -> Response:
        """Show one version with its gates, metrics and lineage."""
        version = get_version(self.documents, names["model"], _version(names["version"]))
        return Response(200, version.to_json())

    def list_reports(self, _request: Request, names: Mapping[str, str]) -> Response:
        """List a model's monitor reports, the newest first."""
        model = self._known(names["model"])
        found = self.documents.query(f"MODEL#{model}", "REPORT#", descending=True, limit=REPORTS_LISTED)
        return Response(200, {"model": model, "reports": [report for _, report in found]})

    def health(self, _request: Request, _names: Mapping[str, str]) -> Response:
        """Say that the function runs; both keys, since clients of the protocol differ in which they read."""
        return Response(200, {"live": True, "ready": True})

    def _known(self, model: str) -> str:
        known = list_models(self.documents)
        if model not in known:
            raise NotFound(f"unknown model `{model}`{did_you_mean(model, known)}")
        return model


def _version(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 8:
        raise InvalidRequest(f"version `{text[:20]}` is not a number such as 7", field="version")
    return int(text)


def _answer(predictions: Predictions, freshness: Freshness) -> dict[str, Any]:
    rows = zip(predictions.ids, predictions.labels.tolist(), predictions.probabilities.tolist(), strict=True)
    return {
        "model": predictions.model,
        "version": predictions.version,
        "predictions": [
            {
                "id": identity,
                "prediction": label,
                "probability": probability,
                "freshness": {view: _moment(times[row]) for view, times in freshness.items()},
            }
            for row, (identity, label, probability) in enumerate(rows)
        ],
    }


def _moment(time: Any) -> str | None:
    return None if time is None else str(time.isoformat()).replace("+00:00", "Z")
