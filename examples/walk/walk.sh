#!/usr/bin/env bash
# A walk through a user pool with aws-cli: each step says what it does and shows the result.
set -euo pipefail

: "${AWS_ENDPOINT_URL:?is not set. A local Poolhouse is at http://localhost:4747.}"
idp() { aws cognito-idp --endpoint-url "$AWS_ENDPOINT_URL" --region "${AWS_REGION:-us-east-1}" "$@"; }
step() { printf '\n== %s\n' "$1"; }
# The code of the newest message to an address: the inbox takes the place of mail and text messages.
code() {
  curl -sf -G "$AWS_ENDPOINT_URL/inbox/messages" --data-urlencode "to=$1" |
    sed -n 's/^[^}]*"code":"\([^"]*\)".*/\1/p'
}
# The payload of a token, which anybody can read and only the pool can sign.
payload() {
  local part
  part=$(cut -d. -f2 <<<"$1" | tr '_-' '/+')
  while ((${#part} % 4)); do part+='='; done
  base64 -d <<<"$part"
  echo
}
password='Correct-Horse-7'
# Whoever stops half way, by Ctrl-C or by an error, is told what is left.
tell() {
  if [ $? -eq 0 ] || [ -z "${pool:-}" ]; then return; fi
  printf '\nThe walk stopped half way. Its pool is still there; this deletes it:\n  %s\n' \
    "aws cognito-idp delete-user-pool --endpoint-url $AWS_ENDPOINT_URL --region ${AWS_REGION:-us-east-1} --user-pool-id $pool" >&2
}
trap tell EXIT

step 'A pool. Names are unique; verified addresses and phone numbers are further names (aliases)'
pool=$(idp create-user-pool --pool-name walk --query UserPool.Id --output text \
  --alias-attributes email phone_number --auto-verified-attributes email phone_number \
  --sms-configuration SnsCallerArn=arn:aws:iam::000000000000:role/sms \
  --schema Name=department,AttributeDataType=String,Mutable=true \
  --account-recovery-setting 'RecoveryMechanisms=[{Priority=1,Name=verified_email},{Priority=2,Name=verified_phone_number}]')
echo "Pool: $pool"

# The URL is written as JSON because aws-cli 1 would fetch it otherwise.
step 'A client, the application that signs its users in: here by their password, and at the pool'"'"'s pages'
client=$(idp create-user-pool-client --user-pool-id "$pool" --client-name "A walk" \
  --explicit-auth-flows ALLOW_USER_PASSWORD_AUTH ALLOW_REFRESH_TOKEN_AUTH --prevent-user-existence-errors ENABLED \
  --supported-identity-providers COGNITO --allowed-o-auth-flows-user-pool-client --allowed-o-auth-flows code \
  --allowed-o-auth-scopes openid email --callback-urls '["http://localhost:3000/callback"]' \
  --query UserPoolClient.ClientId --output text)
echo "Client: $client"

step 'Two groups'
for group in Admin Staff; do
  idp create-group --user-pool-id "$pool" --group-name "$group" >/dev/null
  echo "Group: $group"
done

step 'Ann signs up. She is not confirmed until she has proven that the address is hers'
echo 'A code is sent:'
idp sign-up --client-id "$client" --username ann --password "$password" \
  --user-attributes Name=email,Value=ann@example.com Name=name,Value=Ann Name=custom:department,Value=Lifts --output table
echo "Her mail has the code $(code ann@example.com)."
idp confirm-sign-up --client-id "$client" --username ann --confirmation-code "$(code ann@example.com)"
echo 'Her status and attributes:'
idp admin-get-user --user-pool-id "$pool" --username ann --query '{Status:UserStatus,Attributes:UserAttributes}' --output table

sign_in() {
  idp initiate-auth --client-id "$client" --auth-flow USER_PASSWORD_AUTH --query "${3:-AuthenticationResult.AccessToken}" \
    --auth-parameters "USERNAME=$1,PASSWORD=$2" --output text
}

step 'She signs in, by her address as well as by her name'
token=$(sign_in ann@example.com "$password")
echo "Her access token says: $(payload "$token")"

step 'She adds a phone number, which counts once a text message to it was answered'
echo 'A code is sent:'
idp update-user-attributes --access-token "$token" --user-attributes Name=phone_number,Value=+4915112345678 --output table
idp verify-user-attribute --access-token "$token" --attribute-name phone_number --code "$(code +4915112345678)"
echo 'Her phone number:'
idp get-user --access-token "$token" --query "UserAttributes[?starts_with(Name, 'phone')]" --output table

step 'Ann becomes an administrator. The next token says so, and applications decide by it'
idp admin-add-user-to-group --user-pool-id "$pool" --username ann --group-name Admin
token=$(sign_in ann "$password")
echo "Her next access token says: $(payload "$token")"

step 'Bob is invited: the pool sends him a temporary password, which he must change'
status=$(idp admin-create-user --user-pool-id "$pool" --username bob --desired-delivery-mediums EMAIL \
  --user-attributes Name=email,Value=bob@example.com Name=email_verified,Value=true --query User.UserStatus --output text)
echo "His status: $status"
temporary=$(code bob@example.com)
session=$(sign_in bob "$temporary" Session)
seconds=$(idp respond-to-auth-challenge --client-id "$client" --challenge-name NEW_PASSWORD_REQUIRED --session "$session" \
  --challenge-responses "USERNAME=bob,NEW_PASSWORD=$password" --query AuthenticationResult.ExpiresIn --output text)
echo "His access token is valid for: $seconds seconds"

step 'The pages for signing in and up, in your own colors'
idp set-ui-customization --user-pool-id "$pool" --client-id "$client" \
  --css '.banner-customizable { background-color: #155e52; } .submitButton-customizable { background-color: #155e52; }' \
  --query UICustomization.ClientId --output text >/dev/null
callback=http://localhost:3000/callback
page="$AWS_ENDPOINT_URL/$pool/login?client_id=$client&response_type=code&scope=openid&redirect_uri=$callback"
echo "The sign-in page: $page"
if [ -n "${WALK_OPEN:-}" ]; then "$WALK_OPEN" "$page"; fi

step 'A forgotten password is reset by name, by address and by phone number'
for name in ann ann@example.com +4915112345678; do
  sent=$(idp forgot-password --client-id "$client" --username "$name" --query CodeDeliveryDetails.Destination --output text)
  idp confirm-forgot-password --client-id "$client" --username "$name" --confirmation-code "$(code ann@example.com)" \
    --password "$password-$name"
  echo "By $name: the code went to $sent"
  type=$(sign_in "$name" "$password-$name" AuthenticationResult.TokenType)
  echo "  and the new password signs in: $type"
done

if [ -z "${WALK_KEEP:-}" ]; then
  step 'The end: the pool is deleted, with everybody in it'
  idp delete-user-pool --user-pool-id "$pool"
  echo 'Done.'
else
  cat <<END

The pool stays. On its sign-in page, which is at the end, sign in with
  user name: ann
  password:  $password-+4915112345678
You are then sent to $callback with a code. If nothing listens there, the browser says so, and its
address bar has the code.
$page
END
fi
