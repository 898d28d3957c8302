"""What functions' policies let services do: `AWS::Lambda::Permission`, held against those who invoke."""

import json

from moto.awslambda.exceptions import LambdaClientError

from emulator import aws
from emulator.identity.policy import Need
from emulator.identity.service_access import lets_in
from emulator.lambda_api.names import LATEST, split_name, unqualified
from emulator.lambda_api.policies import statements_of

_INVOKE = "lambda:InvokeFunction"


class InvokePermissions:
    """Says which services may invoke which functions.

    Parameters
    ----------
    region
        Region of the functions.
    enforced
        Whether policies are held against anybody.
    """

    def __init__(self, region: str, *, enforced: bool) -> None:
        self._region = region
        self._enforced = enforced

    def may_invoke(
        self, function_arn: str, principal: str, source_arn: str, source_account: str = aws.ACCOUNT
    ) -> str | None:
        """Hold a service's call against the function's policy, as AWS does before it invokes.

        To be asked by whatever invokes in the name of a service and not of a role: HTTP APIs
        (``apigateway.amazonaws.com``, ``arn:aws:execute-api:<region>:<account>:<api>/<stage>/<method>/...``),
        rules (``events.amazonaws.com``, the rule's ARN), topics (``sns.amazonaws.com``, the topic's), buckets
        (``s3.amazonaws.com``, the bucket's). Schedules and state machines call as roles and do not ask. A
        permission given to a function is none for its versions and aliases, nor the other way round.

        Parameters
        ----------
        function_arn
            As it would be invoked, with version or alias or without.
        principal
            The service.
        source_arn
            On whose behalf it calls.
        source_account
            Account of the source.

        Returns
        -------
        str or None
            The refusal, which names the permission that would allow it; None lets the service through. A
            function that does not exist is no matter of permission: None too.
        """
        if not self._enforced:
            return None
        name, qualifier = split_name(function_arn)
        try:
            backend = aws.backend("lambda", self._region)
            statements = statements_of(backend, name, qualifier)
        except LambdaClientError:
            return None
        arn = unqualified(backend.get_function(name).function_arn)
        asked = arn if qualifier in {None, LATEST} else f"{arn}:{qualifier}"
        context = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_account}
        if lets_in({"Statement": statements}, principal, Need(_INVOKE, asked), context):
            return None
        permission = {
            "Action": _INVOKE,
            "FunctionName": asked,
            "Principal": principal,
            "SourceArn": source_arn,
        }
        return (
            f"{principal} may not invoke {asked} for {source_arn}: the function's policy does not allow it. "
            f"This AWS::Lambda::Permission would: {json.dumps(permission)}"
        )
