/**
 * UserMigration: a function looks a user up in another user store, when nobody here has the name ("Migrate user Lambda
 * trigger", Amazon Cognito Developer Guide).
 */
import { Refusal } from "../../lib/refusal.ts";
import { isStorable } from "../../lib/text.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { unrecognizable } from "./answer.ts";
import { type FiringCtx, fire } from "./fire.ts";
import type { Metadata } from "./trigger.ts";
import { given } from "./user-event.ts";

/** A user as the other store has it. */
export interface FoundUser {
  readonly attributes: Readonly<Record<string, string>>;
  /** Whether the password that was given is theirs and stays so. */
  readonly isConfirmed: boolean;
  /** Whether no message welcomes them. */
  readonly isSilent: boolean;
  readonly mediums: readonly ("EMAIL" | "SMS")[] | undefined;
  readonly takesAliases: boolean;
  readonly enablesSms: boolean;
}

interface Asked {
  /** The name as it was entered. */
  readonly userName: string;
  /** Undefined if the password has been forgotten. */
  readonly password: string | undefined;
  readonly validationData?: Metadata | undefined;
  readonly clientMetadata?: Metadata | undefined;
}

const form = {
  userAttributes: "object",
  finalUserStatus: "text",
  messageAction: "text",
  desiredDeliveryMediums: "texts",
  forceAliasCreation: "decision",
  enableSMSMFA: "decision",
} as const;

/**
 * Asks the function. Undefined if it knows no such user, or refuses the password: a handler throws, or answers nothing,
 * in either case, and what went wrong otherwise is in the log alone.
 */
export async function findElsewhere(
  ctx: FiringCtx,
  pool: Pool,
  client: Client,
  asked: Asked,
): Promise<FoundUser | undefined> {
  try {
    return await ask(ctx, pool, client, asked);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    ctx.log.info({ poolId: pool.id, detail: error.detail }, "UserMigration: nobody was migrated");
    return undefined;
  }
}

async function ask(ctx: FiringCtx, pool: Pool, client: Client, asked: Asked): Promise<FoundUser | undefined> {
  const { userName, password, validationData, clientMetadata } = asked;
  const answer = await fire(ctx, pool, "UserMigration", {
    source: password === undefined ? "UserMigration_ForgotPassword" : "UserMigration_Authentication",
    userName,
    clientId: client.id,
    request: () => ({
      ...(password !== undefined && { password }),
      validationData: validationData ?? null,
      ...given("clientMetadata", clientMetadata),
    }),
    form,
  });
  if (answer?.userAttributes === undefined) return undefined;
  const mediums = answer.desiredDeliveryMediums?.filter((medium) => medium === "EMAIL" || medium === "SMS");
  return {
    attributes: asText(answer.userAttributes),
    isConfirmed: answer.finalUserStatus === "CONFIRMED",
    isSilent: answer.messageAction === "SUPPRESS",
    mediums: mediums?.length ? mediums : undefined,
    takesAliases: answer.forceAliasCreation === true,
    enablesSms: answer.enableSMSMFA === true,
  };
}

/**
 * Attributes as text, which handlers do not always answer; those without a value are left out. Throws
 * InvalidLambdaResponseException for one that is a list, an object, or no text that can be stored.
 */
function asText(attributes: Readonly<Record<string, unknown>>): Record<string, string> {
  const set = Object.entries(attributes).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(set.map(([name, value]) => [name, textOf(name, value)]));
}

function textOf(name: string, value: unknown): string {
  const text = typeof value === "object" ? undefined : String(value);
  if (text !== undefined && isStorable(text)) return text;
  return unrecognizable(`UserMigration: the value of ${JSON.stringify(name)} is no text`);
}
