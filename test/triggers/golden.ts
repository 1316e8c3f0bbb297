/** Every trigger source: how it comes to fire, and its exact event ("Customizing user pool workflows with Lambda triggers"). */
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import type { MessageReason, TriggerSource } from "../../src/domain/triggers/trigger.ts";
import { password } from "../kit/people.ts";
import {
  type Attribute,
  answers,
  atPages,
  byClient,
  byDevice,
  byPassword,
  byRefresh,
  byRiddle,
  confirmed,
  fromElsewhere,
  fromProvider,
  fromProviderAgain,
  initiate,
  messages,
  metadata,
  newPassword,
  recovered,
  type Scene,
  type Subject,
  signUp,
} from "./firing.ts";

interface Golden {
  readonly fire: (scene: Scene) => Promise<Subject>;
  readonly event: object;
}

const own = { "cognito:user_status": "CONFIRMED", email: "<email>", email_verified: "true" };
const userAttributes = { sub: "<sub>", ...own };

/** An event: what differs from those of a user's request through an SDK. */
const event = (triggerSource: string, request: object, response: object, change: object = {}) => ({
  version: "1",
  triggerSource,
  region: "us-east-1",
  userPoolId: "<pool>",
  userName: "<user>",
  callerContext: { awsSdkVersion: "<sdk>", clientId: "<client>" },
  request,
  response,
  ...change,
});
const unknownSdk = "aws-sdk-unknown-unknown";
const later = { callerContext: { awsSdkVersion: unknownSdk, clientId: "<client>" } };
const byAdministrator = { callerContext: { awsSdkVersion: "<sdk>", clientId: "CLIENT_ID_NOT_APPLICABLE" } };

/** What a message finds: the user's status, and whether the address is verified. */
const found: Readonly<Record<MessageReason, readonly [status: string, verified: string]>> = {
  SignUp: ["UNCONFIRMED", "false"],
  ResendCode: ["UNCONFIRMED", "false"],
  Authentication: ["CONFIRMED", "true"],
  AdminCreateUser: ["FORCE_CHANGE_PASSWORD", "true"],
  ForgotPassword: ["CONFIRMED", "true"],
  UpdateUserAttribute: ["CONFIRMED", "false"],
  VerifyUserAttribute: ["CONFIRMED", "false"],
};

const recipient = (reason: MessageReason, attribute: Attribute) => ({
  sub: "<sub>",
  "cognito:user_status": found[reason][0],
  [attribute]: attribute === "email" ? "<email>" : "<phone>",
  [`${attribute}_verified`]: found[reason][1],
});
const caller = (reason: MessageReason) => ({
  awsSdkVersion: unknownSdk,
  clientId: reason === "AdminCreateUser" ? "CLIENT_ID_NOT_APPLICABLE" : "<client>",
});
/** Of a sign-in, only what answers a challenge brings metadata to a message. */
const told = (reason: MessageReason) => (reason === "Authentication" ? undefined : metadata);

const customMessage = (reason: MessageReason): Golden => ({
  fire: (scene) => messages[reason](scene, "email"),
  event: event(
    `CustomMessage_${reason}`,
    {
      userAttributes: recipient(reason, "email"),
      codeParameter: "{####}",
      linkParameter: "{##Click Here##}",
      usernameParameter: reason === "AdminCreateUser" ? "{username}" : null,
      ...(told(reason) && { clientMetadata: metadata }),
    },
    { smsMessage: null, emailMessage: null, emailSubject: null },
    { callerContext: caller(reason) },
  ),
});

/** Events of senders have no response to fill in. */
function sender(trigger: "CustomEmailSender" | "CustomSMSSender", reason: MessageReason): Golden {
  const [attribute, type] = (
    {
      CustomEmailSender: ["email", "customEmailSenderRequestV1"],
      CustomSMSSender: ["phone_number", "customSMSSenderRequestV1"],
    } as const
  )[trigger];
  const { response: _, ...expected } = event(
    `${trigger}_${reason}`,
    {
      ...{ type, code: "<code>", clientMetadata: told(reason) ?? null },
      userAttributes: recipient(reason, attribute),
    },
    {},
    { callerContext: caller(reason) },
  );
  return { fire: (scene) => messages[reason](scene.senders, attribute), event: expected };
}

const groupConfiguration = { groupsToOverride: [], iamRolesToOverride: [], preferredRole: null };
const scopes = ["aws.cognito.signin.user.admin"];
/** Of version V3_0. */
const tokens = (source: string, request: object, fire: Golden["fire"], change: object = {}): Golden => ({
  fire,
  event: event(
    `TokenGeneration_${source}`,
    { userAttributes, groupConfiguration, scopes, ...request },
    { claimsAndScopeOverrideDetails: null },
    { version: "3", ...change },
  ),
});

const riddle = (trigger: string, request: object, response: object): Golden => ({
  fire: byRiddle,
  event: event(`${trigger}_Authentication`, { userAttributes, userNotFound: false, ...request }, response),
});

const unverified = { email: "<email>", email_verified: "false" };

export const golden: Readonly<Record<TriggerSource, Golden>> = {
  PreSignUp_SignUp: {
    fire: signUp,
    event: event(
      "PreSignUp_SignUp",
      { userAttributes: unverified, validationData: { captcha: "passed" }, clientMetadata: metadata },
      { autoConfirmUser: false, autoVerifyEmail: false, autoVerifyPhone: false },
    ),
  },
  PreSignUp_AdminCreateUser: {
    fire: (scene) => messages.AdminCreateUser(scene, "email"),
    event: event(
      "PreSignUp_AdminCreateUser",
      {
        userAttributes: { email: "<email>", email_verified: "true" },
        validationData: null,
        clientMetadata: metadata,
      },
      { autoConfirmUser: false, autoVerifyEmail: false, autoVerifyPhone: false },
      byAdministrator,
    ),
  },
  PreSignUp_ExternalProvider: {
    fire: fromProvider,
    event: event(
      "PreSignUp_ExternalProvider",
      {
        userAttributes: { "cognito:email_alias": "", "cognito:phone_number_alias": "", ...answers.userInfo },
        validationData: {},
      },
      { autoConfirmUser: false, autoVerifyEmail: false, autoVerifyPhone: false },
      later,
    ),
  },
  PostConfirmation_ConfirmSignUp: {
    fire: confirmed,
    event: event("PostConfirmation_ConfirmSignUp", { userAttributes, clientMetadata: metadata }, {}),
  },
  PostConfirmation_ConfirmForgotPassword: {
    fire: recovered,
    event: event("PostConfirmation_ConfirmForgotPassword", { userAttributes, clientMetadata: metadata }, {}),
  },
  PreAuthentication_Authentication: {
    fire: byPassword,
    event: event(
      "PreAuthentication_Authentication",
      { userAttributes, validationData: metadata, userNotFound: false },
      {},
    ),
  },
  PostAuthentication_Authentication: {
    fire: byPassword,
    event: event("PostAuthentication_Authentication", { userAttributes, newDeviceUsed: true }, {}),
  },
  DefineAuthChallenge_Authentication: riddle(
    "DefineAuthChallenge",
    { session: [] },
    { challengeName: null, issueTokens: null, failAuthentication: null },
  ),
  CreateAuthChallenge_Authentication: riddle(
    "CreateAuthChallenge",
    { challengeName: "CUSTOM_CHALLENGE", session: [] },
    { publicChallengeParameters: null, privateChallengeParameters: null, challengeMetadata: null },
  ),
  VerifyAuthChallengeResponse_Authentication: riddle(
    "VerifyAuthChallengeResponse",
    { privateChallengeParameters: { solution: "s" }, challengeAnswer: "s", clientMetadata: metadata },
    { answerCorrect: null },
  ),
  TokenGeneration_HostedAuth: tokens(
    "HostedAuth",
    { scopes: ["openid", "email", "aws.cognito.signin.user.admin"] },
    atPages,
    later,
  ),
  TokenGeneration_Authentication: tokens("Authentication", {}, byPassword),
  TokenGeneration_NewPasswordChallenge: tokens(
    "NewPasswordChallenge",
    { clientMetadata: metadata },
    newPassword,
  ),
  TokenGeneration_AuthenticateDevice: tokens("AuthenticateDevice", { clientMetadata: metadata }, byDevice),
  TokenGeneration_RefreshTokens: tokens("RefreshTokens", {}, byRefresh),
  TokenGeneration_ClientCredentials: tokens(
    "ClientCredentials",
    { userAttributes: {}, groupConfiguration: null, scopes: ["api/read"] },
    byClient,
    later,
  ),
  UserMigration_Authentication: {
    fire: (scene) =>
      fromElsewhere((USERNAME) => initiate(scene, "USER_PASSWORD_AUTH", { USERNAME, PASSWORD: password })),
    event: event(
      "UserMigration_Authentication",
      { password, validationData: metadata },
      {
        ...{ userAttributes: null, finalUserStatus: null, messageAction: null, desiredDeliveryMediums: null },
        ...{ forceAliasCreation: null, enableSMSMFA: null },
      },
    ),
  },
  UserMigration_ForgotPassword: {
    fire: (scene) =>
      fromElsewhere((Username) =>
        scene.server.client.send(
          new sdk.ForgotPasswordCommand({ ClientId: scene.ClientId, Username, ClientMetadata: metadata }),
        ),
      ),
    event: event(
      "UserMigration_ForgotPassword",
      { validationData: null, clientMetadata: metadata },
      {
        ...{ userAttributes: null, finalUserStatus: null, messageAction: null, desiredDeliveryMediums: null },
        ...{ forceAliasCreation: null, enableSMSMFA: null },
      },
    ),
  },
  CustomMessage_SignUp: customMessage("SignUp"),
  CustomMessage_ResendCode: customMessage("ResendCode"),
  CustomMessage_Authentication: customMessage("Authentication"),
  CustomMessage_AdminCreateUser: customMessage("AdminCreateUser"),
  CustomMessage_ForgotPassword: customMessage("ForgotPassword"),
  CustomMessage_UpdateUserAttribute: customMessage("UpdateUserAttribute"),
  CustomMessage_VerifyUserAttribute: customMessage("VerifyUserAttribute"),
  CustomEmailSender_SignUp: sender("CustomEmailSender", "SignUp"),
  CustomEmailSender_ResendCode: sender("CustomEmailSender", "ResendCode"),
  CustomEmailSender_Authentication: sender("CustomEmailSender", "Authentication"),
  CustomEmailSender_AdminCreateUser: sender("CustomEmailSender", "AdminCreateUser"),
  CustomEmailSender_ForgotPassword: sender("CustomEmailSender", "ForgotPassword"),
  CustomEmailSender_UpdateUserAttribute: sender("CustomEmailSender", "UpdateUserAttribute"),
  CustomEmailSender_VerifyUserAttribute: sender("CustomEmailSender", "VerifyUserAttribute"),
  CustomSMSSender_SignUp: sender("CustomSMSSender", "SignUp"),
  CustomSMSSender_ResendCode: sender("CustomSMSSender", "ResendCode"),
  CustomSMSSender_Authentication: sender("CustomSMSSender", "Authentication"),
  CustomSMSSender_AdminCreateUser: sender("CustomSMSSender", "AdminCreateUser"),
  CustomSMSSender_ForgotPassword: sender("CustomSMSSender", "ForgotPassword"),
  CustomSMSSender_UpdateUserAttribute: sender("CustomSMSSender", "UpdateUserAttribute"),
  CustomSMSSender_VerifyUserAttribute: sender("CustomSMSSender", "VerifyUserAttribute"),
  InboundFederation_ExternalProvider: {
    fire: fromProvider,
    event: event(
      "InboundFederation_ExternalProvider",
      {
        providerName: "Corporate",
        providerType: "OIDC",
        attributes: answers,
      },
      { userAttributesToMap: null },
      later,
    ),
  },
};

const created = "PreSignUp_AdminCreateUser";
const before = "PreAuthentication_Authentication";
const after = "PostAuthentication_Authentication";
const [define, create, verify] = [
  "DefineAuthChallenge",
  "CreateAuthChallenge",
  "VerifyAuthChallengeResponse",
].map((trigger) => `${trigger}_Authentication`);

const comesFirst = [
  "InboundFederation_ExternalProvider",
  "PreSignUp_ExternalProvider",
  "PostConfirmation_ConfirmSignUp",
];

/** What fires in a request or two, in order. Most begin with a user whom an administrator makes. */
export const orders: Readonly<
  Record<string, readonly [fire: Golden["fire"], sources: readonly (string | undefined)[]]>
> = {
  "a sign-up and its confirmation": [
    confirmed,
    ["PreSignUp_SignUp", "CustomMessage_SignUp", "PostConfirmation_ConfirmSignUp"],
  ],
  "a user made by an administrator": [
    (scene) => messages.AdminCreateUser(scene, "email"),
    [created, "CustomMessage_AdminCreateUser"],
  ],
  "a forgotten password": [
    recovered,
    [created, "CustomMessage_ForgotPassword", "PostConfirmation_ConfirmForgotPassword"],
  ],
  "a sign-in by password": [byPassword, [created, before, after, "TokenGeneration_Authentication"]],
  "a sign-in with a new password": [
    newPassword,
    [created, before, after, "TokenGeneration_NewPasswordChallenge"],
  ],
  "a sign-in by password from a known device": [
    byDevice,
    [
      ...[created, before, after, "TokenGeneration_Authentication"],
      ...[before, after, "TokenGeneration_AuthenticateDevice"],
    ],
  ],
  "a refresh": [
    byRefresh,
    [created, before, after, "TokenGeneration_Authentication", "TokenGeneration_RefreshTokens"],
  ],
  "a first sign-in with an identity provider": [fromProvider, comesFirst],
  "another sign-in with an identity provider": [
    fromProviderAgain,
    [...comesFirst, "InboundFederation_ExternalProvider", before, after],
  ],
  "a code of the pages": [atPages, [created, "TokenGeneration_HostedAuth"]],
  "a client's own token": [byClient, ["TokenGeneration_ClientCredentials"]],
  "a custom challenge and its answer": [byRiddle, [created, before, define, create, verify, define, create]],
};
