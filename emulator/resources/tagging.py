"""Changes a resource's tags with its template; each service spells the three calls its own way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.resources.base import Request


@dataclass(frozen=True)
class _Spelling:
    """How a service lists, removes and sets tags: an empty `pair` stands for tags as a mapping."""

    service: str
    resource: str
    pair: tuple[str, ...] = ("Key", "Value")
    calls: tuple[str, str, str] = ("list_tags_for_resource", "untag_resource", "tag_resource")
    tags: str = "Tags"
    keys: str = "TagKeys"

    def read(self, client: Any, resource: str) -> dict[str, str]:
        """List the tags there are."""
        answer = getattr(client, self.calls[0])(**{self.resource: resource})
        found = answer.get(self.tags) or {}
        if not self.pair:
            return dict(found)
        key, value = self.pair
        return {tag[key]: tag[value] for tag in found}

    def write(self, tags: Mapping[str, str]) -> Any:
        """Spell tags as the service takes them."""
        if not self.pair:
            return dict(tags)
        return [dict(zip(self.pair, tag, strict=True)) for tag in tags.items()]


_TABLE = _Spelling(
    "dynamodb", "ResourceArn", calls=("list_tags_of_resource", "untag_resource", "tag_resource")
)
_SPELLINGS = {
    "AWS::ApiGatewayV2::Api": _Spelling(
        "apigatewayv2", "ResourceArn", pair=(), calls=("get_tags", "untag_resource", "tag_resource")
    ),
    "AWS::DynamoDB::GlobalTable": _TABLE,
    "AWS::DynamoDB::Table": _TABLE,
    "AWS::ECR::Repository": _Spelling("ecr", "resourceArn", tags="tags", keys="tagKeys"),
    "AWS::Events::EventBus": _Spelling("events", "ResourceARN"),
    "AWS::IAM::Role": _Spelling("iam", "RoleName", calls=("list_role_tags", "untag_role", "tag_role")),
    "AWS::KMS::Key": _Spelling(
        "kms", "KeyId", ("TagKey", "TagValue"), ("list_resource_tags", "untag_resource", "tag_resource")
    ),
    "AWS::Lambda::Function": _Spelling(
        "lambda", "Resource", pair=(), calls=("list_tags", "untag_resource", "tag_resource")
    ),
    "AWS::Logs::LogGroup": _Spelling("logs", "resourceArn", pair=(), tags="tags", keys="tagKeys"),
    "AWS::SNS::Topic": _Spelling("sns", "ResourceArn"),
    "AWS::SQS::Queue": _Spelling(
        "sqs", "QueueUrl", pair=(), calls=("list_queue_tags", "untag_queue", "tag_queue")
    ),
    "AWS::SecretsManager::Secret": _Spelling(
        "secretsmanager", "SecretId", calls=("describe_secret", "untag_resource", "tag_resource")
    ),
    "AWS::StepFunctions::StateMachine": _Spelling(
        "stepfunctions", "resourceArn", ("key", "value"), tags="tags", keys="tagKeys"
    ),
}
"""By type; the others carry no tags, or are replaced with them as in AWS."""


def retag(request: Request, resource: str) -> None:
    """Make a resource's tags those of its template.

    Parameters
    ----------
    request
        The wanted properties.
    resource
        What the service's calls name it by: ARN, name or URL.
    """
    spelling, wanted = _SPELLINGS[request.type], request.tags()
    client = request.client(spelling.service)
    before = spelling.read(client, resource)
    gone = sorted(before.keys() - wanted.keys())
    if gone:
        getattr(client, spelling.calls[1])(**{spelling.resource: resource, spelling.keys: gone})
    if wanted and wanted != before:
        getattr(client, spelling.calls[2])(
            **{spelling.resource: resource, spelling.tags: spelling.write(wanted)}
        )
