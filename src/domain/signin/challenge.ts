/** The type of a challenge. The table of challenges is in challenges.ts. */
import type { Ctx } from "../../app.ts";
import type { SignInRow } from "../../store/sign-ins.ts";
import type { Answering } from "./session.ts";
import type { Outcome, SignIn, SignInState } from "./sign-in.ts";
import type { ChallengeKind } from "./steps.ts";

/** The parameters of a request: AuthParameters or ChallengeResponses. */
export type Given = Readonly<Record<string, string>>;

/** The kinds of challenge pages at the hosted pages; several challenges may share one. */
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

/** Result of an offer that need not ask: the proof was already in the request, or something else comes first. */
export interface Proven {
  readonly kind: "proven";
  readonly signIn: SignIn;
  /** Parameters of the request that are left for the next step. */
  readonly parameters?: Given;
}

export interface Challenge {
  readonly kind: ChallengeKind;
  /** Finds the row that the answer belongs to. Throws NotAuthorizedException. */
  readonly find: (ctx: Ctx, request: Answering) => Promise<SignInRow<SignInState>>;
  /** Asks for the proof, unless the request already contains it. */
  readonly offer: (ctx: Ctx, signIn: SignIn, given: Given) => Promise<Outcome | Proven>;
  /** Checks the answer and uses up the row. Returns the sign-in with the new proof; throws if the answer is wrong. */
  readonly answer: (ctx: Ctx, signIn: SignIn, responses: Given) => Promise<SignIn>;
  /** The member of ChallengeResponses that contains the proof; undefined if there are several. */
  readonly member: string | undefined;
  /** The page that asks for it; undefined if it has no page of its own. */
  readonly page: ChallengePage | undefined;
  /** Refuses a row that belongs to another client or awaits another challenge. */
  readonly refuse: () => never;
  /** The ChallengeName under which authentication events record a wrong answer; undefined if it proves nothing. */
  readonly proves: "Password" | "Mfa" | undefined;
  /**
   * Whether the answer contains what the next step asks for: a choice with its proof, or the SRP_A that DEVICE_SRP_AUTH
   * asks for. The members of other answers are never taken for an answer to the next step, which some clients send along.
   */
  readonly leadsOn: boolean;
  /** Whether offering it sends a code, of which the hosted pages can send another. */
  readonly sends?: true;
  /** Whether a wrong answer ends the sign-in. */
  readonly failsForGood: boolean;
}
