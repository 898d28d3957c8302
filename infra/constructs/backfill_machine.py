"""The state machine that fills a feature view from history: plan, fill part by part, switch over.

Parts of the entities are filled side by side, the chunks of commits of each part in their order. When the
history changes meanwhile, the plan is made anew. JSONPath
throughout: the local cloud's interpreter has no JSONata.
"""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.config import Config
from infra.constructs.function import PythonFunction, construct_name, log_group
from infra.constructs.training_machine import LAMBDA_FAILURES, PASSING_FAILURES

PARTS_AT_ONCE = 4
OUTDATED = "Outdated"
ITEMS = ("view", "version", "generation")
"""What a plan says of the items to fill."""


class BackfillMachine(Construct):
    """The state machine; an execution fills one version of one view.

    Parameters
    ----------
    functions
        ``plan_backfill``, ``fill_view`` and ``finish_backfill`` by these names.
    """

    def __init__(self, scope: Construct, *, config: Config, functions: Mapping[str, PythonFunction]) -> None:
        super().__init__(scope, "Backfill")
        self._functions = functions
        self.machine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_chainable(self._definition()),
            comment="Fill one feature view from the history of its source",
            timeout=Duration.hours(24),
            tracing_enabled=config.tracing,
            logs=sfn.LogOptions(
                destination=log_group(self, "Logs"), level=sfn.LogLevel.ERROR, include_execution_data=False
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _definition(self) -> sfn.IChainable:
        chunks = sfn.Map(
            self,
            "Chunks",
            comment="One at a time: each builds on what the one before it wrote",
            items_path="$.chunks",
            item_selector={
                "chunk": sfn.JsonPath.object_at("$$.Map.Item.Value"),
                **{name: sfn.JsonPath.object_at(f"$.{name}") for name in ITEMS},
            },
            max_concurrency=1,
            result_path=sfn.JsonPath.DISCARD,
        )
        chunks.item_processor(self._parts())
        plan, finish = self._invoke("plan_backfill"), self._invoke("finish_backfill")
        for step in (chunks, finish):
            # What the plan was made on was taken back or has expired: the plan is made anew.
            step.add_catch(plan, errors=[OUTDATED], result_path="$.outdated")
        whole = (
            sfn.Choice(self, "Whole", comment="A large commit that came meanwhile needs a plan of its own")
            .when(sfn.Condition.boolean_equals("$.whole", value=True), sfn.Succeed(self, "Filled"))
            .otherwise(plan)
        )
        return plan.next(chunks).next(finish).next(whole)

    def _parts(self) -> sfn.Map:
        parts = sfn.Map(
            self,
            "Parts",
            items_path="$.chunk.parts",
            item_selector={
                **{name: sfn.JsonPath.object_at(f"$.{name}") for name in ITEMS},
                "part": sfn.JsonPath.object_at("$$.Map.Item.Value.part"),
                "of": sfn.JsonPath.object_at("$$.Map.Item.Value.of"),
                "after": sfn.JsonPath.object_at("$.chunk.after"),
                "until": sfn.JsonPath.object_at("$.chunk.until"),
            },
            max_concurrency=PARTS_AT_ONCE,
            result_path=sfn.JsonPath.DISCARD,
        )
        parts.item_processor(self._invoke("fill_view"))
        return parts

    def _invoke(self, function: str) -> tasks.LambdaInvoke:
        invoke = tasks.LambdaInvoke(
            self,
            construct_name(function),
            lambda_function=self._functions[function].function,
            payload_response_only=True,
            retry_on_service_exceptions=False,
        )
        invoke.add_retry(
            errors=[*LAMBDA_FAILURES, *PASSING_FAILURES],
            interval=Duration.seconds(2),
            max_attempts=4,
            backoff_rate=2,
        )
        return invoke
