"""What everything else stands on: buckets, catalog, tables, events, and how uploads become commits."""

import aws_cdk as cdk
from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.config import Config
from infra.constructs.backfill_machine import BackfillMachine
from infra.constructs.function import PythonFunction
from infra.constructs.layers import Layers
from infra.constructs.upkeep import Upkeep
from infra.constructs.work_queue import WorkQueue

INGEST_TIMEOUT = Duration.minutes(15)
MATERIALIZE_TIMEOUT = Duration.minutes(5)
BACKFILL_TIMEOUT = Duration.minutes(15)
REMOVED_FILES_KEPT = Duration.days(30)
# Commits to one table wait for each other; more workers than this would only wait.
WRITERS_AT_ONCE = 2


class DataStack(Stack):
    """Storage shared by all stacks, ingest and materialisation."""

    def __init__(self, scope: Construct, name: str, *, config: Config) -> None:
        super().__init__(scope, name, description="Tidemill: data, features and events")
        self._config = config
        self._stateful = RemovalPolicy.DESTROY if config.ephemeral else RemovalPolicy.RETAIN
        self.layers = Layers(self, config=config)
        self.data_bucket = self._bucket("DataBucket")
        # What upkeep removed from tables is billed on as an earlier version until it goes too.
        self.data_bucket.add_lifecycle_rule(
            prefix="warehouse/", noncurrent_version_expiration=REMOVED_FILES_KEPT
        )
        self.models_bucket = self._bucket("ModelsBucket")
        _send_events(self.data_bucket)
        self.experiments = self._table("ExperimentsTable", sort="sort", expires="expires_at")
        self.features = self._table("FeaturesTable", expires="expires_at")
        self.database = f"tidemill_{config.project}"
        catalog = glue.CfnDatabase(
            self,
            "Catalog",
            catalog_id=cdk.Aws.ACCOUNT_ID,
            database_input=glue.CfnDatabase.DatabaseInputProperty(name=self.database),
        )
        # A database takes its tables along, and with them all knowledge of which files are a table. Its
        # name is fixed, so one that a failed first deployment left would be in the way of the second.
        catalog.apply_removal_policy(
            RemovalPolicy.DESTROY if config.ephemeral else RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        )
        self.bus = events.EventBus(self, "Events", event_bus_name=f"tidemill-{config.project}")
        self.notifications = _topic(self)
        self._ingest()
        self.backfill = self._backfill()
        self._materialize()
        self._keep_tables()
        self._outputs()

    def _bucket(self, name: str) -> s3.Bucket:
        return s3.Bucket(
            self,
            name,
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=self._stateful,
            lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(7))],
        )

    def _table(self, name: str, *, sort: str | None = None, expires: str | None = None) -> dynamodb.Table:
        text = dynamodb.AttributeType.STRING
        return dynamodb.Table(
            self,
            name,
            partition_key=dynamodb.Attribute(name="partition" if sort else "key", type=text),
            sort_key=dynamodb.Attribute(name=sort, type=text) if sort else None,
            time_to_live_attribute=expires,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=not self._config.ephemeral,
            removal_policy=self._stateful,
        )

    def _ingest(self) -> None:
        queue = WorkQueue(self, "Ingest", consumer_timeout=INGEST_TIMEOUT, alarms=self.notifications)
        # S3 speaks on the account's default bus, not on ours.
        events.Rule(
            self,
            "UploadArrived",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [self.data_bucket.bucket_name]},
                    "object": {"key": events.Match.prefix("uploads/")},
                },
            ),
            targets=[queue.as_target()],
        )
        ingest = PythonFunction(
            self,
            "ingest_upload",
            config=self._config,
            layers=self.layers,
            third_party="data",
            declarations=True,
            memory_mb=3538,  # two processors: one parses and checks while the other compresses and writes
            tmp_mb=10_240,  # an upload is read twice, from /tmp: S3's largest single PUT is 5 GB
            timeout=INGEST_TIMEOUT,
        )
        ingest.uses_bucket(
            self.data_bucket,
            "TIDEMILL_DATA_BUCKET",
            read=["uploads/"],
            write=["warehouse/", "quarantine/", "findings/", "keys/", "reports/uploads/"],
            # Files of a commit that another writer's overtook.
            discard=["warehouse/"],
        )
        ingest.uses_database(self.database, write=True)
        ingest.uses_table(self.experiments, "TIDEMILL_EXPERIMENTS_TABLE", write=True)
        ingest.uses_bus(self.bus)
        queue.feed(ingest, batch_size=1, max_concurrency=WRITERS_AT_ONCE)

    def _materialize(self) -> None:
        queue = WorkQueue(
            self, "Materialize", consumer_timeout=MATERIALIZE_TIMEOUT, alarms=self.notifications
        )
        events.Rule(
            self,
            "CommitCreated",
            event_bus=self.bus,
            event_pattern=events.EventPattern(source=["tidemill"], detail_type=["CommitCreated"]),
            targets=[queue.as_target()],
        )
        materialize = self._keeps_views_up("materialize_commit", 1769, MATERIALIZE_TIMEOUT)
        materialize.uses_state_machine(self.backfill.state_machine_arn, "TIDEMILL_BACKFILL_STATE_MACHINE_ARN")
        queue.feed(materialize, batch_size=10, max_concurrency=WRITERS_AT_ONCE)

    def _backfill(self) -> sfn.StateMachine:
        functions = {
            "plan_backfill": self._keeps_views_up("plan_backfill", 1769, BACKFILL_TIMEOUT),
            "fill_view": self._keeps_views_up("fill_view", 3538, BACKFILL_TIMEOUT),
            "finish_backfill": self._keeps_views_up("finish_backfill", 1769, BACKFILL_TIMEOUT),
        }
        machine = BackfillMachine(self, config=self._config, functions=functions).machine
        CfnOutput(self, "BackfillStateMachine", value=machine.state_machine_arn)
        return machine

    def _keeps_views_up(self, name: str, memory_mb: int, timeout: Duration) -> PythonFunction:
        """Make a function that brings commits to the views that are declared or in service."""
        function = PythonFunction(
            self,
            name,
            config=self._config,
            layers=self.layers,
            third_party="data",
            declarations=True,
            memory_mb=memory_mb,
            timeout=timeout,
        )
        function.uses_bucket(self.data_bucket, "TIDEMILL_DATA_BUCKET", read=["warehouse/"])
        function.uses_bucket(self.models_bucket, "TIDEMILL_MODELS_BUCKET", read=["packages/"])
        function.uses_database(self.database)
        function.uses_table(self.features, "TIDEMILL_FEATURES_TABLE", write=True)
        function.uses_table(self.experiments, "TIDEMILL_EXPERIMENTS_TABLE", write=True)
        return function

    def _keep_tables(self) -> None:
        keeper = Upkeep(
            self, "Upkeep", config=self._config, layers=self.layers, alarms=self.notifications
        ).keeper
        keeper.uses_bucket(
            self.data_bucket,
            "TIDEMILL_DATA_BUCKET",
            write=["warehouse/"],
            discard=["warehouse/"],
            purge=["keys/"],
        )
        keeper.uses_bucket(self.models_bucket, "TIDEMILL_MODELS_BUCKET", read=["packages/"])
        keeper.uses_database(self.database, write=True)
        # Of views that nobody needs any more, it removes the items, and how far they had come.
        keeper.uses_table(self.features, "TIDEMILL_FEATURES_TABLE", write=True, clear=True)
        keeper.uses_table(self.experiments, "TIDEMILL_EXPERIMENTS_TABLE", write=True, clear=True)
        keeper.uses_state_machine(self.backfill.state_machine_arn, "TIDEMILL_BACKFILL_STATE_MACHINE_ARN")

    def _outputs(self) -> None:
        for name, value in {
            "Project": self._config.project,
            "DataBucket": self.data_bucket.bucket_name,
            "ModelsBucket": self.models_bucket.bucket_name,
            "Database": self.database,
            "EventBus": self.bus.event_bus_name,
            "ExperimentsTable": self.experiments.table_name,
            "FeaturesTable": self.features.table_name,
            "NotificationTopic": self.notifications.topic_arn,
        }.items():
            CfnOutput(self, f"{name}Output", value=value).override_logical_id(name)


def _send_events(bucket: s3.Bucket) -> None:
    """Switch on EventBridge events natively; the high-level switch brings a custom resource and a Lambda."""
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)  # noqa: S101 - narrows the type; a Bucket's child is no other
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )


def _topic(stack: Stack) -> sns.Topic:
    """Make the topic people subscribe to: finished and failed runs, and alarms."""
    topic = sns.Topic(stack, "Notifications", enforce_ssl=True)
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="AlarmsOfThisAccount",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
        )
    )
    return topic
