/** A sign-in while it runs, what its row keeps of it, and what each of its requests ends in. */
import type { SignInRow } from "../../store/sign-ins.ts";
import type { User } from "../../store/users.ts";
import type { Attempt } from "../audit/attempt.ts";
import type { Subject } from "../credentials/subjects.ts";
import type { ContactAttribute } from "../messages/delivery.ts";
import type { SecondFactor } from "../mfa/factors.ts";
import type { Authenticated } from "../tokens/issue.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import type { Attributes } from "../users/attributes.ts";
import type { BrowserDevice } from "../users/browser-devices.ts";
import type { ChallengeKind, FirstFactor, Flow, Proof, Step } from "./steps.ts";

/** What the row keeps, sealed. */
export interface SignInState {
  readonly flow: Flow;
  /** `SIGN_UP_CONFIRMED`: the first request of a sign-in that the confirmation of a sign-up has begun. */
  readonly awaiting: Step | "SIGN_UP_CONFIRMED";
  readonly proven: readonly Proof[];
  /** The factor that the user chose where there was a choice. */
  readonly chosen?: FirstFactor | SecondFactor | undefined;
  /** DEVICE_KEY, where the client named a device that is the user's. */
  readonly deviceKey?: string | undefined;
  /** USERNAME as typed at the start; challenge answers may name the user so. */
  readonly submitted: string;
  /** Of the credential the password was proven against: a password changed meanwhile voids the sign-in. */
  readonly credentialVersion: number;
  /** Of the user when the sign-in began: signing out, disabling and resetting void it. */
  readonly signOuts: number;
  /** The event of this sign-in; rows of older programs have none. */
  readonly event?: string | undefined;
  /** While an SRP proof is awaited: the session key, base64, and whom it was computed for; a device has a group. */
  readonly srp?: { readonly sessionKey: string; readonly identity: string; readonly group?: string };
  /** The code that was sent and where to; absent where nobody can have it. */
  readonly code?: { readonly value: string; readonly to?: string | undefined };
  /** WEB_AUTHN: what the passkey is to sign, base64url. */
  readonly passkeyChallenge?: string;
  /** MFA_SETUP: the address that its code will make a factor of the user. */
  readonly enrolling?: Enrolling | undefined;
  /** NEW_PASSWORD_REQUIRED: addresses that become the user's, or are deleted, when nothing is left to prove. */
  readonly addresses?: Attributes | undefined;
  /** MFA_SETUP: the seed of a software token, base64: it waits for its first code. */
  readonly pendingSeed?: string;
  /** MFA_SETUP: that code came under this Session. */
  readonly enrolled?: true;
  /** Whom a wrong answer is counted at: also a user without verifier, whom the row does not name. */
  readonly subject?: Subject;
}

/** An address that becomes the user's, and their factor, once a code sent to it comes back. */
export interface Enrolling {
  readonly factor: Exclude<SecondFactor, "SOFTWARE_TOKEN_MFA">;
  readonly contact: ContactAttribute;
  readonly value: string;
}

/** A page of ours, in somebody's browser. */
export interface Page {
  /** Passkeys are asked for there. */
  readonly origin: string;
  /** What the browser keeps in its cookie. */
  readonly devices: readonly BrowserDevice[];
}

export interface SignIn {
  readonly pool: Pool;
  readonly client: Client;
  /** undefined: nobody has this name, and the sign-in is a simulation. */
  readonly user: User | undefined;
  readonly flow: Flow;
  readonly proven: readonly Proof[];
  readonly chosen: FirstFactor | SecondFactor | undefined;
  readonly enrolling: Enrolling | undefined;
  /** What the user has said of their addresses, and who has only the password may not. */
  readonly addresses?: Attributes | undefined;
  readonly deviceKey: string | undefined;
  readonly submitted: string;
  readonly credentialVersion: number;
  readonly signOuts: number;
  /** The page of ours at which it runs. */
  readonly page: Page | undefined;
  /** What its event will tell. */
  readonly attempt: Attempt;
  /** The persisted row, once there is one. */
  readonly row: SignInRow<SignInState> | undefined;
  /** What this user, or nobody, has to choose from, where that was looked up. */
  readonly available?: readonly FirstFactor[];
  /** The row that this request has answered, and used up, and what kind of challenge that was. */
  readonly answered?: { readonly row: SignInRow<SignInState>; readonly kind: ChallengeKind };
  /** The source of this request is to be noted as the user's, once tokens are issued. */
  readonly remember: boolean;
}

/** A sign-in of which nothing is proven yet. */
export function newSignIn(
  given: Pick<SignIn, "pool" | "client" | "user" | "flow" | "submitted" | "page" | "attempt">,
): SignIn {
  return {
    ...given,
    proven: [],
    chosen: undefined,
    enrolling: undefined,
    deviceKey: undefined,
    credentialVersion: 0,
    signOuts: given.user?.signOuts ?? 0,
    row: undefined,
    remember: false,
  };
}

/** A sign-in ends in tokens-to-be or in one more challenge. */
export type Outcome =
  | { readonly kind: "authenticated"; readonly authenticated: Authenticated }
  | {
      readonly kind: "challenge";
      readonly name: Step;
      readonly parameters: Readonly<Record<string, string>>;
      /** AvailableChallenges: the first factors of USER_AUTH. */
      readonly available?: readonly FirstFactor[];
      /** Absent for PASSWORD_VERIFIER of USER_SRP_AUTH, whose state travels in SECRET_BLOCK. */
      readonly session?: string;
    };

/** AuthSessionValidity in milliseconds; 3 minutes unless the client says otherwise. */
export function sessionLifetime(client: Client): number {
  return (client.document.AuthSessionValidity ?? 3) * 60_000;
}

/** What was proven, as events of users tell it: they know of passwords, and of everything else. */
export function provenInEvents(proven: readonly Proof[]): ("Password" | "Mfa")[] {
  return proven.map((proof) => (proof === "password" || proof === "new-password" ? "Password" : "Mfa"));
}

/** How the event of a step is told. */
export function eventResponse({ kind }: Outcome): "Pass" | "InProgress" {
  return kind === "authenticated" ? "Pass" : "InProgress";
}
