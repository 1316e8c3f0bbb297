"""Post confirmation: a welcome by Amazon SES."""

import os

import boto3

# Another endpoint for local tests.
ses = boto3.client("ses", endpoint_url=os.environ.get("SES_ENDPOINT_URL"))


def lambda_handler(event, context):
    if event["triggerSource"] != "PostConfirmation_ConfirmSignUp":
        return event

    attributes = event["request"]["userAttributes"]
    ses.send_email(
        Source=os.environ["SENDER"],
        Destination={"ToAddresses": [attributes["email"]]},
        Message={
            "Subject": {"Data": "Welcome!", "Charset": "UTF-8"},
            "Body": {"Html": {"Data": f"<h1>Hello {attributes['name']}</h1>", "Charset": "UTF-8"}},
        },
    )
    return event
