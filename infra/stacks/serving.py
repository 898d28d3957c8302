"""Serving: the HTTP API, the predict function behind it, and the log of what it predicted."""

import json
from collections.abc import Mapping

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_authorizers import HttpIamAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.config import Config
from infra.constructs.function import PythonFunction, log_group
from infra.constructs.layers import Layers
from infra.constructs.work_queue import WorkQueue
from infra.stacks.data import DataStack

Routes = tuple[tuple[http.HttpMethod, str], ...]
ROUTES: Routes = (
    (http.HttpMethod.POST, "/models/{model}/predict"),
    (http.HttpMethod.POST, "/models/{model}/versions/{version}/predict"),
    (http.HttpMethod.GET, "/models"),
    (http.HttpMethod.GET, "/models/{model}"),
    (http.HttpMethod.GET, "/models/{model}/versions/{version}"),
    (http.HttpMethod.GET, "/models/{model}/reports"),
    (http.HttpMethod.GET, "/v2/health/live"),
    (http.HttpMethod.GET, "/v2/health/ready"),
)
FEATURE_ROUTES: Routes = (
    (http.HttpMethod.GET, "/features/{view}"),
    (http.HttpMethod.POST, "/get-online-features"),
)
ROWS_ROUTES: Routes = ((http.HttpMethod.POST, "/sources/{source}/rows"),)
# API Gateway gives up after 30 s; the function should have said why before that.
PREDICT_TIMEOUT = Duration.seconds(29)
RECORD_TIMEOUT = Duration.minutes(2)
GATHER_TIMEOUT = Duration.minutes(1)
REQUESTS_PER_SECOND = 500
BURST = 1000
ACCESS_LOG_FIELDS = (
    "requestId",
    "requestTimeEpoch",
    "routeKey",
    "status",
    "responseLength",
    "responseLatency",
    "integrationErrorMessage",
)


class ServingStack(Stack):
    """Predictions over HTTP, signed by the caller (SigV4)."""

    def __init__(self, scope: Construct, name: str, *, config: Config, data: DataStack) -> None:
        super().__init__(scope, name, description="Tidemill: serving")
        self._config = config
        self._data = data
        self._layers = Layers(self, config=config)
        predictions = WorkQueue(
            self, "Predictions", consumer_timeout=RECORD_TIMEOUT, alarms=data.notifications
        )
        self._record(predictions)
        added = WorkQueue(self, "Rows", consumer_timeout=GATHER_TIMEOUT, alarms=data.notifications)
        self._gather(added)
        api = self._api(
            {
                self._predict(predictions): ROUTES,
                self._read_features(): FEATURE_ROUTES,
                self._add_rows(added): ROWS_ROUTES,
            }
        )
        CfnOutput(self, "ApiEndpoint", value=api.api_endpoint)

    def _function(
        self, name: str, third_party: str, memory_mb: int, timeout: Duration, *, declarations: bool = False
    ) -> PythonFunction:
        return PythonFunction(
            self,
            name,
            config=self._config,
            layers=self._layers,
            third_party=third_party,
            memory_mb=memory_mb,
            timeout=timeout,
            declarations=declarations,
        )

    def _predict(self, predictions: WorkQueue) -> PythonFunction:
        predict = self._function("predict", "serve", 1769, PREDICT_TIMEOUT)
        predict.uses_bucket(self._data.models_bucket, "TIDEMILL_MODELS_BUCKET", read=["packages/"])
        predict.uses_table(self._data.experiments, "TIDEMILL_EXPERIMENTS_TABLE")
        predict.uses_table(self._data.features, "TIDEMILL_FEATURES_TABLE")
        predict.uses_queue(predictions.queue, "TIDEMILL_PREDICTIONS_QUEUE_URL")
        return predict

    def _read_features(self) -> PythonFunction:
        read = self._function("read_features", "serve", 1769, PREDICT_TIMEOUT, declarations=True)
        read.uses_table(self._data.features, "TIDEMILL_FEATURES_TABLE")
        return read

    def _record(self, predictions: WorkQueue) -> None:
        record = self._function("record_predictions", "data", 1769, RECORD_TIMEOUT)
        record.uses_bucket(
            self._data.data_bucket, "TIDEMILL_DATA_BUCKET", write=["warehouse/"], discard=["warehouse/"]
        )
        record.uses_database(self._data.database, write=True)
        record.uses_table(self._data.experiments, "TIDEMILL_EXPERIMENTS_TABLE")
        # Each batch is one Iceberg commit: steady traffic makes two a minute, not one a second.
        predictions.feed(record, batch_size=100, gather=Duration.seconds(30), max_concurrency=2)

    def _add_rows(self, added: WorkQueue) -> PythonFunction:
        add = self._function("add_rows", "serve", 1769, PREDICT_TIMEOUT, declarations=True)
        add.uses_table(self._data.experiments, "TIDEMILL_EXPERIMENTS_TABLE", write=True)
        add.uses_queue(added.queue, "TIDEMILL_ROWS_QUEUE_URL")
        return add

    def _gather(self, added: WorkQueue) -> None:
        gather = self._function("gather_rows", "serve", 512, GATHER_TIMEOUT)
        gather.uses_bucket(self._data.data_bucket, "TIDEMILL_DATA_BUCKET", write=["uploads/"])
        # Each batch is one upload and so one commit of each source in it.
        added.feed(gather, batch_size=100, gather=Duration.seconds(20), max_concurrency=2)

    def _api(self, routes: Mapping[PythonFunction, Routes]) -> http.HttpApi:
        api = http.HttpApi(self, "Api", default_authorizer=HttpIamAuthorizer(), create_default_stage=False)
        for function, its_routes in routes.items():
            integration = HttpLambdaIntegration(
                function.node.id, function.function, scope_permission_to_route=False
            )
            for method, path in its_routes:
                api.add_routes(path=path, methods=[method], integration=integration)
        stage = http.HttpStage(
            self,
            "Stage",
            http_api=api,
            stage_name="$default",
            auto_deploy=True,
            throttle=http.ThrottleSettings(rate_limit=REQUESTS_PER_SECOND, burst_limit=BURST),
        )
        _log_access(stage, log_group(self, "AccessLogs"))
        return api


def _log_access(stage: http.HttpStage, log: logs.LogGroup) -> None:
    """Write one JSON line per request: who asked what, and how it was answered; never a body."""
    resource = stage.node.default_child
    assert isinstance(resource, http.CfnStage)  # noqa: S101 - narrows the type; a stage's child is no other
    fields = {name: f"$context.{name}" for name in ACCESS_LOG_FIELDS}
    resource.access_log_settings = http.CfnStage.AccessLogSettingsProperty(
        destination_arn=log.log_group_arn, format=json.dumps(fields)
    )
