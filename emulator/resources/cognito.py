"""Cognito: user pools and their clients, whose tokens JWT authorizers verify."""

from emulator.resources.base import Made, Request, ResourceType, words

_POOL = words(
    "Policies DeletionProtection AutoVerifiedAttributes AliasAttributes UsernameAttributes "
    "AdminCreateUserConfig MfaConfiguration Schema UsernameConfiguration AccountRecoverySetting"
)
_FIXED = words("AliasAttributes Schema UsernameAttributes UsernameConfiguration")
_CLIENT = words(
    "ClientName GenerateSecret RefreshTokenValidity AccessTokenValidity IdTokenValidity TokenValidityUnits "
    "ReadAttributes WriteAttributes ExplicitAuthFlows SupportedIdentityProviders CallbackURLs LogoutURLs "
    "DefaultRedirectURI AllowedOAuthFlows AllowedOAuthScopes AllowedOAuthFlowsUserPoolClient "
    "PreventUserExistenceErrors EnableTokenRevocation"
)


def _create_pool(request: Request) -> Made:
    pool = request.client("cognito-idp").create_user_pool(
        PoolName=request.name,
        UserPoolTags=request.properties.get("UserPoolTags", {}),
        **request.pick(*sorted(_POOL)),
    )["UserPool"]
    identity = pool["Id"]
    provider = f"cognito-idp.{request.services.region}.amazonaws.com/{identity}"
    return Made(
        identity,
        {
            "Arn": pool["Arn"],
            "ProviderName": provider,
            "ProviderURL": f"https://{provider}",
            "UserPoolId": identity,
        },
    )


def _update_pool(request: Request, made: Made) -> Made:
    # What this call is not told goes back to its default, as the template's silence asks for.
    request.client("cognito-idp").update_user_pool(
        UserPoolId=made.physical_id,
        UserPoolTags=request.properties.get("UserPoolTags", {}),
        **request.pick(*sorted(_POOL - _FIXED)),
    )
    return made


def _delete_pool(request: Request, made: Made) -> None:
    request.client("cognito-idp").delete_user_pool(UserPoolId=made.physical_id)


def _create_client(request: Request) -> Made:
    settings = {"ClientName": request.name, **request.pick(*sorted(_CLIENT))}
    client = request.client("cognito-idp").create_user_pool_client(
        UserPoolId=request.properties["UserPoolId"], **settings
    )["UserPoolClient"]
    attributes = {"ClientId": client["ClientId"], "Name": client["ClientName"]}
    if "ClientSecret" in client:
        attributes["ClientSecret"] = client["ClientSecret"]
    return Made(client["ClientId"], attributes)


def _update_client(request: Request, made: Made) -> Made:
    request.client("cognito-idp").update_user_pool_client(
        UserPoolId=request.properties["UserPoolId"],
        ClientId=made.physical_id,
        **request.pick(*sorted(_CLIENT - {"GenerateSecret"})),
    )
    return made


def _delete_client(request: Request, made: Made) -> None:
    request.client("cognito-idp").delete_user_pool_client(
        UserPoolId=request.properties["UserPoolId"], ClientId=made.physical_id
    )


TYPES = (
    ResourceType(
        "AWS::Cognito::UserPool",
        honoured=_POOL | words("UserPoolName UserPoolTags"),
        accepted={
            "EmailVerificationMessage": "no mail is sent",
            "EmailVerificationSubject": "no mail is sent",
            "SmsVerificationMessage": "no text message is sent",
            "VerificationMessageTemplate": "nothing is sent",
        },
        attributes=words("Arn ProviderName ProviderURL UserPoolId"),
        create=_create_pool,
        update=_update_pool,
        delete=_delete_pool,
        replaced_by=_FIXED | words("UserPoolName"),
        name_property="UserPoolName",
        generated_name_limit=128,
        note="another name, schema or way to sign in replaces the pool; tokens are signed by keys at its "
        "`jwks.json`",
    ),
    ResourceType(
        "AWS::Cognito::UserPoolClient",
        honoured=_CLIENT | words("UserPoolId"),
        attributes=words("ClientId ClientSecret Name"),
        create=_create_client,
        update=_update_client,
        delete=_delete_client,
        replaced_by=words("UserPoolId GenerateSecret"),
        name_property="ClientName",
        generated_name_limit=128,
    ),
)
