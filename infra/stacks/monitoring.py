"""Monitoring: the daily look at each model, and the decision whether to retrain."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.config import Config
from infra.constructs.function import PythonFunction, construct_name
from infra.constructs.layers import Layers
from infra.constructs.work_queue import WorkQueue, dead_letter_queue
from infra.stacks.data import DataStack
from infra.stacks.training import TrainingStack

MONITOR_TIMEOUT = Duration.minutes(10)
DECIDE_TIMEOUT = Duration.minutes(1)


class MonitoringStack(Stack):
    """Schedules, monitor, and the retraining policy."""

    def __init__(
        self, scope: Construct, name: str, *, config: Config, data: DataStack, training: TrainingStack
    ) -> None:
        super().__init__(scope, name, description="Tidemill: monitoring and retraining")
        self._config = config
        self._data = data
        self._layers = Layers(self, config=config)
        self._monitor()
        self._tell_of_silence()
        self._decide(training)

    def _monitor(self) -> None:
        dead_letters = dead_letter_queue(self, "MonitorDeadLetters", alarms=self._data.notifications)
        CfnOutput(self, "MonitorDeadLettersUrl", value=dead_letters.queue_url)
        monitor = PythonFunction(
            self,
            "monitor_model",
            config=self._config,
            layers=self._layers,
            third_party="data",
            declarations=True,
            memory_mb=1769,
            timeout=MONITOR_TIMEOUT,
            dead_letters=dead_letters,
        )
        monitor.uses_bucket(
            self._data.data_bucket, "TIDEMILL_DATA_BUCKET", read=["warehouse/"], write=["reports/monitor/"]
        )
        monitor.uses_bucket(self._data.models_bucket, "TIDEMILL_MODELS_BUCKET", read=["packages/"])
        monitor.uses_database(self._data.database)
        monitor.uses_table(self._data.experiments, "TIDEMILL_EXPERIMENTS_TABLE", write=True)
        monitor.uses_bus(self._data.bus)
        for model in self._config.models:
            events.Rule(
                self,
                f"Monitor{construct_name(model.name)}",
                schedule=events.Schedule.expression(model.schedule),
                targets=[
                    targets.LambdaFunction(
                        monitor.function,
                        # The time is the event's own: a second delivery looks at the same window.
                        event=events.RuleTargetInput.from_object(
                            {"model": model.name, "time": events.EventField.time}
                        ),
                        dead_letter_queue=dead_letters,
                    )
                ],
            )

    def _tell_of_silence(self) -> None:
        """Alarm when a source has been silent for longer than it declares; monitors count those that are."""
        alarm = cloudwatch.Alarm(
            self,
            "SilentSourcesAlarm",
            metric=cloudwatch.Metric(
                namespace="Tidemill",
                metric_name="SilentSources",
                dimensions_map={"Project": self._config.project},
                period=Duration.days(1),
                statistic="Maximum",
            ),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            # A monitor that looks less than daily has not heard the source meanwhile.
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
            alarm_description="A source has fallen silent: `tidemill status` names it.",
        )
        alarm.add_alarm_action(actions.SnsAction(self._data.notifications))

    def _decide(self, training: TrainingStack) -> None:
        queue = WorkQueue(self, "Decisions", consumer_timeout=DECIDE_TIMEOUT, alarms=self._data.notifications)
        events.Rule(
            self,
            "MonitorReport",
            event_bus=self._data.bus,
            event_pattern=events.EventPattern(source=["tidemill"], detail_type=["MonitorReport"]),
            targets=[queue.as_target()],
        )
        decide = PythonFunction(
            self,
            "decide_retrain",
            config=self._config,
            layers=self._layers,
            third_party="serve",
            declarations=True,
            memory_mb=512,
            timeout=DECIDE_TIMEOUT,
        )
        decide.uses_table(self._data.experiments, "TIDEMILL_EXPERIMENTS_TABLE", write=True)
        decide.uses_state_machine(training.machine.state_machine_arn, "TIDEMILL_TRAINING_STATE_MACHINE_ARN")
        queue.feed(decide, batch_size=1)
