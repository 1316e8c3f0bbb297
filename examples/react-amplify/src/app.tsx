/** One of two views: signed out or signed in. */
import { useSession } from "./session.ts";
import { SignedIn } from "./signed-in.tsx";
import { SignedOut } from "./signed-out.tsx";

export function App() {
  const { tokens, problem, checking } = useSession();
  if (checking) return <p role="status">One moment …</p>;
  return tokens === undefined ? <SignedOut problem={problem} /> : <SignedIn tokens={tokens} />;
}
