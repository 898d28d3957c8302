"""Names for what a template leaves unnamed."""

import re
import secrets
import string

from emulator.resources.base import ResourceType

_SUFFIX_ALPHABET = string.ascii_uppercase + string.digits


def generated_name(kind: ResourceType, stack: str, logical_id: str) -> str:
    """Name a resource that its template leaves unnamed, as CloudFormation does: stack, id, random suffix.

    Parameters
    ----------
    kind
        The resource's type, for the length a name may have.
    stack, logical_id
        What the name is made of.

    Returns
    -------
    str
        A fresh name.
    """
    suffix = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(12))
    room = kind.generated_name_limit - len(suffix) - 2
    half = room // 2
    id_part = logical_id if len(logical_id) <= room - min(len(stack), half) else logical_id[: room - half]
    name = f"{stack[: room - len(id_part)]}-{id_part}-{suffix}"
    if kind.name == "AWS::S3::Bucket":
        return re.sub(r"[^a-z0-9.-]", "-", name.lower())
    return name
