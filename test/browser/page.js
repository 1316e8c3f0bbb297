/** The page of srp.test.ts: other people's clients in a browser, from another origin than the server's. */
import {
  CognitoIdentityProviderClient,
  GetUserCommand,
  InitiateAuthCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { AuthenticationDetails, CognitoUser, CognitoUserPool } from "amazon-cognito-identity-js";

const { endpoint, UserPoolId, ClientId } = window.settings;
const text = (id) => document.getElementById(id);
const value = (id) => text(id).value;

text("srp").addEventListener("click", () => {
  const Username = value("username");
  const user = new CognitoUser({ Username, Pool: new CognitoUserPool({ UserPoolId, ClientId, endpoint }) });
  user.authenticateUser(new AuthenticationDetails({ Username, Password: value("password") }), {
    onSuccess: (session) => {
      user.getUserAttributes((error, attributes) => {
        const email = attributes?.find((one) => one.getName() === "email")?.getValue();
        text("who").textContent = session.getIdToken().payload["cognito:username"];
        text("email").textContent = error ? `${error.code}: ${error.message}` : email;
      });
    },
    onFailure: (error) => {
      text("who").textContent = `${error.code}: ${error.message}`;
    },
  });
});

text("sdk").addEventListener("click", async () => {
  const client = new CognitoIdentityProviderClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "none", secretAccessKey: "none" },
  });
  try {
    const { AuthenticationResult } = await client.send(
      new InitiateAuthCommand({
        AuthFlow: "USER_PASSWORD_AUTH",
        ClientId,
        AuthParameters: { USERNAME: value("username"), PASSWORD: value("password") },
      }),
    );
    const user = await client.send(new GetUserCommand({ AccessToken: AuthenticationResult.AccessToken }));
    text("who").textContent = user.Username;
  } catch (error) {
    text("who").textContent = `${error.name}: ${error.message}`;
  }
});
