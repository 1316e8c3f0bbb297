/** Who uses the page: a guest, or somebody who has signed in. Both have credentials. */
import { fetchAuthSession, signIn, signOut } from "aws-amplify/auth";
import { settings } from "./settings.ts";

export interface Session {
  /** Undefined for a guest. */
  readonly username: string | undefined;
  readonly groups: readonly string[];
  /** The id of the identity, in the identity pool. */
  readonly identityId: string;
  readonly accessKeyId: string;
  readonly expiresAt: Date | undefined;
}

/** The session as it is now. Amplify gets credentials when there are none, or when they are about to end. */
export async function currentSession(): Promise<Session> {
  const { credentials, identityId, tokens } = await fetchAuthSession();
  if (credentials === undefined || identityId === undefined)
    throw new Error("The identity pool gave no credentials.");
  const { "cognito:username": username, "cognito:groups": groups } = tokens?.idToken?.payload ?? {};
  return {
    username: username === undefined ? undefined : String(username),
    groups: Array.isArray(groups) ? groups.map(String) : [],
    identityId,
    accessKeyId: credentials.accessKeyId,
    expiresAt: credentials.expiration,
  };
}

/** Signs in by SRP: the password does not leave the browser. */
export async function enter(username: string, password: string): Promise<void> {
  const { isSignedIn, nextStep } = await signIn({ username, password });
  if (!isSignedIn)
    throw new Error(
      `This sign-in takes another step (${nextStep.signInStep}), which this page does not have.`,
    );
}

/** Signs out; from then on one is a guest again, and another one than before. */
export const leave = (): Promise<void> => signOut();

/** What proves to the identity pool who somebody is; undefined for a guest. */
export async function loginsNow(): Promise<Record<string, string> | undefined> {
  const token = (await fetchAuthSession()).tokens?.idToken;
  const { region, userPoolId } = settings;
  return token && { [`cognito-idp.${region}.amazonaws.com/${userPoolId}`]: token.toString() };
}
