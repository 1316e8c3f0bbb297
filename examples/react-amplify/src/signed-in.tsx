/** The signed-in view: the user, the session, the ways to sign in, and signing out. */
import { type AuthTokens, fetchAuthSession, signOut } from "aws-amplify/auth";
import { useEffect, useRef } from "react";
import { Authenticator } from "./authenticator.tsx";
import { ActionButton } from "./parts.tsx";
import { Passkeys } from "./passkeys.tsx";

export function SignedIn({ tokens }: { tokens: AuthTokens }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <div className="cards">
      <title>Welcome · Reading room</title>
      <h1 tabIndex={-1} ref={heading}>
        Welcome
      </h1>
      <Person tokens={tokens} />
      <Session tokens={tokens} />
      <Passkeys />
      <Authenticator account={String(tokens.idToken?.payload["email"])} />
      <SignOut />
    </div>
  );
}

/** From the ID token, which describes the user for this page. */
function Person({ tokens }: { tokens: AuthTokens }) {
  const claims = tokens.idToken?.payload ?? {};
  const groups = (claims["cognito:groups"] ?? []) as string[];
  return (
    <section className="card" aria-labelledby="who">
      <h2 id="who">Who you are</h2>
      <dl>
        <dt>Email address</dt>
        <dd>{String(claims["email"])}</dd>
        <dt>Groups</dt>
        <dd>{groups.length > 0 ? groups.join(", ") : "none"}</dd>
        <dt>User id</dt>
        <dd>{claims.sub}</dd>
      </dl>
    </section>
  );
}

/** The access token is what an API would receive. Amplify refreshes it automatically; the button does so at once. */
function Session({ tokens }: { tokens: AuthTokens }) {
  const { payload } = tokens.accessToken;
  const until = new Date((payload.exp ?? 0) * 1000);
  return (
    <section className="card" aria-labelledby="session">
      <h2 id="session">Your session</h2>
      <p role="status">
        The access token is good until{" "}
        <time dateTime={until.toISOString()}>{until.toLocaleTimeString()}</time>.
      </p>
      <ActionButton action={() => fetchAuthSession({ forceRefresh: true })}>Refresh it now</ActionButton>
      <details>
        <summary>What it says</summary>
        {/* It scrolls, so the keyboard has to reach it. */}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above. */}
        <pre tabIndex={0}>{JSON.stringify(payload, null, 2)}</pre>
      </details>
    </section>
  );
}

/** A user who signed in at the hosted pages is signed out there, too: Amplify goes to /logout, which returns here. */
function SignOut() {
  return (
    <section className="card" aria-labelledby="sign-out">
      <h2 id="sign-out">Leave</h2>
      <ActionButton action={() => signOut()}>Sign out</ActionButton>
      <ActionButton action={() => signOut({ global: true })}>Sign out on every device</ActionButton>
    </section>
  );
}
