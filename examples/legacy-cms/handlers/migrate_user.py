from botocore.vendored import requests


def authn_legacy(event):
    data = {'username': event['userName'],
            'password': event['request']['password']}

    uri = f'https://cms.example.com/api/login'

    return requests.post(uri, data=data)


def lambda_handler(event, context):
    """
    There are two states:

    1. authentication (but before user created in cognito)
    2. forgotten password (we don't cover that in this example code)

    For authentication we log the user into the legacy authentication system 
    and then extract their details, then modify the user account that is 
    about to be created in cognito's user pool.
    """

    if event['triggerSource'] == "UserMigration_Authentication":
        login_response = authn_legacy(event)

        if login_response.status_code == 200:
            d = login_response.json()

            user_attr = {'username': d['username'],
                         'name': d['display_name'],
                         'email': d['email'],
                         'email_verified': 'true',
                         'custom:legacy_id': d['userid']}

            event['response']['userAttributes'] = user_attr
            event['response']['finalUserStatus'] = "CONFIRMED"
            event['response']['messageAction'] = "SUPPRESS"

            return event
        else:
            return None
    elif event['triggerSource'] == "UserMigration_ForgotPassword":
        # TODO: an exercise for the reader
        return None
    else:
        return None
