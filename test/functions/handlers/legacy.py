"""Imports what old handlers import, and asks a service elsewhere."""
from botocore.vendored import requests


def lambda_handler(event, context):
    response = requests.post(
        event["url"], json={"user": event["user"]}, headers={"X-Key": "k"}, auth=("me", "pw"), timeout=600
    )
    again = requests.get(event["url"], params={"user": event["user"]})
    try:
        requests.get(event["nobody"])
    except requests.exceptions.ConnectionError:
        refused = True
    return {
        "status": response.status_code,
        "sent": response.json(),
        "text": again.text,
        "ok": [response.ok, again.ok],
        "refused": refused,
    }
