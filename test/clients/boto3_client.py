"""The whole life of a pool by boto3, changing nothing but endpoint_url. Run by boto3.test.ts; any failure is an exit code."""
import base64
import hashlib
import hmac
import json
import os
import urllib.parse
import urllib.request

import boto3
from botocore.config import Config
from botocore import UNSIGNED

ENDPOINT = os.environ["ENDPOINT"]
PASSWORD = os.environ["PASSWORD"]
admin = boto3.client("cognito-idp", endpoint_url=ENDPOINT, config=Config(retries={"max_attempts": 1}))
visitor = boto3.client("cognito-idp", endpoint_url=ENDPOINT, config=Config(signature_version=UNSIGNED))


def code(address):
    with urllib.request.urlopen(ENDPOINT + "/inbox/messages?to=" + urllib.parse.quote(address)) as answer:
        return json.load(answer)[0]["code"]


def refused(exception, call, message=None):
    try:
        call()
    except exception as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400, error
        if message is not None:
            assert error.response["Error"]["Message"] == message, error
        return
    raise AssertionError("was accepted")


pool = admin.create_user_pool(PoolName="python", AutoVerifiedAttributes=["email"])["UserPool"]["Id"]
client = admin.create_user_pool_client(
    UserPoolId=pool,
    ClientName="python",
    GenerateSecret=True,
    ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
)["UserPoolClient"]
client_id = client["ClientId"]


def secret_hash(username):
    digest = hmac.new(client["ClientSecret"].encode(), (username + client_id).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def sign_up(username):
    return visitor.sign_up(
        ClientId=client_id,
        SecretHash=secret_hash(username),
        Username=username,
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": username + "@example.com"}],
    )


def sign_in(username, password=PASSWORD, **more):
    parameters = {"USERNAME": username, "PASSWORD": password, "SECRET_HASH": secret_hash(username), **more}
    return visitor.initiate_auth(ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)


print("sign up, confirm")
assert sign_up("ada")["UserConfirmed"] is False
refused(visitor.exceptions.UsernameExistsException, lambda: sign_up("ada"), "User already exists")
refused(visitor.exceptions.UserNotConfirmedException, lambda: sign_in("ada"))
confirm = {"ClientId": client_id, "SecretHash": secret_hash("ada"), "Username": "ada"}
refused(
    visitor.exceptions.CodeMismatchException,
    lambda: visitor.confirm_sign_up(ConfirmationCode="000000", **confirm),
)
visitor.confirm_sign_up(ConfirmationCode=code("ada@example.com"), **confirm)

print("sign in, refresh")
tokens = sign_in("ada")["AuthenticationResult"]
refused(
    visitor.exceptions.NotAuthorizedException,
    lambda: sign_in("ada", "Wrong-Horse-1"),
    "Incorrect username or password.",
)
refused(visitor.exceptions.UserNotFoundException, lambda: sign_in("nobody"), "User does not exist.")
refused(
    visitor.exceptions.NotAuthorizedException,
    lambda: sign_in("ada", SECRET_HASH=secret_hash("eve")),
)
fresh = visitor.initiate_auth(
    ClientId=client_id,
    AuthFlow="REFRESH_TOKEN_AUTH",
    AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"], "SECRET_HASH": secret_hash("ada")},
)["AuthenticationResult"]
assert "RefreshToken" not in fresh
me = visitor.get_user(AccessToken=fresh["AccessToken"])
assert me["Username"] == "ada"
assert {"Name": "email_verified", "Value": "true"} in me["UserAttributes"]
assert "UserMFASettingList" not in me and "PreferredMfaSetting" not in me

print("administrators")
created = admin.admin_create_user(UserPoolId=pool, Username="grace", TemporaryPassword="Temporary-1", MessageAction="SUPPRESS")
assert created["User"]["UserStatus"] == "FORCE_CHANGE_PASSWORD"
refused(
    admin.exceptions.UsernameExistsException,
    lambda: admin.admin_create_user(UserPoolId=pool, Username="grace"),
)
challenge = admin.admin_initiate_auth(
    UserPoolId=pool,
    ClientId=client_id,
    AuthFlow="ADMIN_USER_PASSWORD_AUTH",
    AuthParameters={"USERNAME": "grace", "PASSWORD": "Temporary-1", "SECRET_HASH": secret_hash("grace")},
)
assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
answer = admin.admin_respond_to_auth_challenge(
    UserPoolId=pool,
    ClientId=client_id,
    ChallengeName="NEW_PASSWORD_REQUIRED",
    Session=challenge["Session"],
    ChallengeResponses={"USERNAME": "grace", "NEW_PASSWORD": PASSWORD, "SECRET_HASH": secret_hash("grace")},
)
assert answer["AuthenticationResult"]["TokenType"] == "Bearer"
refused(admin.exceptions.UserNotFoundException, lambda: admin.admin_get_user(UserPoolId=pool, Username="nobody"))
refused(
    admin.exceptions.ResourceNotFoundException,
    lambda: admin.describe_user_pool(UserPoolId="us-east-1_nOtThere1"),
    "User pool us-east-1_nOtThere1 does not exist.",
)

print("groups and paginators")
admin.create_group(UserPoolId=pool, GroupName="staff", Precedence=1)
refused(
    admin.exceptions.GroupExistsException,
    lambda: admin.create_group(UserPoolId=pool, GroupName="staff"),
    "A group with the name already exists.",
)
names = ["ada", "grace"]
for number in range(5):
    names.append("user%d" % number)
    admin.admin_create_user(UserPoolId=pool, Username=names[-1], MessageAction="SUPPRESS")
for name in names:
    admin.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName="staff")
users = admin.get_paginator("list_users").paginate(UserPoolId=pool, PaginationConfig={"PageSize": 2})
assert sorted(user["Username"] for page in users for user in page["Users"]) == sorted(names)
members = admin.get_paginator("list_users_in_group").paginate(
    UserPoolId=pool, GroupName="staff", PaginationConfig={"PageSize": 3}
)
assert sorted(user["Username"] for page in members for user in page["Users"]) == sorted(names)

print("sign out")
visitor.global_sign_out(AccessToken=tokens["AccessToken"])
refused(
    visitor.exceptions.NotAuthorizedException,
    lambda: visitor.get_user(AccessToken=fresh["AccessToken"]),
    "Access Token has been revoked",
)
admin.delete_user_pool(UserPoolId=pool)
print("done")
