/** What is in a user's tokens, and why. */
import { decodeJwt } from "jose";

const meanings: Readonly<Record<string, string>> = {
  sub: "The user's permanent id: names and addresses may change, this does not.",
  username: "The name that the user signs in with.",
  "cognito:username": "The name that the user signs in with.",
  "cognito:groups": "The user's groups. They decide what the user may do in this application.",
  client_id: "The application that the token was issued to. Tokens of others are refused here.",
  aud: "The application that the token was issued to.",
  iss: "The user pool that issued it. Its keys are published below this address.",
  token_use: "What the token is for: programs accept access tokens, the application itself reads ID tokens.",
  scope:
    "What the sign-in lets the application read at the pool: here the user's id and, if there is one, the e-mail address.",
  auth_time: "When the user signed in.",
  iat: "When this token was issued. It is later than the sign-in if the token was refreshed.",
  exp: "When it expires. Until then, programs that verify it offline accept it, even if the user has been deleted.",
  jti: "The token's own id.",
  origin_jti: "The sign-in that the token belongs to. Signing out revokes all tokens of that sign-in.",
  event_id: "The sign-in, in the pool's records.",
  nonce:
    "A random value that this application sent with its request: the answer to another request is refused.",
  at_hash: "A hash of the access token: both were issued together.",
  email: "An attribute of the user. Applications see those that they may read.",
  email_verified: "Whether the user has proven that the address is theirs.",
  version: "The version of the token's format.",
};

const times: readonly string[] = ["auth_time", "iat", "exp"];

export interface Claim {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
}

/** The claims of a token that has been verified. */
export function claimsOf(token: string): Claim[] {
  return Object.entries(decodeJwt(token)).map(([name, value]) => {
    const isTime = times.includes(name) && typeof value === "number";
    const shown = isTime ? new Date(value * 1000).toUTCString() : value;
    return {
      name,
      value: typeof shown === "string" ? shown : JSON.stringify(shown),
      meaning: meanings[name] ?? "An attribute of the user.",
    };
  });
}
