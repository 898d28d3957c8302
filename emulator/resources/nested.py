"""What may stand inside a property. Whatever is not known to have an effect is refused, at any depth.

Most structures go straight into an API call: what that call takes is read from botocore's model of it, so no
list of it is kept here. Structures that are spelled otherwise in templates are listed, path by path. What is
inside of the rest is the template author's own: policies, event patterns, names of variables.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from emulator import aws
from emulator.resources.base import ResourceType, words


@dataclass(frozen=True)
class Inside:
    """What may stand inside the properties of one type.

    Parameters
    ----------
    calls
        ``service.Operation``, of the API calls that take properties as they are.
    parts
        Paths of structures that are spelled otherwise than in any call, such as ``Code.S3Key``.
    free
        Paths whose inside is the author's own.
    """

    calls: tuple[str, ...] = ()
    parts: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()


_FILTER = "Filter.S3Key.Rules.Name Filter.S3Key.Rules.Value"
_LIFECYCLE = " ".join(
    f"LifecycleConfiguration.Rules.{name}"
    for name in (
        "AbortIncompleteMultipartUpload.DaysAfterInitiation",
        "ExpirationDate",
        "ExpirationInDays",
        "ExpiredObjectDeleteMarker",
        "Id",
        "NoncurrentVersionExpiration.NewerNoncurrentVersions",
        "NoncurrentVersionExpiration.NoncurrentDays",
        "NoncurrentVersionExpirationInDays",
        "ObjectSizeGreaterThan",
        "ObjectSizeLessThan",
        "Prefix",
        "Status",
        "TagFilters.Key",
        "TagFilters.Value",
    )
)
_NOTIFICATIONS = " ".join(
    f"NotificationConfiguration.{kind}.{part}"
    for kind, target in (
        ("QueueConfigurations", "Queue"),
        ("TopicConfigurations", "Topic"),
        ("LambdaConfigurations", "Function"),
    )
    for part in f"{target} Event {_FILTER}".split()
)
_INDEXES = "dynamodb.CreateTable dynamodb.UpdateContinuousBackups dynamodb.UpdateTimeToLive"
_TABLE_ENCRYPTION = "SSESpecification.SSEEnabled SSESpecification.SSEType SSESpecification.KMSMasterKeyId"

_GENERATED = " ".join(
    f"GenerateSecretString.{name}"
    for name in [
        "SecretStringTemplate",
        "GenerateStringKey",
        "PasswordLength",
        "ExcludeCharacters",
        "ExcludeNumbers",
        "ExcludePunctuation",
        "ExcludeUppercase",
        "ExcludeLowercase",
        "IncludeSpace",
        "RequireEachIncludedType",
    ]
)


def _inside(calls: str = "", parts: str = "", free: str = "") -> Inside:
    return Inside(tuple(calls.split()), words(parts), words(free))


INSIDES: Mapping[str, Inside] = {
    "AWS::ApiGatewayV2::Api": _inside("apigatewayv2.CreateApi"),
    "AWS::ApiGatewayV2::Authorizer": _inside("apigatewayv2.CreateAuthorizer"),
    "AWS::ApiGatewayV2::Integration": _inside("apigatewayv2.CreateIntegration"),
    "AWS::ApiGatewayV2::Route": _inside("apigatewayv2.CreateRoute"),
    "AWS::ApiGatewayV2::Stage": _inside("apigatewayv2.CreateStage"),
    "AWS::CloudWatch::Alarm": _inside("cloudwatch.PutMetricAlarm"),
    "AWS::Cognito::UserPool": _inside("cognito-idp.CreateUserPool"),
    "AWS::Cognito::UserPoolClient": _inside("cognito-idp.CreateUserPoolClient"),
    "AWS::DynamoDB::GlobalTable": _inside(
        _INDEXES,
        f"{_TABLE_ENCRYPTION} Replicas.Region Replicas.Tags Replicas.DeletionProtectionEnabled "
        "Replicas.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled "
        "Replicas.ContributorInsightsSpecification Replicas.GlobalSecondaryIndexes.IndexName",
        "Replicas.Tags Replicas.ContributorInsightsSpecification",
    ),
    "AWS::DynamoDB::Table": _inside(_INDEXES, _TABLE_ENCRYPTION),
    "AWS::ECR::Repository": _inside(free="RepositoryPolicyText"),
    "AWS::Events::Archive": _inside(free="EventPattern"),
    "AWS::Events::EventBusPolicy": _inside(free="Statement"),
    "AWS::Events::Rule": _inside("events.PutTargets", free="EventPattern"),
    "AWS::Glue::Database": _inside("glue.CreateDatabase"),
    "AWS::IAM::ManagedPolicy": _inside(free="PolicyDocument"),
    "AWS::IAM::Policy": _inside(free="PolicyDocument"),
    "AWS::IAM::Role": _inside(
        parts="Policies.PolicyName Policies.PolicyDocument",
        free="AssumeRolePolicyDocument Policies.PolicyDocument",
    ),
    "AWS::KMS::Key": _inside(free="KeyPolicy"),
    "AWS::Lambda::Alias": _inside(
        "lambda.CreateAlias",
        "RoutingConfig.AdditionalVersionWeights.FunctionVersion "
        "RoutingConfig.AdditionalVersionWeights.FunctionWeight",
    ),
    "AWS::Lambda::EventInvokeConfig": _inside("lambda.PutFunctionEventInvokeConfig"),
    "AWS::Lambda::EventSourceMapping": _inside("lambda.CreateEventSourceMapping"),
    "AWS::Lambda::Function": _inside("lambda.CreateFunction"),
    "AWS::Logs::MetricFilter": _inside(
        parts=" ".join(
            f"MetricTransformations.{name}"
            for name in (
                "DefaultValue",
                "Dimensions.Key",
                "Dimensions.Value",
                "MetricName",
                "MetricNamespace",
                "MetricValue",
                "Unit",
            )
        ),
    ),
    "AWS::S3::Bucket": _inside(
        "s3.PutBucketVersioning s3.PutPublicAccessBlock s3.PutBucketOwnershipControls",
        "BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault.SSEAlgorithm "
        "BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault.KMSMasterKeyID "
        "BucketEncryption.ServerSideEncryptionConfiguration.BucketKeyEnabled "
        "CorsConfiguration.CorsRules.Id CorsConfiguration.CorsRules.MaxAge "
        "CorsConfiguration.CorsRules.AllowedHeaders CorsConfiguration.CorsRules.AllowedMethods "
        "CorsConfiguration.CorsRules.AllowedOrigins CorsConfiguration.CorsRules.ExposedHeaders "
        "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled "
        f"{_NOTIFICATIONS} {_LIFECYCLE}",
    ),
    "AWS::S3::BucketPolicy": _inside(free="PolicyDocument"),
    "AWS::SNS::Subscription": _inside(parts="RedrivePolicy.deadLetterTargetArn", free="FilterPolicy"),
    "AWS::SNS::Topic": _inside(parts="Subscription.Protocol Subscription.Endpoint"),
    "AWS::SNS::TopicPolicy": _inside(free="PolicyDocument"),
    "AWS::SQS::Queue": _inside(
        parts="RedrivePolicy.deadLetterTargetArn RedrivePolicy.maxReceiveCount "
        "RedriveAllowPolicy.redrivePermission RedriveAllowPolicy.sourceQueueArns",
    ),
    "AWS::SQS::QueuePolicy": _inside(free="PolicyDocument"),
    "AWS::Scheduler::Schedule": _inside("scheduler.CreateSchedule"),
    "AWS::SecretsManager::Secret": _inside(parts=_GENERATED),
    "AWS::StepFunctions::StateMachine": _inside(
        parts="DefinitionS3Location.Bucket DefinitionS3Location.Key",
        free="Definition DefinitionSubstitutions",
    ),
    "Custom::S3BucketNotifications": _inside("s3.PutBucketNotificationConfiguration"),
}
_NOTHING = Inside()


def unknown_inside(kind: ResourceType, properties: Mapping[str, Any]) -> list[str]:
    """Name what stands inside a type's properties and would be ignored.

    Parameters
    ----------
    kind
        The type.
    properties
        As the template has them; what intrinsic functions stand for is not looked into.

    Returns
    -------
    list of str
        Paths, each once.

    Examples
    --------
    >>> from emulator.resources.messaging import TYPES
    >>> unknown_inside(TYPES[0], {"RedrivePolicy": {"maxReceiveCount": 3, "colour": "red"}})
    ['RedrivePolicy.colour']
    """
    look = _Look(kind, INSIDES.get(kind.name, _NOTHING))
    found = [
        path
        for name, value in properties.items()
        if name in look.top_level and name != "Tags"
        for path in look.into(value, name, look.shape_of(name))
    ]
    return list(dict.fromkeys(found))


class _Look:
    """Looks into the properties of one type."""

    def __init__(self, kind: ResourceType, inside: Inside) -> None:
        self._inside = inside
        self._accepted = frozenset(kind.accepted)
        listed = kind.honoured | self._accepted | inside.parts
        self._listed = frozenset(prefix for path in listed for prefix in _prefixes(path))
        self._opened = frozenset(path.rpartition(".")[0] for path in self._listed)
        self.top_level = frozenset(path.partition(".")[0] for path in kind.honoured)

    def into(self, value: Any, path: str, shape: Shape | None) -> Iterator[str]:
        """Yield the paths below one that nothing knows."""
        if path in self._inside.free or path in self._accepted:
            return
        if isinstance(value, list):
            member = shape.member if isinstance(shape, ListShape) else shape
            for item in value:
                yield from self.into(item, path, member)
        elif isinstance(value, Mapping):
            yield from self._into_mapping(value, path, shape)

    def _into_mapping(self, value: Mapping[str, Any], path: str, shape: Shape | None) -> Iterator[str]:
        for key, item in value.items():
            if key == "Fn::If":
                yield from self.into(item[1:], path, shape)
            elif key == "Ref" or key.startswith("Fn::"):
                continue
            elif isinstance(shape, MapShape) and path not in self._opened:
                yield from self.into(item, path, shape.value)
            elif self._knows(f"{path}.{key}", key, path, shape):
                yield from self.into(item, f"{path}.{key}", _member(shape, key))
            else:
                yield f"{path}.{key}"

    def _knows(self, inner: str, key: str, path: str, shape: Shape | None) -> bool:
        if path in self._opened:
            return inner in self._listed
        return isinstance(shape, StructureShape) and key in shape.members

    def shape_of(self, name: str) -> Shape | None:
        """Give the shape of a property in the call that takes it."""
        for call in self._inside.calls:
            found = _member(_input_of(call), name)
            if found is not None:
                return found
        return None


def _prefixes(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _member(shape: Shape | None, name: str) -> Shape | None:
    if isinstance(shape, StructureShape):
        found: Shape | None = shape.members.get(name)
        return found
    return None


@cache
def _input_of(call: str) -> Shape | None:
    service, operation = call.split(".")
    model = ServiceModel(aws.service_models().load_service_model(service, "service-2"))
    shape: Shape | None = model.operation_model(operation).input_shape
    return shape
