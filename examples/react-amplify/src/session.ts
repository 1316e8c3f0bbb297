/** Who is signed in, as Amplify has it: now, and whenever that changes. */
import { type AuthTokens, fetchAuthSession } from "aws-amplify/auth";
import { Hub } from "aws-amplify/utils";
import { useEffect, useState } from "react";
import { sentence } from "./errors.ts";

export interface Session {
  readonly checking: boolean;
  readonly tokens: AuthTokens | undefined;
  /** Why a sign-in that came back from the hosted pages failed. */
  readonly problem: string | undefined;
}

export function useSession(): Session {
  const [checking, setChecking] = useState(true);
  const [tokens, setTokens] = useState<AuthTokens>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    // Refreshes the tokens where they have expired, and waits for a sign-in that has just come back.
    const look = () =>
      fetchAuthSession()
        .then((session) => setTokens(session.tokens))
        .catch((error: unknown) => setProblem(sentence(error)))
        .finally(() => setChecking(false));
    const stop = Hub.listen("auth", ({ payload }) => {
      if (payload.event === "signInWithRedirect_failure") setProblem(sentence(payload.data.error));
      if (payload.event === "signedIn") setProblem(undefined);
      void look();
    });
    void look();
    return stop;
  }, []);
  return { checking, tokens, problem };
}
