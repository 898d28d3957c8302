"""The training state machine: which step follows which, and what each is given.

The state is one JSON object: run_id, model, at, reason and set, and beside them the result of each
step under its own name. A step is given the whole object unless it says otherwise here. JSONPath
throughout: the local cloud's interpreter has no JSONata.
"""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.config import Config
from infra.constructs.function import PythonFunction, construct_name, log_group

CANDIDATES_AT_ONCE = 2
LAMBDA_FAILURES = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]
# The library's platform errors that another try may not meet again.
PASSING_FAILURES = ["Unavailable", "Conflict"]
COMMON = {name: sfn.JsonPath.object_at(f"$.{name}") for name in ("run_id", "model", "at", "reason", "set")}
SO_FAR = {name: sfn.JsonPath.object_at(f"$.{name}") for name in ("pin_dataset", "build_training_set")}


class TrainingMachine(Construct):
    """The state machine of one project; a run is an execution.

    Parameters
    ----------
    functions
        The step functions by their folder names.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        config: Config,
        functions: Mapping[str, PythonFunction],
        bus: events.IEventBus,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, "Training")
        self._project = config.project
        self._functions = functions
        self._bus = bus
        self._topic = topic
        self._on_failure = self._failed()
        self.machine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_chainable(self._definition()),
            comment="Train, judge and promote one model",
            timeout=Duration.hours(6),
            tracing_enabled=config.tracing,
            logs=sfn.LogOptions(
                destination=log_group(self, "Logs"), level=sfn.LogLevel.ERROR, include_execution_data=False
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _definition(self) -> sfn.IChainable:
        finished = self._finished()
        promote = self._step("promote_model").next(finished)
        keep = sfn.Pass(
            self,
            "KeepChampion",
            comment="A gate was not passed: the version is kept, no alias moves",
            result=sfn.Result.from_object({"promoted": False}),
            result_path="$.promote_model",
        ).next(finished)
        return (
            self._begin()
            .next(self._step("pin_dataset"))
            .next(self._step("build_training_set"))
            .next(self._candidates())
            .next(self._step("select_candidate"))
            .next(self._fit_selected())
            .next(self._step("evaluate_candidate"))
            .next(self._step("check_gates"))
            .next(self._step("register_model"))
            .next(
                sfn.Choice(self, "Passed")
                .when(sfn.Condition.boolean_equals("$.check_gates.passed", value=True), promote)
                .otherwise(keep)
            )
        )

    def _begin(self) -> sfn.Chain:
        """Fill in what the caller left out; a run is named as its execution is."""
        defaults = sfn.Pass(
            self,
            "Defaults",
            parameters={
                "run_id.$": "$$.Execution.Name",
                "at.$": "$$.Execution.StartTime",
                "reason": {"kind": "manual", "detail": ""},
                "set": {},
            },
            result_path="$.defaults",
        )
        begin = sfn.Pass(
            self,
            "Begin",
            parameters={"input.$": "States.JsonMerge($.defaults, $$.Execution.Input, false)"},
            output_path="$.input",
        )
        return defaults.next(begin)

    def _candidates(self) -> sfn.Map:
        each = sfn.Map(
            self,
            "TrainCandidates",
            items_path="$.build_training_set.candidates",
            item_selector={
                **COMMON,
                **SO_FAR,
                "candidate": sfn.JsonPath.object_at("$$.Map.Item.Value"),
                "fit_on": "train",
            },
            max_concurrency=CANDIDATES_AT_ONCE,
            result_path="$.candidates",
        )
        each.item_processor(self._invoke("TrainCandidate", "train_candidate"))
        each.add_catch(self._on_failure, errors=["States.ALL"], result_path="$.error")
        return each

    def _fit_selected(self) -> tasks.LambdaInvoke:
        fit = self._invoke(
            "FitSelected",
            "train_candidate",
            payload=sfn.TaskInput.from_object(
                {
                    **COMMON,
                    **SO_FAR,
                    "candidate": sfn.JsonPath.object_at("$.select_candidate.candidate"),
                    "fit_on": "train_and_validation",
                }
            ),
            result_path="$.fit_selected",
        )
        return self._caught(fit)

    def _step(self, name: str) -> tasks.LambdaInvoke:
        return self._caught(self._invoke(construct_name(name), name, result_path=f"$.{name}"))

    def _invoke(
        self,
        state: str,
        function: str,
        *,
        payload: sfn.TaskInput | None = None,
        result_path: str | None = None,
    ) -> tasks.LambdaInvoke:
        invoke = tasks.LambdaInvoke(
            self,
            state,
            lambda_function=self._functions[function].function,
            payload=payload,
            payload_response_only=True,
            result_path=result_path,
            retry_on_service_exceptions=False,
        )
        _try_again(invoke, [*LAMBDA_FAILURES, *PASSING_FAILURES])
        return invoke

    def _caught(self, step: tasks.LambdaInvoke) -> tasks.LambdaInvoke:
        step.add_catch(self._on_failure, errors=["States.ALL"], result_path="$.error")
        return step

    def _finished(self) -> sfn.Chain:
        text = sfn.JsonPath.format(
            "Run {} of model {} finished as version {}; promoted: {}",
            *map(sfn.JsonPath.string_at, ("$.run_id", "$.model", "$.register_model.version")),
            sfn.JsonPath.string_at("$.promote_model.promoted"),
        )
        announce = self._announce(
            "AnnounceFinished",
            {
                "status": "finished",
                "version": sfn.JsonPath.object_at("$.register_model.version"),
                "promoted": sfn.JsonPath.object_at("$.promote_model.promoted"),
            },
        )
        return announce.next(self._notify("NotifyFinished", text))

    def _failed(self) -> tasks.LambdaInvoke:
        text = sfn.JsonPath.format(
            "Run {} of model {} failed: {}",
            *map(sfn.JsonPath.string_at, ("$.run_id", "$.model", "$.error.Cause")),
        )
        announce = self._announce("AnnounceFailed", {"status": "failed", "promoted": False})
        record = self._invoke("RecordFailure", "record_failure", result_path=sfn.JsonPath.DISCARD)
        # Whoever waits for the run hears of its failure also when it could not be written down.
        record.add_catch(announce, errors=["States.ALL"], result_path="$.record_failure")
        record.next(announce)
        announce.next(self._notify("NotifyFailed", text)).next(
            sfn.Fail(self, "Failed", error_path="$.error.Error", cause_path="$.error.Cause")
        )
        return record

    def _announce(self, state: str, detail: Mapping[str, object]) -> tasks.EventBridgePutEvents:
        common = {name: COMMON[name] for name in ("run_id", "model", "reason", "at")}
        announce = tasks.EventBridgePutEvents(
            self,
            state,
            entries=[
                tasks.EventBridgePutEventsEntry(
                    event_bus=self._bus,
                    source="tidemill",
                    detail_type="RunFinished",
                    detail=sfn.TaskInput.from_object({"project": self._project, **common, **detail}),
                )
            ],
            result_path=sfn.JsonPath.DISCARD,
        )
        _try_again(announce, ["States.TaskFailed"])
        return announce

    def _notify(self, state: str, text: str) -> tasks.SnsPublish:
        notify = tasks.SnsPublish(
            self,
            state,
            topic=self._topic,
            message=sfn.TaskInput.from_text(text),
            result_path=sfn.JsonPath.DISCARD,
        )
        _try_again(notify, ["States.TaskFailed"])
        return notify


def _try_again(task: sfn.TaskStateBase, errors: list[str]) -> None:
    task.add_retry(errors=errors, interval=Duration.seconds(2), max_attempts=4, backoff_rate=2)
