/** The state of a sign-in: in memory, as stored in its row, and the outcome of each of its requests. */

import type { SignInRow } from "../../store/sign-ins.ts";
import type { User } from "../../store/users.ts";
import type { Attempt } from "../audit/attempt.ts";
import type { Remembering } from "../credentials/request-limits.ts";
import type { Subject } from "../credentials/subjects.ts";
import type { ContactAttribute } from "../messages/delivery.ts";
import type { SecondFactor } from "../mfa/factors.ts";
import type { Proof } from "../mfa/proofs.ts";
import type { Authenticated } from "../tokens/issue.ts";
import type { ChallengeResult } from "../triggers/custom-challenge.ts";
import type { Metadata } from "../triggers/trigger.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import type { Attributes } from "../users/attributes.ts";
import type { BrowserDevice } from "../users/browser-devices.ts";
import type { ChallengeKind, FirstFactor, Flow, Step } from "./steps.ts";

/** The part of a sign-in that its row stores, sealed. */
export interface SignInState {
  readonly flow: Flow;
  /**
   * The challenge that is awaited; `SIGN_UP_CONFIRMED`: the first request of a sign-in started by confirming a sign-up.
   */
  readonly awaiting: Step | "SIGN_UP_CONFIRMED";
  readonly proven: readonly Proof[];
  /** The factor that the user chose, if there was a choice. */
  readonly chosen?: FirstFactor | SecondFactor | undefined;
  /** DEVICE_KEY, if the client named a device of the user. */
  readonly deviceKey?: string | undefined;
  /** USERNAME as entered at the start, which challenge answers may repeat. */
  readonly submitted: string;
  /**
   * The version of the credential that the password was checked against: changing the password invalidates the sign-in.
   */
  readonly credentialVersion: number;
  /**
   * The user's sign-out counter when the sign-in began: signing out, disabling and resetting invalidate the sign-in.
   */
  readonly signOuts: number;
  /** The id of the sign-in's authentication event; absent in rows of older versions. */
  readonly event?: string | undefined;
  /**
   * While an SRP proof is awaited: the session key (base64), and the username or device key it was computed for.
   * `group` is the device group key, for devices only.
   */
  readonly srp?: { readonly sessionKey: string; readonly identity: string; readonly group?: string };
  /** The code, and the address it was sent to; `to` is absent if nobody received it. */
  readonly code?: { readonly value: string; readonly to?: string | undefined };
  /** WEB_AUTHN: the challenge that the passkey must sign, base64url. */
  readonly passkeyChallenge?: string;
  /** MFA_SETUP: the address that becomes a factor of the user once its code is entered. */
  readonly enrolling?: Enrolling | undefined;
  /** CUSTOM_AUTH: what its triggers know. */
  readonly custom?: Custom | undefined;
  /** NEW_PASSWORD_REQUIRED: addresses to set or delete at the end of the sign-in, when everything is proven. */
  readonly addresses?: Attributes | undefined;
  /** MFA_SETUP: the seed of a software token that awaits its first code, base64. */
  readonly pendingSeed?: string;
  /** MFA_SETUP: whether the first code of the software token was entered with this Session. */
  readonly enrolled?: true;
  /**
   * The subject whose wrong answers are counted; also set for a user without an SRP verifier, whom the row does not
   * name.
   */
  readonly subject?: Subject;
}

/** An address that becomes the user's, and a factor, once the code sent to it is entered. */
export interface Enrolling {
  readonly factor: Exclude<SecondFactor, "SOFTWARE_TOKEN_MFA">;
  readonly contact: ContactAttribute;
  readonly value: string;
}

/** A hosted page that is open in a browser. */
export interface Page {
  /** The page's origin, to which passkeys are bound. */
  readonly origin: string;
  /** The devices in the browser's cookie. */
  readonly devices: readonly BrowserDevice[];
}

/** What the triggers of CUSTOM_AUTH know of a sign-in. */
export interface Custom {
  /** The challenges that were answered, in order. */
  readonly session: readonly ChallengeResult[];
  /** How many of the sign-in's proofs are among them. */
  readonly counted: number;
  /** privateChallengeParameters of the challenge that is awaited, for the function that checks its answer. */
  readonly hidden?: Readonly<Record<string, string>>;
  /** challengeMetadata of the challenge that is awaited. */
  readonly metadata?: string | null;
}

export interface SignIn {
  readonly pool: Pool;
  readonly client: Client;
  /** Undefined if no user has this name: the sign-in is simulated. */
  readonly user: User | undefined;
  readonly flow: Flow;
  readonly proven: readonly Proof[];
  readonly chosen: FirstFactor | SecondFactor | undefined;
  readonly enrolling: Enrolling | undefined;
  /** Changes of the user's addresses, which the password alone does not permit. */
  readonly addresses?: Attributes | undefined;
  readonly deviceKey: string | undefined;
  readonly submitted: string;
  readonly credentialVersion: number;
  readonly signOuts: number;
  /** The hosted page where the sign-in takes place, if any. */
  readonly page: Page | undefined;
  /** What the authentication event will contain. */
  readonly attempt: Attempt;
  /** The stored row, if there is one. */
  readonly row: SignInRow<SignInState> | undefined;
  /** The row whose code is sent once more: the new row takes its place, or none is stored. */
  readonly replaced?: SignInRow<SignInState>;
  /** The first factors to choose from, if they were determined. */
  readonly available?: readonly FirstFactor[];
  /** The row that this request answered and used up, and the kind of its challenge. */
  readonly answered?: { readonly row: SignInRow<SignInState>; readonly kind: ChallengeKind };
  /** What becomes of the source of this request when tokens are issued. */
  readonly remember: Remembering;
  /** ClientMetadata of RespondToAuthChallenge, for the triggers of its request. */
  readonly clientMetadata?: Metadata | undefined;
  /** ClientMetadata of InitiateAuth, for the triggers that get it as validationData. */
  readonly validationData?: Metadata | undefined;
  /** In CUSTOM_AUTH. */
  readonly custom?: Custom | undefined;
}

/** A new sign-in, with nothing proven yet. */
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
    remember: "no",
  };
}

/** The outcome of a request: the sign-in is complete, and tokens can be issued, or another challenge follows. */
export type Outcome =
  | { readonly kind: "authenticated"; readonly authenticated: Authenticated }
  | {
      readonly kind: "challenge";
      readonly name: Step;
      readonly parameters: Readonly<Record<string, string>>;
      /** AvailableChallenges: the first factors in USER_AUTH. */
      readonly available?: readonly FirstFactor[];
      /** Absent for PASSWORD_VERIFIER in USER_SRP_AUTH, whose state is in SECRET_BLOCK. */
      readonly session?: string;
    };

/** AuthSessionValidity in milliseconds; 3 minutes by default. */
export function sessionLifetime(client: Client): number {
  return (client.document.AuthSessionValidity ?? 3) * 60_000;
}

/** The EventResponse of a request's outcome. */
export function eventResponse({ kind }: Outcome): "Pass" | "InProgress" {
  return kind === "authenticated" ? "Pass" : "InProgress";
}
