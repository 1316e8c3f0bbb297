/** The signed-in user according to Amplify, now and whenever it changes. */
import { type AuthTokens, fetchAuthSession } from "aws-amplify/auth";
import { Hub } from "aws-amplify/utils";
import { useEffect, useState } from "react";
import { sentence } from "./errors.ts";

export interface Session {
  readonly checking: boolean;
  readonly tokens: AuthTokens | undefined;
  /** Why a sign-in failed that returned from the hosted pages. */
  readonly problem: string | undefined;
}

/** Recorded from the start, because such a sign-in may fail before anything is shown. */
let failure: string | undefined;
Hub.listen("auth", ({ payload }) => {
  if (payload.event === "signInWithRedirect_failure") failure = sentence(payload.data.error);
  if (payload.event === "signedIn") failure = undefined;
});

export function useSession(): Session {
  const [session, setSession] = useState<Session>({ checking: true, tokens: undefined, problem: undefined });
  useEffect(() => {
    // Refreshes expired tokens, and waits for a sign-in that has just returned.
    const look = () =>
      fetchAuthSession().then(
        ({ tokens }) => setSession({ checking: false, tokens, problem: failure }),
        (error: unknown) => setSession({ checking: false, tokens: undefined, problem: sentence(error) }),
      );
    const stop = Hub.listen("auth", () => void look());
    void look();
    return stop;
  }, []);
  return session;
}
