"""What is kept: moto's backends by name, and those of other services that are not."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend

from emulator import aws

BackendKey = tuple[str, str, str]
"""Name in `KEPT`, account, region or partition."""

KEPT = {
    "apigateway": "moto.apigateway.models:apigateway_backends",
    "apigatewayv2": "moto.apigatewayv2.models:apigatewayv2_backends",
    "cloudformation": "moto.cloudformation.models:cloudformation_backends",
    "cloudwatch": "moto.cloudwatch.models:cloudwatch_backends",
    "dynamodb": "moto.dynamodb.models:dynamodb_backends",
    "dynamodbstreams": "moto.dynamodbstreams.models:dynamodbstreams_backends",
    "ecr": "moto.ecr.models:ecr_backends",
    "events": "moto.events.models:events_backends",
    "glue": "moto.glue.models:glue_backends",
    "iam": "moto.iam.models:iam_backends",
    "kinesis": "moto.kinesis.models:kinesis_backends",
    "kms": "moto.kms.models:kms_backends",
    "lambda": "moto.awslambda.models:lambda_backends",
    "lambda_simple": "moto.awslambda_simple.models:lambda_simple_backends",
    "logs": "moto.logs.models:logs_backends",
    "s3": "moto.s3.models:s3_backends",
    "scheduler": "moto.scheduler.models:scheduler_backends",
    "secretsmanager": "moto.secretsmanager.models:secretsmanager_backends",
    "sns": "moto.sns.models:sns_backends",
    "sqs": "moto.sqs.models:sqs_backends",
    "ssm": "moto.ssm.models:ssm_backends",
    "stepfunctions": "moto.stepfunctions.models:stepfunctions_backends",
    "stepfunctions_parser": "moto.stepfunctions.parser.models:stepfunctions_parser_backends",
    "sts": "moto.sts.models:sts_backends",
}


@dataclass(frozen=True)
class Kept:
    """One backend that is kept, and how to find it in another run."""

    key: BackendKey
    backend: BaseBackend


def kept_backends() -> list[Kept]:
    """List the backends that exist now and are kept.

    Returns
    -------
    list of Kept
        Of the partition the local cloud stands in: moto fills IAM of every other one too.
    """
    return [
        Kept((name, account, region), backend)
        for name in KEPT
        for account, region, backend in _iterate(_dictionary(name))
        if getattr(backend, "partition", aws.PARTITION) == aws.PARTITION
    ]


def backend_at(key: BackendKey) -> BaseBackend:
    """Give the live backend of a key, made when there was none.

    Parameters
    ----------
    key
        As `kept_backends` gave it.

    Returns
    -------
    BaseBackend
        moto's.
    """
    name, account, region = key
    backend: BaseBackend = _dictionary(name)[account][region]
    return backend


def bucket_owners() -> dict[str, tuple[str, str]]:
    """Give moto's register of bucket names, which lies beside its S3 backends.

    Returns
    -------
    dict
        Partition and account by bucket; the live register.
    """
    owners: dict[str, tuple[str, str]] = _dictionary("s3").bucket_accounts
    return owners


def services_left_out() -> list[str]:
    """Name the services somebody used whose state is not kept.

    Returns
    -------
    list of str
        moto's names, in order.
    """
    kept = {id(_dictionary(name)) for name in KEPT}
    instances: list[Any] = list(BackendDict._instances)  # type: ignore[misc]  # noqa: SLF001 - moto's list of what was used
    return sorted({used.service_name for used in instances if id(used) not in kept})


def _dictionary(name: str) -> Any:
    module, _, attribute = KEPT[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def _iterate(dictionary: Any) -> Iterator[tuple[str, str, BaseBackend]]:
    # Copied first: a request may make a backend meanwhile.
    for account, regions in list(dictionary.items()):
        for region, backend in list(regions.items()):
            yield account, region, backend
