"""The resources a function finds in its account, made in the moto server of these tests."""

import functools
import importlib.util
import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tidemill.aws import wiring
from tidemill.aws.clients import client
from tidemill.canonical import canonical_json
from tidemill.features.plan import FeaturePlan, compile_plan
from tidemill.project import Model, load_project
from tidemill.registry.aliases import move_alias
from tidemill.registry.package import store_package
from tidemill.registry.versions import register_version
from tidemill.statistics.intervals import Interval
from tidemill.statistics.profile import ReferenceProfile, profile_column, profile_matrix
from tidemill.training.onnx_conversion import to_onnx_bytes

ROOT = Path(__file__).parents[2]
ROLE = "arn:aws:iam::123456789012:role/states"
NOTHING_TO_DO = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}


def handler_of(function: str) -> Callable[[Mapping[str, Any], object], Any]:
    """Return a function's handler, from a module of its own as in a cold start."""
    path = ROOT / "functions" / function / "handler.py"
    spec = importlib.util.spec_from_file_location(f"{function}_{uuid.uuid4().hex}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[[Mapping[str, Any], object], Any] = module.handler
    return handler


def sample_event(function: str, case: str) -> dict[str, Any]:
    """Return a sample event of ``events/``."""
    event: dict[str, Any] = json.loads((ROOT / "events" / function / f"{case}.json").read_text())
    return event


class Deployment:
    """The bundled project's resources, empty, and the environment that names them."""

    def __init__(self, environment: pytest.MonkeyPatch) -> None:
        name = f"t{uuid.uuid4().hex[:12]}"
        self.queue_url = client("sqs").create_queue(QueueName=name)["QueueUrl"]
        bus_arn = client("events").create_event_bus(Name=name)["EventBusArn"]
        heard = client("sqs").create_queue(QueueName=f"{name}-heard")["QueueUrl"]
        self.heard_url = heard
        arn = client("sqs").get_queue_attributes(QueueUrl=heard, AttributeNames=["QueueArn"])
        client("events").put_rule(Name=name, EventBusName=name, EventPattern='{"source": ["tidemill"]}')
        client("events").put_targets(
            Rule=name, EventBusName=name, Targets=[{"Id": "heard", "Arn": arn["Attributes"]["QueueArn"]}]
        )
        machine = client("stepfunctions").create_state_machine(
            name=name, definition=json.dumps(NOTHING_TO_DO), roleArn=ROLE
        )
        self.machine_arn = machine["stateMachineArn"]
        _tables(name)
        for bucket in (f"{name}-data", f"{name}-models"):
            client("s3").create_bucket(Bucket=bucket)
        client("glue").create_database(DatabaseInput={"Name": name})
        values = {
            "PROJECT": "flights",
            "DATA_BUCKET": f"{name}-data",
            "MODELS_BUCKET": f"{name}-models",
            "EXPERIMENTS_TABLE": f"{name}-experiments",
            "FEATURES_TABLE": f"{name}-features",
            "DATABASE": name,
            "EVENT_BUS": bus_arn,
            "PREDICTIONS_QUEUE_URL": self.queue_url,
            "TRAINING_STATE_MACHINE_ARN": self.machine_arn,
            "BACKFILL_STATE_MACHINE_ARN": self.machine_arn,
        }
        for key, value in values.items():
            environment.setenv(f"TIDEMILL_{key}", value)

    @functools.cached_property
    def model(self) -> Model:
        """The bundled model's declaration."""
        return load_project("flights").model("late_arrival")

    def promote(self) -> FeaturePlan:
        """Put a version into service that was made from noise, and return its plan."""
        plan = compile_plan(self.model)
        generator = np.random.default_rng(0)
        matrix = generator.normal(size=(500, len(plan.inputs))).astype(np.float32)
        estimator = self.model.estimator().fit(matrix, matrix[:, 0] > 0)
        reference = ReferenceProfile(
            columns=profile_matrix(matrix, list(plan.inputs), {}),
            prediction=profile_column("prediction", estimator.predict_proba(matrix)[:, 1]),
            label_rate=0.5,
            metric="roc_auc",
            quality=Interval(0.9, 0.88, 0.92, 0.95),
            test_rows=500,
        )
        files = {
            "serving.json": canonical_json({"format": 1, "plan": plan.to_json(), "threshold": 0.5}),
            "reference.json": canonical_json(reference.to_json()),
            "model.onnx": to_onnx_bytes(estimator, len(plan.inputs)),
        }
        package = store_package(wiring.models_blobs(), "late_arrival", files)
        at = "2013-03-01T00:00:00Z"
        version = register_version(
            wiring.documents(),
            "late_arrival",
            run_id="first",
            package=package,
            at=at,
            passed=True,
            gates=[],
            metrics={},
            lineage={},
        )
        move_alias(
            wiring.documents(), "late_arrival", "champion", version.version, revision=0, at=at, by="first"
        )
        return plan

    def messages(self, url: str) -> list[str]:
        """Take the messages that wait in a queue."""
        answer = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [message["Body"] for message in answer.get("Messages", [])]

    def executions(self) -> list[str]:
        """Return the names of the executions that were started."""
        listed = client("stepfunctions").list_executions(stateMachineArn=self.machine_arn)["executions"]
        return [execution["name"] for execution in listed]


def _tables(name: str) -> None:
    for table, keys in (("experiments", ["partition", "sort"]), ("features", ["key"])):
        client("dynamodb").create_table(
            TableName=f"{name}-{table}",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ["HASH", "RANGE"], strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        )
