"""What CloudFormation's API answers when it refuses, in the shape moto writes out."""

from moto.cloudformation.exceptions import CloudFormationError


class TemplateError(CloudFormationError):
    """A template, a parameter or a request that cannot be carried out; nothing was made."""

    code = "ValidationError"


class Exists(CloudFormationError):
    """A stack of this name is there already."""

    code = "AlreadyExistsException"


class NoChangeSet(CloudFormationError):
    """No change set of this name."""

    code = "ChangeSetNotFound"


class ChangeSetUnusable(CloudFormationError):
    """A change set that cannot be executed or removed in the state it is in."""

    code = "InvalidChangeSetStatus"
