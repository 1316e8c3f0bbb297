"""Notes a sign-in in the user's own attributes, and tries what its access key does not allow."""

import os

import boto3
from botocore.exceptions import ClientError

# botocore reads the variable itself from version 1.31 on.
client = boto3.client("cognito-idp", endpoint_url=os.environ["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"])


def lambda_handler(event, context):
    user = {"UserPoolId": event["userPoolId"], "Username": event["userName"]}
    refused = []
    for call in (
        lambda: client.admin_get_user(**user),
        lambda: client.admin_delete_user(**user),
        lambda: client.list_user_pools(MaxResults=1),
        lambda: client.admin_update_user_attributes(
            **{**user, "UserPoolId": "us-east-1_Elsewhere"}, UserAttributes=[]
        ),
    ):
        try:
            call()
            refused.append("allowed")
        except ClientError as error:
            refused.append(error.response["Error"]["Code"])
    notes = {"custom:seen": context.function_name, "custom:refused": " ".join(refused)}
    client.admin_update_user_attributes(
        **user, UserAttributes=[{"Name": name, "Value": value} for name, value in notes.items()]
    )
    print(f"noted {event['userName']}")
    return event
