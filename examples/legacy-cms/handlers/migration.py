"""UserMigration: the handler of the article for sign-ins, and what it leaves open, forgotten passwords."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

import migrate_user


def find_legacy_user(username):
    """The user as the legacy service describes them, or None."""
    uri = os.environ["LEGACY_URL"] + "api/users/" + urllib.parse.quote(username, safe="")
    request = urllib.request.Request(uri, headers={"Authorization": "Bearer " + os.environ["LEGACY_SECRET"]})
    try:
        with urllib.request.urlopen(request, timeout=3) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


def lambda_handler(event, context):
    if event["triggerSource"] != "UserMigration_ForgotPassword":
        return migrate_user.lambda_handler(event, context)
    user = find_legacy_user(event["userName"])
    if user is None:
        return None
    event["response"]["userAttributes"] = {
        "username": user["username"],
        "name": user["display_name"],
        "email": user["email"],
        # Without a verified address, there is nowhere to send the code to.
        "email_verified": "true",
        "custom:legacy_id": user["userid"],
    }
    event["response"]["finalUserStatus"] = "RESET_REQUIRED"
    event["response"]["messageAction"] = "SUPPRESS"
    return event
