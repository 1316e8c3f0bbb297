"""PreAuthentication, as in pre-authentication.ts: keeps addresses out that are on a list."""

import os

BLOCKED = os.environ.get("BLOCKED", "").split(",")


def lambda_handler(event, context):
    email = event["request"]["userAttributes"].get("email")
    if email and email.lower() in BLOCKED:
        raise Exception("This account is on hold")
    return event
