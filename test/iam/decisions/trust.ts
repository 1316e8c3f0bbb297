/**
 * Trust policies of roles ("AWS JSON policy elements: Principal", "Available keys for AWS OIDC federation", IAM User Guide;
 * "Role trust and permissions", Amazon Cognito Developer Guide).
 */
import type { Context, Decision } from "../../../src/policy/policy.ts";
import type { Caller } from "../../../src/policy/trust.ts";

/** The rule, the statements, the action after `sts:`, the caller, the context, and the decision. */
export type TrustRow = readonly [
  why: string,
  statements: readonly object[],
  action: string,
  principal: Caller,
  context: Context,
  expected: Decision,
];

const account = "123456789012";
const root = `arn:aws:iam::${account}:root`;
const ann: Caller = { type: "AWS", values: [root, account, `arn:aws:iam::${account}:user/ann`] };
const roleArn = `arn:aws:iam::${account}:role/app/worker`;
const sessionArn = `arn:aws:sts::${account}:assumed-role/worker/one`;
const worker: Caller = { type: "AWS", values: [root, sessionArn, roleArn] };
const stranger: Caller = {
  type: "AWS",
  values: ["arn:aws:iam::210987654321:root", "arn:aws:iam::210987654321:user/ann"],
};
const cognito = "cognito-identity.amazonaws.com";
const identity: Caller = { type: "Federated", values: [cognito] };
const google: Caller = { type: "Federated", values: ["accounts.google.com"] };
const oidcArn = `arn:aws:iam::${account}:oidc-provider/id.example.com/pool`;
const oidc: Caller = { type: "Federated", values: [oidcArn, "id.example.com/pool"] };
const saml: Caller = { type: "Federated", values: [`arn:aws:iam::${account}:saml-provider/corp`] };
const lambda: Caller = { type: "Service", values: ["lambda.amazonaws.com"] };

const assume = (Principal: unknown, Condition?: object) => ({
  Effect: "Allow",
  Principal,
  Action: "sts:AssumeRole",
  ...(Condition && { Condition }),
});
const web = (Federated: unknown, Condition?: object) => ({
  ...assume({ Federated }, Condition),
  Action: "sts:AssumeRoleWithWebIdentity",
});
const deny = (Principal: unknown, Condition?: object) => ({
  ...assume(Principal, Condition),
  Effect: "Deny",
  Action: "sts:*",
});
const W = "AssumeRoleWithWebIdentity";
const R = "AssumeRole";
const poolId = "us-east-1:11111111-2222-3333-4444-555555555555";
const signedIn = {
  [`${cognito}:aud`]: poolId,
  [`${cognito}:sub`]: "us-east-1:9",
  [`${cognito}:amr`]: ["authenticated", "idp", "idp:CognitoSignIn:1"],
};
const guest = { ...signedIn, [`${cognito}:amr`]: ["unauthenticated"] };
const usual = {
  StringEquals: { [`${cognito}:aud`]: poolId },
  "ForAnyValue:StringLike": { [`${cognito}:amr`]: "authenticated" },
};

export const principals: readonly TrustRow[] = [
  ["a user by ARN", [assume({ AWS: `arn:aws:iam::${account}:user/ann` })], R, ann, {}, "allow"],
  ["another user", [assume({ AWS: `arn:aws:iam::${account}:user/bob` })], R, ann, {}, "implicit-deny"],
  [
    "names of users have case",
    [assume({ AWS: `arn:aws:iam::${account}:user/Ann` })],
    R,
    ann,
    {},
    "implicit-deny",
  ],
  ["an account by its id", [assume({ AWS: account })], R, ann, {}, "allow"],
  ["an account by its root", [assume({ AWS: root })], R, ann, {}, "allow"],
  ["an account means its roles, too", [assume({ AWS: account })], R, worker, {}, "allow"],
  ["another account", [assume({ AWS: account })], R, stranger, {}, "implicit-deny"],
  [
    "the same name in another account",
    [assume({ AWS: `arn:aws:iam::${account}:user/ann` })],
    R,
    stranger,
    {},
    "implicit-deny",
  ],
  ["a list, of which one fits", [assume({ AWS: ["210987654321", account] })], R, ann, {}, "allow"],
  ["a list, of which none fits", [assume({ AWS: ["210987654321", roleArn] })], R, ann, {}, "implicit-deny"],
  ["a role by ARN means its sessions", [assume({ AWS: roleArn })], R, worker, {}, "allow"],
  ["one session of a role", [assume({ AWS: sessionArn })], R, worker, {}, "allow"],
  ["another session of the role", [assume({ AWS: `${sessionArn}x` })], R, worker, {}, "implicit-deny"],
  ["AWS * is every account", [assume({ AWS: "*" })], R, stranger, {}, "allow"],
  [
    "AWS * does not allow identity providers here, unlike *",
    [{ ...assume({ AWS: "*" }), Action: "sts:*" }],
    W,
    identity,
    {},
    "implicit-deny",
  ],
  ["* is everybody", [assume("*")], R, stranger, {}, "allow"],
  ["* is identity providers, too", [{ ...assume("*"), Action: "sts:*" }], W, identity, {}, "allow"],
  ["a service", [assume({ Service: "lambda.amazonaws.com" })], R, lambda, {}, "allow"],
  ["another service", [assume({ Service: "ec2.amazonaws.com" })], R, lambda, {}, "implicit-deny"],
  [
    "one of several services",
    [assume({ Service: ["ec2.amazonaws.com", "lambda.amazonaws.com"] })],
    R,
    lambda,
    {},
    "allow",
  ],
  ["a service's name is no provider's", [web("lambda.amazonaws.com")], W, lambda, {}, "implicit-deny"],
  [
    "several types: one of them fits",
    [assume({ AWS: account, Service: "ec2.amazonaws.com" })],
    R,
    ann,
    {},
    "allow",
  ],
  [
    "several types: none fits",
    [assume({ AWS: "210987654321", Service: "ec2.amazonaws.com" })],
    R,
    ann,
    {},
    "implicit-deny",
  ],
  ["a provider by name", [web(cognito)], W, identity, {}, "allow"],
  ["another provider", [web(cognito)], W, google, {}, "implicit-deny"],
  ["one of several providers", [web(["accounts.google.com", cognito])], W, google, {}, "allow"],
  ["a provider by ARN", [web(oidcArn)], W, oidc, {}, "allow"],
  [
    "a provider of another account",
    [web(oidcArn.replace(account, "210987654321"))],
    W,
    oidc,
    {},
    "implicit-deny",
  ],
  [
    "a SAML provider",
    [{ ...assume({ Federated: saml.values[0] }), Action: "sts:AssumeRoleWithSAML" }],
    "AssumeRoleWithSAML",
    saml,
    {},
    "allow",
  ],
  ["another action", [web(cognito)], R, identity, {}, "implicit-deny"],
  [
    "AssumeRole is not AssumeRoleWithWebIdentity",
    [{ ...web(cognito), Action: "sts:AssumeRole" }],
    W,
    identity,
    {},
    "implicit-deny",
  ],
  ["sts:* is every action", [{ ...web(cognito), Action: "sts:*" }], W, identity, {}, "allow"],
  ["a wildcard within sts", [{ ...web(cognito), Action: "sts:AssumeRole*" }], W, identity, {}, "allow"],
  [
    "names of actions have no case",
    [{ ...web(cognito), Action: "STS:assumerolewithwebidentity" }],
    W,
    identity,
    {},
    "allow",
  ],
  [
    "one of several actions",
    [{ ...assume({ AWS: account }), Action: ["sts:AssumeRole", "sts:TagSession"] }],
    "TagSession",
    ann,
    {},
    "allow",
  ],
  ["TagSession needs its own action", [assume({ AWS: account })], "TagSession", ann, {}, "implicit-deny"],
  [
    "SetSourceIdentity, too",
    [{ ...assume({ AWS: account }), Action: "sts:SetSourceIdentity" }],
    "SetSourceIdentity",
    ann,
    {},
    "allow",
  ],
  [
    "a deny of one user wins",
    [assume({ AWS: account }), deny({ AWS: `arn:aws:iam::${account}:user/ann` })],
    R,
    ann,
    {},
    "explicit-deny",
  ],
  [
    "a deny of another user",
    [assume({ AWS: account }), deny({ AWS: `arn:aws:iam::${account}:user/bob` })],
    R,
    ann,
    {},
    "allow",
  ],
  [
    "a deny of a role means its sessions",
    [assume({ AWS: account }), deny({ AWS: roleArn })],
    R,
    worker,
    {},
    "explicit-deny",
  ],
  ["a deny of an account", [assume("*"), deny({ AWS: "210987654321" })], R, stranger, {}, "explicit-deny"],
  [
    "a deny of AWS * is of everybody, as IAM has it",
    [web(cognito), deny({ AWS: "*" })],
    W,
    identity,
    {},
    "explicit-deny",
  ],
  ["a deny of *", [web(cognito), deny("*")], W, identity, {}, "explicit-deny"],
  [
    "a deny of a provider",
    [web([cognito, "accounts.google.com"]), deny({ Federated: cognito })],
    W,
    identity,
    {},
    "explicit-deny",
  ],
  ["a deny that comes first", [deny({ Federated: cognito }), web(cognito)], W, identity, {}, "explicit-deny"],
];

export const conditions: readonly TrustRow[] = [
  ["Cognito's own: signed in", [web(cognito, usual)], W, identity, signedIn, "allow"],
  ["Cognito's own: a guest", [web(cognito, usual)], W, identity, guest, "implicit-deny"],
  [
    "Cognito's own: another identity pool",
    [web(cognito, usual)],
    W,
    identity,
    { ...signedIn, [`${cognito}:aud`]: "us-east-1:other" },
    "implicit-deny",
  ],
  [
    "Cognito's own: no pool is named",
    [web(cognito, usual)],
    W,
    identity,
    { [`${cognito}:amr`]: ["authenticated"] },
    "implicit-deny",
  ],
  [
    "Cognito's own: no amr",
    [web(cognito, usual)],
    W,
    identity,
    { [`${cognito}:aud`]: poolId },
    "implicit-deny",
  ],
  [
    "guests alone",
    [web(cognito, { "ForAnyValue:StringLike": { [`${cognito}:amr`]: "unauthenticated" } })],
    W,
    identity,
    guest,
    "allow",
  ],
  [
    "guests alone: signed in",
    [web(cognito, { "ForAnyValue:StringLike": { [`${cognito}:amr`]: "unauthenticated" } })],
    W,
    identity,
    signedIn,
    "implicit-deny",
  ],
  [
    "amr by a pattern",
    [web(cognito, { "ForAnyValue:StringLike": { [`${cognito}:amr`]: "*:CognitoSignIn:1" } })],
    W,
    identity,
    signedIn,
    "allow",
  ],
  [
    "amr without a set operator cannot be decided",
    [web(cognito, { StringLike: { [`${cognito}:amr`]: "authenticated" } })],
    W,
    identity,
    signedIn,
    "implicit-deny",
  ],
  [
    "ForAllValues holds without an amr",
    [web(cognito, { "ForAllValues:StringLike": { [`${cognito}:amr`]: "authenticated" } })],
    W,
    identity,
    {},
    "allow",
  ],
  [
    "one identity by sub",
    [web(cognito, { StringEquals: { [`${cognito}:sub`]: "us-east-1:9" } })],
    W,
    identity,
    signedIn,
    "allow",
  ],
  [
    "another identity by sub",
    [web(cognito, { StringEquals: { [`${cognito}:sub`]: "us-east-1:8" } })],
    W,
    identity,
    signedIn,
    "implicit-deny",
  ],
  [
    "another provider's keys are absent",
    [web(cognito, { StringEquals: { "accounts.google.com:aud": "x" } })],
    W,
    identity,
    signedIn,
    "implicit-deny",
  ],
  [
    "keys of an OpenID provider begin with its name",
    [web(oidcArn, { StringEquals: { "id.example.com/pool:aud": "app" } })],
    W,
    oidc,
    { "id.example.com/pool:aud": "app" },
    "allow",
  ],
  [
    "another audience of it",
    [web(oidcArn, { StringEquals: { "id.example.com/pool:aud": "app" } })],
    W,
    oidc,
    { "id.example.com/pool:aud": "web" },
    "implicit-deny",
  ],
  [
    "its subjects by a pattern",
    [web(oidcArn, { StringLike: { "id.example.com/pool:sub": "repo:team/*" } })],
    W,
    oidc,
    { "id.example.com/pool:sub": "repo:team/app" },
    "allow",
  ],
  [
    "other subjects of it",
    [web(oidcArn, { StringLike: { "id.example.com/pool:sub": "repo:team/*" } })],
    W,
    oidc,
    { "id.example.com/pool:sub": "repo:teams/app" },
    "implicit-deny",
  ],
  [
    "Google's oaud",
    [web("accounts.google.com", { StringEquals: { "accounts.google.com:oaud": "app" } })],
    W,
    google,
    { "accounts.google.com:oaud": "app" },
    "allow",
  ],
  [
    "SAML's aud",
    [
      {
        ...assume({ Federated: saml.values[0] }, { StringEquals: { "saml:aud": "https://x" } }),
        Action: "sts:AssumeRoleWithSAML",
      },
    ],
    "AssumeRoleWithSAML",
    saml,
    { "saml:aud": "https://x" },
    "allow",
  ],
  [
    "an external id",
    [assume({ AWS: account }, { StringEquals: { "sts:ExternalId": "s1" } })],
    R,
    ann,
    { "sts:ExternalId": "s1" },
    "allow",
  ],
  [
    "a wrong external id",
    [assume({ AWS: account }, { StringEquals: { "sts:ExternalId": "s1" } })],
    R,
    ann,
    { "sts:ExternalId": "s2" },
    "implicit-deny",
  ],
  [
    "no external id",
    [assume({ AWS: account }, { StringEquals: { "sts:ExternalId": "s1" } })],
    R,
    ann,
    {},
    "implicit-deny",
  ],
  [
    "the session's name by a variable",
    [assume({ AWS: account }, { StringLike: { "sts:RoleSessionName": "${aws:username}" } })],
    R,
    ann,
    { "aws:username": "ann", "sts:RoleSessionName": "ann" },
    "allow",
  ],
  [
    "the session's name of somebody else",
    [assume({ AWS: account }, { StringLike: { "sts:RoleSessionName": "${aws:username}" } })],
    R,
    ann,
    { "aws:username": "ann", "sts:RoleSessionName": "bob" },
    "implicit-deny",
  ],
  [
    "tags of the request",
    [
      {
        ...assume({ AWS: account }, { StringEquals: { "aws:RequestTag/team": ["red", "blue"] } }),
        Action: "sts:TagSession",
      },
    ],
    "TagSession",
    ann,
    { "aws:RequestTag/team": "blue" },
    "allow",
  ],
  [
    "keys of tags",
    [
      {
        ...assume({ AWS: account }, { "ForAllValues:StringEquals": { "aws:TagKeys": ["team"] } }),
        Action: "sts:TagSession",
      },
    ],
    "TagSession",
    ann,
    { "aws:TagKeys": ["team", "admin"] },
    "implicit-deny",
  ],
  [
    "an address",
    [assume({ AWS: account }, { IpAddress: { "aws:SourceIp": "203.0.113.0/24" } })],
    R,
    ann,
    { "aws:SourceIp": "203.0.113.7" },
    "allow",
  ],
  [
    "MFA that is not there",
    [assume({ AWS: account }, { Bool: { "aws:MultiFactorAuthPresent": "true" } })],
    R,
    ann,
    {},
    "implicit-deny",
  ],
  [
    "a deny without TLS",
    [assume({ AWS: account }), deny("*", { Bool: { "aws:SecureTransport": "false" } })],
    R,
    ann,
    { "aws:SecureTransport": false },
    "explicit-deny",
  ],
  [
    "a deny that cannot be decided denies",
    [assume({ AWS: account }), deny("*", { StringIs: { k: "a" } })],
    R,
    ann,
    {},
    "explicit-deny",
  ],
];
