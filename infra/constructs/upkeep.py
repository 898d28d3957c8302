"""The weekly upkeep of the tables: fewer files, and no version that nothing needs."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.config import Config
from infra.constructs.function import PythonFunction
from infra.constructs.layers import Layers
from infra.constructs.work_queue import dead_letter_queue

# After the monitors of the night, before anybody's working day in Europe or America.
SCHEDULE = "cron(30 3 ? * SUN *)"
TIMEOUT = Duration.minutes(15)


class Upkeep(Construct):
    """A schedule, the function it wakes, and dead letters behind it.

    The output ``UpkeepDeadLettersUrl`` of the stack tells where what failed for good lies. What the
    function may use is granted by whoever owns it.
    """

    def __init__(
        self, scope: Construct, name: str, *, config: Config, layers: Layers, alarms: sns.ITopic
    ) -> None:
        super().__init__(scope, name)
        dead_letters = dead_letter_queue(self, "DeadLetters", alarms=alarms)
        self.keeper = PythonFunction(
            scope,  # the stack: a function's logical id begins with its folder's name
            "keep_tables",
            config=config,
            layers=layers,
            third_party="data",
            declarations=True,
            memory_mb=2048,
            timeout=TIMEOUT,
            dead_letters=dead_letters,
        )
        events.Rule(
            self,
            "Weekly",
            schedule=events.Schedule.expression(SCHEDULE),
            targets=[
                targets.LambdaFunction(
                    self.keeper.function,
                    # The time is the event's own: a second delivery keeps the same versions.
                    event=events.RuleTargetInput.from_object({"time": events.EventField.time}),
                    dead_letter_queue=dead_letters,
                )
            ],
        )
        CfnOutput(Stack.of(self), "UpkeepDeadLettersUrl", value=dead_letters.queue_url)
