/** One of two views: for nobody yet, and for somebody. */
import { useSession } from "./session.ts";
import { SignedIn } from "./signed-in.tsx";
import { SignedOut } from "./signed-out.tsx";

export function App() {
  const { tokens, problem, checking } = useSession();
  if (checking) return <p role="status">One moment …</p>;
  return tokens === undefined ? <SignedOut problem={problem} /> : <SignedIn tokens={tokens} />;
}
