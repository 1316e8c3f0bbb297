/** What a challenge is made of. challenges.ts has the table of them. */
import type { Ctx } from "../../app.ts";
import type { SignInRow } from "../../store/sign-ins.ts";
import type { Answering } from "./session.ts";
import type { Outcome, SignIn, SignInState } from "./sign-in.ts";
import type { ChallengeKind } from "./steps.ts";

/** What a request has brought: AuthParameters or ChallengeResponses. */
export type Given = Readonly<Record<string, string>>;

/** What the hosted pages ask by: a page of one kind may serve several challenges. */
export type ChallengePage =
  | "first-factors"
  | "second-factors"
  | "code-by-email"
  | "code-by-sms"
  | "code-of-app"
  | "passkey"
  | "new-password"
  | "set-up"
  | "custom";

/** Proven by what the request at hand has brought, so that nothing need be asked. */
export interface Proven {
  readonly kind: "proven";
  readonly signIn: SignIn;
}

export interface Challenge {
  readonly kind: ChallengeKind;
  /** The row that waits for this answer. Throws NotAuthorizedException. */
  readonly find: (ctx: Ctx, request: Answering) => Promise<SignInRow<SignInState>>;
  /** Asks for the proof, unless the request has brought it. */
  readonly offer: (ctx: Ctx, signIn: SignIn, given: Given) => Promise<Outcome | Proven>;
  /** Proves it: the sign-in with one more proof, and its row used up. Throws when it is not proven. */
  readonly answer: (ctx: Ctx, signIn: SignIn, responses: Given) => Promise<SignIn>;
  /** The member of ChallengeResponses that the proof is in; undefined: there are several. */
  readonly member: string | undefined;
  /** How the hosted pages ask for it; undefined: by no page of its own. */
  readonly page: ChallengePage | undefined;
  /** What a client is told when the row is not theirs or not of this challenge. */
  readonly refuse: () => never;
  /** What it is called in the user's events. */
  readonly proves?: "Password" | "Mfa";
  /** A wrong answer ends the sign-in. */
  readonly once?: boolean;
}
