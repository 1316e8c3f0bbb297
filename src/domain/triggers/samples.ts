/** A sample event for each trigger source, made by the code that fires the trigger. */
import type { User } from "../../store/users.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { postAuthentication, preAuthentication } from "./authentication.ts";
import {
  type CustomSignIn,
  createAuthChallenge,
  defineAuthChallenge,
  verifyAuthChallengeResponse,
} from "./custom-challenge.ts";
import { customMessageEvent, messageReasons } from "./custom-message.ts";
import { customSenderEvent } from "./custom-sender.ts";
import type { FiringCtx } from "./fire.ts";
import { inboundFederation } from "./inbound-federation.ts";
import { postConfirmation, preAdminCreateUser, preSignUp, preSignUpElsewhere } from "./sign-up.ts";
import { preClientTokenGeneration, preTokenGeneration } from "./token-generation.ts";
import type { MessageReason, SenderTrigger, TokenSource, TriggerSource } from "./trigger.ts";
import { findElsewhere } from "./user-migration.ts";

/** Where and about whom the samples are. */
export interface SamplePlace {
  readonly region: string;
  readonly accountId: string;
}

const at = Date.UTC(2026, 0, 1);
const clientMetadata = { campaign: "spring" };
const validationData = { device: "kiosk" };
const userAgent = "aws-sdk-js/3.1169.0";

function samplePool({ region, accountId }: SamplePlace, tokens: "V2_0" | "V3_0"): Pool {
  const arn = `arn:aws:lambda:${region}:${accountId}:function:sample`;
  return {
    id: `${region}_Sample123`,
    version: 1,
    name: "sample",
    document: {
      LambdaConfig: {
        PreSignUp: arn,
        PostConfirmation: arn,
        PreAuthentication: arn,
        PostAuthentication: arn,
        PreTokenGeneration: arn,
        PreTokenGenerationConfig: { LambdaVersion: tokens, LambdaArn: arn },
        DefineAuthChallenge: arn,
        CreateAuthChallenge: arn,
        VerifyAuthChallengeResponse: arn,
        UserMigration: arn,
        CustomMessage: arn,
        CustomEmailSender: { LambdaVersion: "V1_0", LambdaArn: arn },
        CustomSMSSender: { LambdaVersion: "V1_0", LambdaArn: arn },
        InboundFederation: { LambdaVersion: "V1_0", LambdaArn: arn },
      },
    },
    fakeSecret: new Uint8Array(32),
    createdAt: at,
    updatedAt: at,
  };
}

const sampleClient = (poolId: string): Client => ({
  id: "1example23456789",
  poolId,
  version: 1,
  name: "app",
  document: { PreventUserExistenceErrors: "ENABLED" },
  secrets: [],
  createdAt: at,
  updatedAt: at,
});

const sampleUser = (poolId: string, status: User["status"]): User => ({
  poolId,
  id: "8d1f7c1e-6a0c-4b63-9f5e-2b1c3d4e5f60",
  username: "ada",
  version: 1,
  status,
  enabled: true,
  signOuts: 0,
  attributes: { email: "ada@example.com", email_verified: "true", name: "Ada Lovelace" },
  pendingAttributes: {},
  mfa: { enabled: [] },
  createdAt: at,
  updatedAt: at,
});

interface Sampling {
  readonly ctx: FiringCtx;
  readonly pool: Pool;
  readonly client: Client;
  readonly user: User;
}

type Sample = (sampling: Sampling) => unknown;

const signUp = { userName: "ada", attributes: { email: "ada@example.com" }, validationData, clientMetadata };
const solved = [{ challengeName: "SRP_A", challengeResult: true, challengeMetadata: null }] as const;

const confirmed =
  (by: "ConfirmSignUp" | "ConfirmForgotPassword"): Sample =>
  ({ ctx, pool, client, user }) =>
    postConfirmation(ctx, pool, { user, by, client, clientMetadata });

const customSignIn = ({ pool, client, user }: Sampling): CustomSignIn => ({
  pool,
  client,
  user,
  submitted: "ada",
  clientMetadata,
});

const tokens =
  (source: TokenSource): Sample =>
  ({ ctx, pool, client, user }) =>
    preTokenGeneration(ctx, {
      pool,
      client,
      user,
      groups: () => ({ groups: ["editors"], roles: [], preferredRole: undefined }),
      scopes: ["openid", "email"],
      occasion: { source, clientMetadata },
    });

type Kind = keyof typeof messageReasons;

/** A sample for each message that a trigger is about. */
function messages<T extends "CustomMessage" | SenderTrigger>(
  trigger: T,
  sample: (kind: Kind) => Sample,
): Record<`${T}_${MessageReason}`, Sample> {
  // Two kinds have one reason, and the same event.
  const kinds = Object.keys(messageReasons) as Kind[];
  const rows = kinds.map((kind) => [`${trigger}_${messageReasons[kind]}`, sample(kind)]);
  return Object.fromEntries(rows);
}

const worded: (kind: Kind) => Sample =
  (kind) =>
  ({ ctx, pool, client, user }) => {
    const made = customMessageEvent(pool, kind, { user, clientId: client.id, clientMetadata });
    return made && ctx.app.functions.invoke(made.arn, made.event);
  };

/** With the code as a function gets it that has `plain-text-codes`: nothing could decrypt another. */
const sent: (message: Parameters<typeof customSenderEvent>[2]) => (kind: Kind) => Sample =
  (message) =>
  (kind) =>
  ({ ctx, pool, client, user }) => {
    const made = customSenderEvent(pool, kind, message, { user, clientId: client.id, clientMetadata });
    if (made === undefined) return undefined;
    const { request, ...envelope } = made.event as { readonly request: object };
    return ctx.app.functions.invoke(made.arn, { ...envelope, request: { ...request, code: "123456" } });
  };

/** How each source is fired; a source without a row is a type error. */
const samples: Readonly<Record<TriggerSource, Sample>> = {
  PreSignUp_SignUp: ({ ctx, pool, client }) => preSignUp(ctx, pool, client, signUp),
  PreSignUp_AdminCreateUser: ({ ctx, pool }) => preAdminCreateUser(ctx, pool, signUp),
  PreSignUp_ExternalProvider: ({ ctx, pool, client }) =>
    preSignUpElsewhere(ctx, pool, client, { userName: "corporate_ada", attributes: signUp.attributes }),
  PostConfirmation_ConfirmSignUp: confirmed("ConfirmSignUp"),
  PostConfirmation_ConfirmForgotPassword: confirmed("ConfirmForgotPassword"),
  PreAuthentication_Authentication: ({ ctx, ...about }) =>
    preAuthentication(ctx, { ...about, submitted: "ada", validationData }),
  PostAuthentication_Authentication: ({ ctx, ...about }) =>
    postAuthentication(ctx, { ...about, newDevice: false, clientMetadata }),
  DefineAuthChallenge_Authentication: (given) => defineAuthChallenge(given.ctx, customSignIn(given), solved),
  CreateAuthChallenge_Authentication: (given) => createAuthChallenge(given.ctx, customSignIn(given), solved),
  VerifyAuthChallengeResponse_Authentication: (given) =>
    verifyAuthChallengeResponse(given.ctx, customSignIn(given), { answer: "5", hidden: { answer: "5" } }),
  UserMigration_Authentication: ({ ctx, pool, client }) =>
    findElsewhere(ctx, pool, client, {
      userName: "ada",
      password: "what-ada-typed",
      validationData,
      clientMetadata,
    }),
  UserMigration_ForgotPassword: ({ ctx, pool, client }) =>
    findElsewhere(ctx, pool, client, { userName: "ada", password: undefined, clientMetadata }),
  ...messages("CustomMessage", worded),
  ...messages("CustomEmailSender", sent({ medium: "EMAIL", destination: "ada@example.com" })),
  ...messages("CustomSMSSender", sent({ medium: "SMS", destination: "+15555550100" })),
  TokenGeneration_HostedAuth: tokens("TokenGeneration_HostedAuth"),
  TokenGeneration_Authentication: tokens("TokenGeneration_Authentication"),
  TokenGeneration_NewPasswordChallenge: tokens("TokenGeneration_NewPasswordChallenge"),
  TokenGeneration_AuthenticateDevice: tokens("TokenGeneration_AuthenticateDevice"),
  TokenGeneration_RefreshTokens: tokens("TokenGeneration_RefreshTokens"),
  TokenGeneration_ClientCredentials: ({ ctx, pool, client }) =>
    preClientTokenGeneration(ctx, pool, client, ["orders/read"]),
  InboundFederation_ExternalProvider: ({ ctx, pool, client }) =>
    inboundFederation(ctx, pool, client, {
      userName: "corporate_ada",
      providerName: "corporate",
      providerType: "OIDC",
      answers: {
        idToken: { sub: "ada", email: "ada@example.com" },
        userInfo: { sub: "ada", email: "ada@example.com", department: "research" },
      },
    }),
};

export const sampleSources = Object.keys(samples) as readonly TriggerSource[];

export const isSampleSource = (source: string): source is TriggerSource => Object.hasOwn(samples, source);

/** The event that a function would get. */
export async function sampleEvent(source: TriggerSource, place: SamplePlace): Promise<object> {
  let fired: object | undefined;
  const functions = {
    invoke: async (_arn: string, event: object) => {
      fired = event;
      return event;
    },
  };
  const pool = samplePool(place, source === "TokenGeneration_ClientCredentials" ? "V3_0" : "V2_0");
  const status = source.endsWith("_AdminCreateUser") ? "FORCE_CHANGE_PASSWORD" : "CONFIRMED";
  const ctx = { app: { functions }, userAgent, log: { info: () => {} } };
  await samples[source]({ ctx, pool, client: sampleClient(pool.id), user: sampleUser(pool.id, status) });
  if (fired === undefined) throw new Error(`No event was fired for ${source}.`);
  return fired;
}
