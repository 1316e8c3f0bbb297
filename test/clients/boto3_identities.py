"""All operations of identity pools by boto3, changing nothing but endpoint_url. Run by identities.test.ts."""
import os

import boto3
from botocore import UNSIGNED
from botocore.config import Config

ENDPOINT = os.environ["ENDPOINT"]
LOGINS = {os.environ["PROVIDER"]: os.environ["ID_TOKEN"]}
once = {"max_attempts": 1}
admin = boto3.client("cognito-identity", endpoint_url=ENDPOINT, config=Config(retries=once))
visitor = boto3.client("cognito-identity", endpoint_url=ENDPOINT, config=Config(signature_version=UNSIGNED, retries=once))


def refused(exception, call):
    try:
        call()
    except exception as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400, error
        return
    raise AssertionError("was accepted")


settings = {
    "IdentityPoolName": "python",
    "AllowUnauthenticatedIdentities": True,
    "AllowClassicFlow": True,
    "DeveloperProviderName": "login.python",
    "CognitoIdentityProviders": [{"ProviderName": os.environ["PROVIDER"], "ClientId": os.environ["CLIENT_ID"]}],
}
pool = admin.create_identity_pool(**settings, IdentityPoolTags={"team": "a"})
pool_id = pool["IdentityPoolId"]
admin.update_identity_pool(IdentityPoolId=pool_id, **{**settings, "IdentityPoolName": "python 3"}, IdentityPoolTags={"team": "a"})
described = admin.describe_identity_pool(IdentityPoolId=pool_id)
assert described["IdentityPoolName"] == "python 3" and described["AllowClassicFlow"], described
pages = admin.get_paginator("list_identity_pools").paginate(PaginationConfig={"PageSize": 1})
assert pool_id in [one["IdentityPoolId"] for page in pages for one in page["IdentityPools"]]

arn = os.environ["POOL_ARN_PREFIX"] + pool_id
admin.tag_resource(ResourceArn=arn, Tags={"stage": "b"})
admin.untag_resource(ResourceArn=arn, TagKeys=["team"])
assert admin.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"stage": "b"}

roles = {kind: os.environ["ROLE"] for kind in ("authenticated", "unauthenticated")}
admin.set_identity_pool_roles(IdentityPoolId=pool_id, Roles=roles)
assert admin.get_identity_pool_roles(IdentityPoolId=pool_id)["Roles"] == roles
provider = {"IdentityPoolId": pool_id, "IdentityProviderName": os.environ["PROVIDER"]}
admin.set_principal_tag_attribute_map(**provider, UseDefaults=False, PrincipalTags={"mail": "email"})
assert admin.get_principal_tag_attribute_map(**provider)["PrincipalTags"] == {"mail": "email"}

guest = visitor.get_id(IdentityPoolId=pool_id)["IdentityId"]
given = visitor.get_credentials_for_identity(IdentityId=guest)
assert given["Credentials"]["SecretKey"] and given["Credentials"]["Expiration"].tzinfo, given
assert visitor.get_open_id_token(IdentityId=guest)["Token"].count(".") == 2
signed_in = visitor.get_credentials_for_identity(IdentityId=guest, Logins=LOGINS)
assert signed_in["IdentityId"] == guest
assert visitor.get_id(IdentityPoolId=pool_id, Logins=LOGINS)["IdentityId"] == guest
refused(visitor.exceptions.NotAuthorizedException, lambda: visitor.get_credentials_for_identity(IdentityId=guest))
keys = signed_in["Credentials"]
caller = boto3.client(
    "sts",
    endpoint_url=ENDPOINT,
    aws_access_key_id=keys["AccessKeyId"],
    aws_secret_access_key=keys["SecretKey"],
    aws_session_token=keys["SessionToken"],
).get_caller_identity()
assert caller["Arn"].endswith("/CognitoIdentityCredentials"), caller

assert admin.describe_identity(IdentityId=guest)["Logins"] == [os.environ["PROVIDER"]]
listed = admin.list_identities(IdentityPoolId=pool_id, MaxResults=60)["Identities"]
assert [one["IdentityId"] for one in listed] == [guest], listed


def vouch(user, **more):
    return admin.get_open_id_token_for_developer_identity(
        IdentityPoolId=pool_id, Logins={"login.python": user}, TokenDuration=60, **more
    )


ann, bob = vouch("ann", PrincipalTags={"team": "a"}), vouch("bob")
own = {"cognito-identity.amazonaws.com": ann["Token"]}
assert visitor.get_credentials_for_identity(IdentityId=ann["IdentityId"], Logins=own)["IdentityId"] == ann["IdentityId"]
refused(
    admin.exceptions.DeveloperUserAlreadyRegisteredException, lambda: vouch("bob", IdentityId=ann["IdentityId"])
)
names = {"IdentityPoolId": pool_id, "DeveloperProviderName": "login.python"}
merged = admin.merge_developer_identities(**names, SourceUserIdentifier="bob", DestinationUserIdentifier="ann")
assert merged["IdentityId"] == ann["IdentityId"]
found = admin.lookup_developer_identity(IdentityPoolId=pool_id, DeveloperUserIdentifier="bob")
assert found["DeveloperUserIdentifierList"] == ["ann", "bob"], found
admin.unlink_developer_identity(**names, IdentityId=ann["IdentityId"], DeveloperUserIdentifier="bob")
refused(
    admin.exceptions.ResourceNotFoundException,
    lambda: admin.lookup_developer_identity(IdentityPoolId=pool_id, DeveloperUserIdentifier="bob"),
)

visitor.unlink_identity(IdentityId=guest, Logins=LOGINS, LoginsToRemove=list(LOGINS))
refused(
    visitor.exceptions.NotAuthorizedException,
    lambda: visitor.get_credentials_for_identity(IdentityId=guest, Logins=LOGINS),
)
assert admin.delete_identities(IdentityIdsToDelete=[guest])["UnprocessedIdentityIds"] == []
admin.delete_identity_pool(IdentityPoolId=pool_id)
refused(admin.exceptions.ResourceNotFoundException, lambda: admin.describe_identity_pool(IdentityPoolId=pool_id))
print("done")
