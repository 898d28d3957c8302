"""Secrets Manager: secrets, given or generated."""

import json

from emulator.resources.base import Made, Request, ResourceType, words
from emulator.resources.tagging import retag

_TEMPLATE, _KEY = "SecretStringTemplate", "GenerateStringKey"


def _value(request: Request) -> str | None:
    """Give what the template says, or generate it; None leaves the secret without a value."""
    wanted = request.properties.get("GenerateSecretString")
    if wanted is None:
        given = request.properties.get("SecretString")
        return None if given is None else str(given)
    asked = {name: value for name, value in wanted.items() if name not in {_TEMPLATE, _KEY}}
    generated: str = request.client("secretsmanager").get_random_password(**asked)["RandomPassword"]
    if _TEMPLATE not in wanted:
        return generated
    return json.dumps({**json.loads(wanted[_TEMPLATE]), wanted[_KEY]: generated})


def _create_secret(request: Request) -> Made:
    value = _value(request)
    arn = request.client("secretsmanager").create_secret(
        Name=request.name,
        Tags=[{"Key": key, "Value": text} for key, text in request.tags().items()],
        **({} if value is None else {"SecretString": value}),
        **request.pick("Description", "KmsKeyId"),
    )["ARN"]
    return Made(arn, {"Id": arn})


def _update_secret(request: Request, made: Made) -> Made:
    same = ("SecretString", "GenerateSecretString")
    unchanged = all(request.properties.get(name) == made.properties.get(name) for name in same)
    value = None if unchanged else _value(request)
    request.client("secretsmanager").update_secret(
        SecretId=made.physical_id,
        **({} if value is None else {"SecretString": value}),
        **request.pick("Description", "KmsKeyId"),
    )
    retag(request, made.physical_id)
    return made


def _delete_secret(request: Request, made: Made) -> None:
    # As CloudFormation does: without the window in which a secret could be restored.
    request.client("secretsmanager").delete_secret(SecretId=made.physical_id, ForceDeleteWithoutRecovery=True)


TYPES = (
    ResourceType(
        "AWS::SecretsManager::Secret",
        honoured=words("Name Description KmsKeyId SecretString GenerateSecretString Tags"),
        attributes=words("Id"),
        create=_create_secret,
        update=_update_secret,
        delete=_delete_secret,
        replaced_by=words("Name"),
        name_property="Name",
        generated_name_limit=256,
        note="`GenerateSecretString` generates; nothing rotates",
    ),
)
