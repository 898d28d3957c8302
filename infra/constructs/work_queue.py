"""A queue with what belongs to it: dead letters behind it, an alarm on them, and one consumer."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.function import PythonFunction

RECEIVES_BEFORE_DEAD = 5
# AWS asks for six times the consumer's timeout: no message comes again while it is worked on.
VISIBILITY_PER_TIMEOUT = 6


def dead_letter_queue(scope: Construct, name: str, *, alarms: sns.ITopic) -> sqs.Queue:
    """Make a queue for what failed for good, with an alarm as soon as one message is in it."""
    queue = sqs.Queue(
        scope,
        name,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )
    alarm = cloudwatch.Alarm(
        scope,
        f"{name}Alarm",
        metric=queue.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(5), statistic="Maximum"
        ),
        threshold=1,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description="Messages failed for good: look at them with `tidemill status`.",
    )
    alarm.add_alarm_action(actions.SnsAction(alarms))
    return queue


class WorkQueue(Construct):
    """Work for one function, delivered at least once; what fails five times goes to the dead letters.

    Outputs ``<name>QueueUrl`` and ``<name>DeadLettersUrl`` of the stack tell where both are.

    Parameters
    ----------
    consumer_timeout
        The timeout of the function that will take from the queue.
    alarms
        The topic told when a message failed for good.
    """

    def __init__(
        self, scope: Construct, name: str, *, consumer_timeout: Duration, alarms: sns.ITopic
    ) -> None:
        super().__init__(scope, f"{name}Work")
        self.dead_letters = dead_letter_queue(self, "DeadLetters", alarms=alarms)
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(VISIBILITY_PER_TIMEOUT * consumer_timeout.to_seconds()),
            retention_period=Duration.days(14),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=RECEIVES_BEFORE_DEAD
            ),
        )
        CfnOutput(Stack.of(self), f"{name}QueueUrl", value=self.queue.queue_url)
        CfnOutput(Stack.of(self), f"{name}DeadLettersUrl", value=self.dead_letters.queue_url)

    def as_target(self) -> targets.SqsQueue:
        """Return the queue as a rule's target; an event that can not be delivered is a dead letter too."""
        return targets.SqsQueue(self.queue, dead_letter_queue=self.dead_letters)

    def feed(
        self,
        consumer: PythonFunction,
        *,
        batch_size: int,
        gather: Duration | None = None,
        max_concurrency: int | None = None,
    ) -> None:
        """Let a function take messages; it answers with those of a batch that failed.

        ``gather`` is how long messages may wait for others to be taken with.
        """
        consumer.function.add_event_source(
            sources.SqsEventSource(
                self.queue,
                batch_size=batch_size,
                max_batching_window=gather,
                max_concurrency=max_concurrency,
                report_batch_item_failures=True,
            )
        )
