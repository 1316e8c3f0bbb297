/** What a caller may ask of a new session, and how much of it ("AssumeRole", AWS Security Token Service API Reference). */
import { repeatedMember } from "../../lib/json-members.ts";
import { parsePolicy } from "../../policy/policy.ts";
import type { Role } from "../../store/roles.ts";
import { refuse } from "../../wire/refuse.ts";

/** How long a session is valid unless the request says so. Seconds. */
const usualSeconds = 3_600;
/** The longest session of a role whose caller has assumed a role itself. Seconds. */
const chainedSeconds = 3_600;
/** The longest session policy, in characters. */
const longestPolicy = 2_048;
/** How many bytes policy and tags of a session have together: they travel in a header of every request. */
const mostPacked = 4_096;

/** How long a session of a role is to be valid, in seconds. Throws ValidationException if that is too long. */
export function sessionSeconds(
  { maxSessionSeconds }: Pick<Role, "maxSessionSeconds">,
  wanted: number | undefined,
  isChained: boolean,
): number {
  if (wanted === undefined) return Math.min(usualSeconds, maxSessionSeconds);
  if (isChained && wanted > chainedSeconds)
    refuse(
      "ValidationException",
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    );
  if (wanted > maxSessionSeconds)
    refuse(
      "ValidationException",
      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
  return wanted;
}

/** The session policies of a request; undefined if it has none, which restricts nothing. */
export function sessionPolicies(policy: string | undefined): readonly string[] | undefined {
  if (policy === undefined) return undefined;
  if (policy.length > longestPolicy)
    refuse(
      "PackedPolicyTooLargeException",
      `A session policy has at most ${longestPolicy} characters, not ${policy.length}.`,
    );
  try {
    parsePolicy(policy);
  } catch (error) {
    return refuse("MalformedPolicyDocumentException", (error as Error).message);
  }
  const twice = repeatedMember(policy);
  // Of two members only the last would count, and the other may be the restriction.
  if (twice !== undefined)
    refuse("MalformedPolicyDocumentException", `The policy has the member '${twice}' twice in one object.`);
  return [policy];
}

/** How much of the room for policies and tags a session takes, in percent; 0 if it has none. Throws PackedPolicyTooLargeException. */
export function packedSize(
  policies: readonly string[] | undefined,
  tags: Readonly<Record<string, string>>,
): number {
  const tagsText = Object.keys(tags).length === 0 ? "" : JSON.stringify(tags);
  const bytes = Buffer.byteLength(tagsText) + Buffer.byteLength((policies ?? []).join(""));
  if (bytes > mostPacked)
    refuse(
      "PackedPolicyTooLargeException",
      `The session policy and tags of a session have at most ${mostPacked} bytes, not ${bytes}.`,
    );
  return Math.ceil((100 * bytes) / mostPacked);
}

/** Refuses what there is nothing of here. */
export function refuseUnsupported(request: {
  readonly PolicyArns?: readonly unknown[] | undefined;
  readonly ProvidedContexts?: readonly unknown[] | undefined;
  readonly SerialNumber?: string | undefined;
  readonly TokenCode?: string | undefined;
}): void {
  const { PolicyArns = [], ProvidedContexts = [], SerialNumber, TokenCode } = request;
  if (PolicyArns.length > 0)
    refuse("ValidationException", "There are no managed policies here: give the session policy as Policy.");
  if (ProvidedContexts.length > 0) refuse("ValidationException", "ProvidedContexts is not supported.");
  if (SerialNumber !== undefined || TokenCode !== undefined)
    refuse("ValidationException", "Access keys have no MFA devices here.");
}
