/** The walk of walk.sh with AWS SDK v3: the same steps in the same order. */
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
  ConfirmForgotPasswordCommand,
  ConfirmSignUpCommand,
  CreateGroupCommand,
  CreateManagedLoginBrandingCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  DeleteUserPoolCommand,
  ForgotPasswordCommand,
  GetUserCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  SignUpCommand,
  UpdateUserAttributesCommand,
  VerifyUserAttributeCommand,
} from "@aws-sdk/client-cognito-identity-provider";

const endpoint = process.env["AWS_ENDPOINT_URL"];
if (!endpoint) {
  console.error("AWS_ENDPOINT_URL is not set. A local Poolhouse is at http://localhost:4747.");
  process.exit(1);
}
try {
  await fetch(endpoint);
} catch (error) {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  console.error(
    `No server answers at ${endpoint} (AWS_ENDPOINT_URL): ${code ?? error}. Is Poolhouse running there?`,
  );
  process.exit(1);
}

const idp = new CognitoIdentityProviderClient();
const password = "Correct-Horse-7";

const step = (title: string) => console.log(`\n== ${title}`);

/** The code of the newest message to an address: the inbox takes the place of mail and text messages. */
async function code(to: string): Promise<string> {
  const answer = await fetch(new URL(`/inbox/messages?to=${encodeURIComponent(to)}`, endpoint));
  const [newest] = (await answer.json()) as { code: string }[];
  if (newest === undefined) throw new Error(`Nothing was sent to ${to}.`);
  return newest.code;
}

/** The payload of a token, which anybody can read and only the pool can sign. */
const payload = (token: string) =>
  JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()) as object;

step("A pool. Names are unique; verified addresses and phone numbers are further names (aliases)");
const { UserPool } = await idp.send(
  new CreateUserPoolCommand({
    PoolName: "walk",
    AliasAttributes: ["email", "phone_number"],
    AutoVerifiedAttributes: ["email", "phone_number"],
    SmsConfiguration: { SnsCallerArn: "arn:aws:iam::000000000000:role/sms" },
    Schema: [{ Name: "department", AttributeDataType: "String", Mutable: true }],
    AccountRecoverySetting: {
      RecoveryMechanisms: [
        { Priority: 1, Name: "verified_email" },
        { Priority: 2, Name: "verified_phone_number" },
      ],
    },
  }),
);
const UserPoolId = UserPool!.Id!;
console.log(`Pool: ${UserPoolId}`);
process.once("exit", (code) => {
  if (code === 0 || process.env["WALK_KEEP"]) return;
  const where = `--endpoint-url ${endpoint} --region ${process.env["AWS_REGION"] ?? "us-east-1"}`;
  console.error(`The walk stopped half way. Its pool is still there; this deletes it:
  aws cognito-idp delete-user-pool ${where} --user-pool-id ${UserPoolId}`);
});

step("A client, the application that signs its users in: here by their password, and at the pool's pages");
const callback = "http://localhost:3000/callback";
const { UserPoolClient } = await idp.send(
  new CreateUserPoolClientCommand({
    UserPoolId,
    ClientName: "A walk",
    ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    PreventUserExistenceErrors: "ENABLED",
    SupportedIdentityProviders: ["COGNITO"],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email"],
    CallbackURLs: [callback],
  }),
);
const ClientId = UserPoolClient!.ClientId!;
console.log(`Client: ${ClientId}`);

step("Two groups");
for (const GroupName of ["Admin", "Staff"]) {
  await idp.send(new CreateGroupCommand({ UserPoolId, GroupName }));
  console.log(`Group: ${GroupName}`);
}

step("Ann signs up. She is not confirmed until she has proven that the address is hers");
const ann = { ClientId, Username: "ann" };
const signedUp = await idp.send(
  new SignUpCommand({
    ...ann,
    Password: password,
    UserAttributes: [
      { Name: "email", Value: "ann@example.com" },
      { Name: "name", Value: "Ann" },
      { Name: "custom:department", Value: "Lifts" },
    ],
  }),
);
console.log("A code was sent:", signedUp.CodeDeliveryDetails);
console.log(`Her mail has the code ${await code("ann@example.com")}.`);
await idp.send(new ConfirmSignUpCommand({ ...ann, ConfirmationCode: await code("ann@example.com") }));
const { UserStatus, UserAttributes } = await idp.send(
  new AdminGetUserCommand({ UserPoolId, Username: "ann" }),
);
console.log(`Her status: ${UserStatus}\nHer attributes:`, UserAttributes);

const signIn = (USERNAME: string, PASSWORD: string) =>
  idp.send(
    new InitiateAuthCommand({
      ClientId,
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME, PASSWORD },
    }),
  );

step("She signs in, by her address as well as by her name");
const { AuthenticationResult } = await signIn("ann@example.com", password);
const AccessToken = AuthenticationResult!.AccessToken!;
console.log("Her access token says:", payload(AccessToken));

step("She adds a phone number, which counts once a text message to it was answered");
const phone = "+4915112345678";
const changed = await idp.send(
  new UpdateUserAttributesCommand({
    AccessToken,
    UserAttributes: [{ Name: "phone_number", Value: phone }],
  }),
);
console.log("A code was sent:", changed.CodeDeliveryDetailsList);
await idp.send(
  new VerifyUserAttributeCommand({ AccessToken, AttributeName: "phone_number", Code: await code(phone) }),
);
const me = await idp.send(new GetUserCommand({ AccessToken }));
console.log(
  "Her phone number:",
  me.UserAttributes!.filter(({ Name }) => Name!.startsWith("phone")),
);

step("Ann becomes an administrator. The next token says so, and applications decide by it");
await idp.send(new AdminAddUserToGroupCommand({ UserPoolId, Username: "ann", GroupName: "Admin" }));
const promoted = await signIn("ann", password);
console.log("Her next access token says:", payload(promoted.AuthenticationResult!.AccessToken!));

step("Bob is invited: the pool sends him a temporary password, which he must change");
const invited = await idp.send(
  new AdminCreateUserCommand({
    UserPoolId,
    Username: "bob",
    DesiredDeliveryMediums: ["EMAIL"],
    UserAttributes: [
      { Name: "email", Value: "bob@example.com" },
      { Name: "email_verified", Value: "true" },
    ],
  }),
);
console.log(`His status: ${invited.User!.UserStatus}`);
const { ChallengeName, Session } = await signIn("bob", await code("bob@example.com"));
const answered = await idp.send(
  new RespondToAuthChallengeCommand({
    ClientId,
    ChallengeName,
    Session,
    ChallengeResponses: { USERNAME: "bob", NEW_PASSWORD: password },
  }),
);
console.log(`His sign-in was answered with: ${ChallengeName}
His access token is valid for: ${answered.AuthenticationResult!.ExpiresIn} seconds`);

step("The pages for signing in and up, in your own colors");
await idp.send(
  new CreateManagedLoginBrandingCommand({
    UserPoolId,
    ClientId,
    Settings: {
      components: {
        primaryButton: {
          lightMode: { defaults: { backgroundColor: "155e52ff", textColor: "ffffffff" } },
          darkMode: { defaults: { backgroundColor: "7fd6c3ff", textColor: "0d1f1bff" } },
        },
      },
    },
  }),
);
const query = new URLSearchParams({
  client_id: ClientId,
  response_type: "code",
  scope: "openid",
  redirect_uri: callback,
});
const page = new URL(`/${UserPoolId}/login?${query}`, endpoint).href;
console.log(`The sign-in page: ${page}`);

step("A forgotten password is reset by name, by address and by phone number");
for (const Username of ["ann", "ann@example.com", phone]) {
  const sent = await idp.send(new ForgotPasswordCommand({ ClientId, Username }));
  const Password = `${password}-${Username}`;
  await idp.send(
    new ConfirmForgotPasswordCommand({
      ClientId,
      Username,
      ConfirmationCode: await code("ann@example.com"),
      Password,
    }),
  );
  const again = await signIn(Username, Password);
  console.log(`By ${Username}: the code went to ${sent.CodeDeliveryDetails!.Destination}`);
  console.log(`  and the new password signs in: ${again.AuthenticationResult!.TokenType}`);
}

if (process.env["WALK_KEEP"]) {
  console.log(`\nThe pool stays. On its sign-in page, which is at the end, sign in with
  user name: ann
  password:  ${password}-${phone}
You are then sent to ${callback} with a code. If nothing listens there, the browser says so, and its
address bar has the code.
${page}`);
} else {
  step("The end: the pool is deleted, with everybody in it");
  await idp.send(new DeleteUserPoolCommand({ UserPoolId }));
  console.log("Done.");
}
