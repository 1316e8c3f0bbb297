/**
 * The triggers around a new user: PreSignUp ("Pre sign-up Lambda trigger", Amazon Cognito Developer Guide) may refuse
 * one, confirm it and vouch for its addresses; PostConfirmation hears of a confirmed one ("Post confirmation Lambda
 * trigger").
 */
import type { User } from "../../store/users.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { unrecognizable } from "./answer.ts";
import { type FiringCtx, fire } from "./fire.ts";
import type { Metadata, TriggerSource } from "./trigger.ts";
import { given, userAttributes } from "./user-event.ts";

/** What the caller of SignUp or AdminCreateUser sends along for the function. */
export interface SignUpData {
  readonly validationData?: Metadata | undefined;
  readonly clientMetadata?: Metadata | undefined;
}

interface NewUser extends SignUpData {
  readonly userName: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What the function decided about a new user. */
export interface SignUpDecision {
  readonly confirmed: boolean;
  /** The attributes that count as verified. */
  readonly verified: readonly ("email" | "phone_number")[];
}

const nothing: SignUpDecision = { confirmed: false, verified: [] };

/**
 * Fires PreSignUp for SignUp. Throws as `fire` does, and InvalidLambdaResponseException if the function vouches for an
 * address that the user does not have.
 */
export async function preSignUp(
  ctx: FiringCtx,
  pool: Pool,
  client: Client,
  user: NewUser,
): Promise<SignUpDecision> {
  const answer = await firePreSignUp(ctx, pool, "PreSignUp_SignUp", client.id, user);
  if (answer === undefined) return nothing;
  const verified = ([answer.autoVerifyEmail && "email", answer.autoVerifyPhone && "phone_number"] as const)
    .filter((name) => name === "email" || name === "phone_number")
    .map((name) => (user.attributes[name] ? name : unrecognizable(`there is no ${name} to verify`)));
  return { confirmed: answer.autoConfirmUser === true, verified };
}

/** Fires PreSignUp for AdminCreateUser, which it can only refuse. Throws as `fire` does. */
export async function preAdminCreateUser(ctx: FiringCtx, pool: Pool, user: NewUser): Promise<void> {
  await firePreSignUp(ctx, pool, "PreSignUp_AdminCreateUser", undefined, user);
}

/**
 * Fires PreSignUp for somebody whom an identity provider signs in for the first time, which it can only refuse: such
 * users need no confirmation. Throws as `fire` does.
 */
export async function preSignUpElsewhere(
  ctx: FiringCtx,
  pool: Pool,
  client: Client,
  { userName, attributes }: Pick<NewUser, "userName" | "attributes">,
): Promise<void> {
  await firePreSignUp(ctx, pool, "PreSignUp_ExternalProvider", client.id, {
    userName,
    attributes: { "cognito:email_alias": "", "cognito:phone_number_alias": "", ...attributes },
    validationData: {},
  });
}

function firePreSignUp(
  ctx: FiringCtx,
  pool: Pool,
  source: Extract<TriggerSource, `PreSignUp_${string}`>,
  clientId: string | undefined,
  { userName, attributes, validationData, clientMetadata }: NewUser,
) {
  return fire(ctx, pool, "PreSignUp", {
    source,
    userName,
    clientId,
    request: () => ({
      userAttributes: attributes,
      validationData: validationData ?? null,
      ...given("clientMetadata", clientMetadata),
    }),
    form: { autoConfirmUser: "flag", autoVerifyEmail: "flag", autoVerifyPhone: "flag" },
  });
}

/**
 * Fires PostConfirmation, once the user is confirmed: what it throws reaches the caller, and the user stays confirmed.
 * Throws as `fire` does.
 * @param client undefined if an administrator confirms
 */
export async function postConfirmation(
  ctx: FiringCtx,
  pool: Pool,
  confirmed: {
    readonly user: User;
    readonly by: "ConfirmSignUp" | "ConfirmForgotPassword";
    readonly client: Pick<Client, "id"> | undefined;
    readonly clientMetadata: Metadata | undefined;
  },
): Promise<void> {
  const { user, by, client, clientMetadata } = confirmed;
  await fire(ctx, pool, "PostConfirmation", {
    source: `PostConfirmation_${by}`,
    userName: user.username,
    clientId: client?.id,
    request: () => ({
      userAttributes: userAttributes(pool, user),
      ...given("clientMetadata", clientMetadata),
    }),
    form: {},
  });
}
