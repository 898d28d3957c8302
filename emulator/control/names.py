"""Names a person can read: a resource by its logical id, where its own name was generated from that.

CloudFormation calls a queue ``Words-Uploads4F6EB0FD-HEAZAXY9QYTQ`` that its template's author wrote as
``Uploads``. A name that the author chose stands as it is.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_HASH_OF_CDK = re.compile(r"(?<=.)([0-9a-f]{32})?[0-9A-F]{8}$")
_KINDS = {
    "lambda": ("AWS::Lambda::Function", "function"),
    "sqs": ("AWS::SQS::Queue", "queue"),
    "states": ("AWS::StepFunctions::StateMachine", "state machine"),
    "sns": ("AWS::SNS::Topic", "topic"),
    "events": ("AWS::Events::EventBus", "event bus"),
    "logs": ("AWS::Logs::LogGroup", "log group"),
    "dynamodb": ("AWS::DynamoDB::Table", "table"),
}


class Names:
    """Finds the readable name of a resource.

    Parameters
    ----------
    resources
        Every resource of every stack: ``stack``, ``logical_id``, ``type``, ``physical_id``.

    Examples
    --------
    >>> names = Names([{"stack": "Words", "logical_id": "Uploads4F6EB0FD", "type": "AWS::SQS::Queue",
    ...                 "physical_id": "http://localhost/1/Words-Uploads4F6EB0FD-HEAZ"}])
    >>> names.of("AWS::SQS::Queue", "Words-Uploads4F6EB0FD-HEAZ")
    {'name': 'Words-Uploads4F6EB0FD-HEAZ', 'label': 'Uploads', 'stack': 'Words'}
    >>> names.of_arn("arn:aws:sqs:us-east-1:1:other")
    {'arn': 'arn:aws:sqs:us-east-1:1:other', 'kind': 'queue', 'label': 'other'}
    """

    def __init__(self, resources: Iterable[Mapping[str, Any]]) -> None:
        self._known = {
            (resource["type"], _tail(str(resource["physical_id"]))): resource for resource in resources
        }

    def of(self, kind: str, name: str) -> dict[str, str | None]:
        """Name a resource.

        Parameters
        ----------
        kind
            Its CloudFormation type.
        name
            Its name, or its id where it has none.

        Returns
        -------
        dict
            ``name``, ``label``, and the ``stack`` it belongs to, None when it belongs to none.
        """
        resource = self._known.get((kind, name))
        if resource is None:
            return {"name": name, "label": name, "stack": None}
        generated = name.lower().startswith(f"{resource['stack']}-".lower())
        label = _HASH_OF_CDK.sub("", str(resource["logical_id"])) if generated else name
        return {"name": name, "label": label, "stack": str(resource["stack"])}

    def of_arn(self, arn: str) -> dict[str, str]:
        """Name what an ARN points at.

        Parameters
        ----------
        arn
            Of a target or a source.

        Returns
        -------
        dict
            ``arn``, ``kind`` in plain words, ``label``.
        """
        parts = arn.split(":")
        service = parts[2] if len(parts) > 5 else ""
        kind, word = _KINDS.get(service, ("", service or "resource"))
        name = parts[6] if service in {"lambda", "states", "logs"} and len(parts) > 6 else _tail(arn)
        return {"arn": arn, "kind": word, "label": str(self.of(kind, name)["label"])}

    def of_principal(self, principal: str) -> str:
        """Name who calls.

        Parameters
        ----------
        principal
            As the meter writes it: ``root``, or the ARN of a role or of its session.

        Returns
        -------
        str
            ``root``, or the role's label.
        """
        name = principal.partition(":assumed-role/")[2].partition("/")[0] or _tail(principal)
        return str(self.of("AWS::IAM::Role", name)["label"])


def _tail(identifier: str) -> str:
    return identifier.rpartition("/")[2].rpartition(":")[2]
