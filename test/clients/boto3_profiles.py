"""Who calls with each profile of the configuration file, by botocore's own providers of credentials. Run by credential-providers.test.ts."""
import json
import os
import sys

import boto3

ENDPOINT = os.environ["ENDPOINT"]


def caller(profile):
    session = boto3.Session(profile_name=profile)
    core = session._session
    create = core.create_client
    # This old botocore has no setting for the endpoint of the calls that its providers make.
    core.create_client = lambda name, *given, **more: create(name, *given, **{"endpoint_url": ENDPOINT, **more})
    return session.client("sts", endpoint_url=ENDPOINT).get_caller_identity()["Arn"]


print(json.dumps({profile: caller(profile) for profile in sys.argv[1:]}))
