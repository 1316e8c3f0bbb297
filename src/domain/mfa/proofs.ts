/** Everything that a sign-in may prove, and what each proof counts for. */

interface ProofRule {
  /**
   * Which factor it can be: only the first; the first or the second, after a different one; both at once; or neither, for
   * proofs that are required beside the factors.
   */
  readonly factor: "first" | "second" | "both" | "neither";
  /** The name of its challenge in users' authentication events. */
  readonly event: "Password" | "Mfa";
}

const proofs = {
  password: { factor: "first", event: "Password" },
  "new-password": { factor: "neither", event: "Password" },
  sms: { factor: "second", event: "Mfa" },
  email: { factor: "second", event: "Mfa" },
  "software-token": { factor: "second", event: "Mfa" },
  passkey: { factor: "first", event: "Mfa" },
  /** A passkey whose authenticator verified its user, in a pool that counts that as two factors. */
  "verified-passkey": { factor: "both", event: "Mfa" },
  /** What the pool's triggers accepted. */
  custom: { factor: "first", event: "Mfa" },
  device: { factor: "neither", event: "Mfa" },
} as const satisfies Record<string, ProofRule>;

/** Something proven in a sign-in, which lists its proofs in order. */
export type Proof = keyof typeof proofs;

/** All proofs, for tests of every combination. */
export const allProofs = Object.keys(proofs) as readonly Proof[];

function factorOf(proof: string | undefined): ProofRule["factor"] {
  return proof !== undefined && Object.hasOwn(proofs, proof) ? proofs[proof as Proof].factor : "neither";
}

/**
 * Whether proofs, in order, are two factors: a second factor after a different first one, or a passkey that counts as
 * two.
 * @param proven also those that a browser session stores; unknown ones count for nothing
 */
export function areTwo([first, ...later]: readonly string[]): boolean {
  return factorOf(first) === "both" || later.some((proof) => proof !== first && factorOf(proof) === "second");
}

/** The names of proofs in users' authentication events, in order. */
export function provenInEvents(proven: readonly Proof[]): ("Password" | "Mfa")[] {
  return proven.map((proof) => proofs[proof].event);
}
