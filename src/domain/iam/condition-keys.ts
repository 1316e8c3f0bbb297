/**
 * THE table of condition keys: what a policy may test in requests to our services, and where the value comes from ("AWS
 * global condition context keys", IAM User Guide). Policies are checked against it when they are written and evaluated
 * with it; docs/security-model.md shows it. A key that is not in it is a mistake, and cannot be decided.
 */
import type { Ctx } from "../../app.ts";
import { domainOfSender } from "../../lib/mail-address.ts";
import type { Context, ContextValue } from "../../policy/conditions.ts";
import { undecidable } from "../../policy/patterns.ts";
import { isKeyOfOthers } from "./other-services.ts";
import type { Principal, RoleSession } from "./principal.ts";

type Tags = Readonly<Record<string, string>>;

/** A call to be authorized. Values that are expensive to find are functions, called only if a policy asks. */
export interface PolicyRequest {
  /** `service:Operation`. */
  readonly action: string;
  /** An ARN, or "*". */
  readonly resource: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** A request header that occurs once. */
  header(name: string): string | undefined;
  /** The tags of the resource; undefined if the call has no resource with tags, as when pools are created or listed. */
  resourceTags(): Promise<Tags | typeof undecidable | undefined>;
  /** Condition keys, in lower case, whose values replace those of the table. */
  readonly facts?: Readonly<Record<string, ContextValue>> | undefined;
}

interface Asked {
  readonly ctx: Ctx;
  readonly principal: Principal;
  readonly request: PolicyRequest;
  /** The part after the `/` of a key with a tag, in lower case. */
  readonly tag: string;
}

type Found = ContextValue | typeof undecidable | undefined;

/** The type of a key, which determines the operators that can be used with it. */
export type KeyType = "text" | "ARN" | "truth" | "time" | "address";

export interface ConditionKey {
  /** As AWS spells it; a name that ends in `/` is followed by a tag key. */
  readonly name: string;
  readonly type: KeyType;
  /** Set if it has several values, for ForAnyValue and ForAllValues. */
  readonly many?: true;
  /** Finds the value; undefined if the request has none. */
  readonly find: (asked: Asked) => Found | Promise<Found>;
  /** What the value is, for the documentation. */
  readonly help: string;
  /** Set if no request here has it: the reason. */
  readonly absent?: string;
}

const supplied: readonly ConditionKey[] = [
  key("aws:CurrentTime", "time", "the server's clock", ({ ctx }) => new Date(ctx.now).toISOString()),
  key("aws:EpochTime", "time", "the server's clock, in epoch seconds", ({ ctx }) =>
    Math.floor(ctx.now / 1000),
  ),
  key(
    "aws:SourceIp",
    "address",
    "the caller's address, as reported by trusted proxies",
    ({ ctx }) => ctx.address,
  ),
  key(
    "aws:SecureTransport",
    "truth",
    "whether it came over TLS; through a trusted proxy by its X-Forwarded-Proto, undecided without one",
    ({ ctx }) => ctx.isSecure() ?? undecidable,
  ),
  key("aws:UserAgent", "text", "the User-Agent header", ({ ctx }) => ctx.userAgent),
  key("aws:referer", "text", "the Referer header", ({ request }) => request.header("referer")),
  key(
    "aws:PrincipalArn",
    "ARN",
    "`arn:aws:iam::<account>:user/<name of the key>`, or `…:root`; of a session the ARN of its role",
    ({ principal }) => principal.session?.roleArn ?? principal.arn,
  ),
  key("aws:PrincipalAccount", "text", "the account of the settings", ({ ctx }) => ctx.config.accountId),
  key(
    "aws:PrincipalType",
    "text",
    "`User`; `Account` for the root key, `AssumedRole` for a session",
    ({ principal }) => {
      if (principal.session !== undefined) return "AssumedRole";
      return principal.name === "root" ? "Account" : "User";
    },
  ),
  key("aws:PrincipalIsAWSService", "truth", "false", () => false),
  key("aws:ViaAWSService", "truth", "false", () => false),
  key(
    "aws:userid",
    "text",
    "the access key id; of a session `<id of the role>:<name of the session>`",
    ({ principal }) => principal.session?.userId ?? principal.accessKeyId,
  ),
  key("aws:username", "text", "the name of the key; absent from a session", ({ principal }) =>
    principal.session === undefined ? principal.name : undefined,
  ),
  ...ofSessions(),
  key("aws:RequestedRegion", "text", "the region of the settings", ({ ctx }) => ctx.config.region),
  key(
    "aws:ResourceAccount",
    "text",
    "the account in the resource's ARN, otherwise that of the settings",
    (asked) => asked.request.resource.split(":")[4] ?? asked.ctx.config.accountId,
  ),
  key(
    "aws:ResourceTag/",
    "text",
    "a tag of the pool that the call is about; undecided if there is no such pool",
    async ({ request, tag }) => {
      const tags = await request.resourceTags();
      return tags === undecidable ? undecidable : tagged(tags, tag);
    },
  ),
  key("aws:RequestTag/", "text", "a tag that the call sets", ({ request, tag }) =>
    tagged(requestTags(request.input), tag),
  ),
  {
    ...key("aws:TagKeys", "text", "the keys of the tags that the call sets or removes", changedTagKeys),
    many: true,
  },
  key(
    "poolhouse:EmailFromDomain",
    "text",
    "the domain of EmailConfiguration.From, in lower case",
    ({ request }) => senderDomain(request.input),
  ),
];

/** The keys that only the session of a role has. */
function ofSessions(): ConditionKey[] {
  const of = (name: string, type: KeyType, help: string, find: (session: RoleSession) => Found) =>
    key(
      name,
      type,
      `${help}; absent from access keys`,
      ({ principal: { session } }) => session && find(session),
    );
  const identity = "cognito-identity.amazonaws.com";
  return [
    key("aws:PrincipalTag/", "text", "a tag of a role's session; absent from access keys", (asked) =>
      tagged(asked.principal.session?.tags, asked.tag),
    ),
    of("aws:TokenIssueTime", "time", "when the session began", ({ issuedAt }) =>
      new Date(issuedAt).toISOString(),
    ),
    of("aws:SourceIdentity", "text", "that of the session", (session) => session.sourceIdentity),
    of(
      "aws:FederatedProvider",
      "text",
      "the provider that the user signed in with",
      (session) => session.federatedProvider,
    ),
    of(`${identity}:aud`, "text", "the id of the identity pool", (session) => session.identity?.aud),
    of(`${identity}:sub`, "text", "the id of the identity", (session) => session.identity?.sub),
    {
      ...of(
        `${identity}:amr`,
        "text",
        "`authenticated` or `unauthenticated`, and the provider of the sign-in",
        (session) => session.identity?.amr,
      ),
      many: true,
    },
  ];
}

const absent: readonly ConditionKey[] = [
  ...missing("an installation is an account without an organization", "text", [
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
  ]),
  ...missing("no AWS service calls on anybody's behalf", "text", [
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:SourceAccount",
    "aws:CalledViaAWSMCP",
  ]),
  ...missing("no AWS service calls on anybody's behalf", "truth", [
    "aws:ViaAWSMCPService",
    "aws:IsMcpServiceAction",
  ]),
  ...missing("no AWS service calls on anybody's behalf", "ARN", ["aws:SourceArn"]),
  ...missing("there are no AWS networks", "text", [
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:VpceAccount",
    "aws:Ec2InstanceSourceVpc",
  ]),
  ...missing("there are no AWS networks", "ARN", ["aws:SourceVpcArn"]),
  ...missing("there are no AWS networks", "address", ["aws:VpcSourceIp", "aws:Ec2InstanceSourcePrivateIPv4"]),
  ...missing("only requests to assume a role have it", "text", [
    "cognito-identity-auth:AccountId",
    "cognito-identity-unauth:AccountId",
    "sts:ExternalId",
    "sts:RoleSessionName",
    "sts:SourceIdentity",
    "sts:TransitiveTagKeys",
    "sts:AWSServiceName",
    "sts:DurationSeconds",
    "sts:IdentityTokenAudience",
    "sts:RequestContext/",
    "sts:RequestContextProviders",
    "sts:SigningAlgorithm",
  ]),
  ...missing("only requests to assume a role have it", "ARN", [
    "sts:TaskPolicyArn",
    "aws:ChatbotSourceArn",
    "cognito-identity-auth:IdentityPoolArn",
    "cognito-identity-unauth:IdentityPoolArn",
  ]),
  ...missing("only requests to identity pools have it", "ARN", ["cognito-identity:IdentityPoolArn"]),
  ...missing("only credentials that AWS issues to its instances, functions and jobs have it", "ARN", [
    "ec2:SourceInstanceARN",
    "lambda:SourceFunctionArn",
    "ssm:SourceInstanceArn",
    "codebuild:BuildArn",
    "codebuild:ProjectArn",
  ]),
  ...missing("only credentials that AWS issues to its instances, functions and jobs have it", "text", [
    "ec2:RoleDelivery",
    "glue:CredentialIssuingService",
    "glue:RoleAssumedBy",
    "identitystore:UserId",
  ]),
  ...missing("no credentials here have it", "truth", ["aws:MultiFactorAuthPresent", "aws:AssumedRoot"]),
  ...missing("no credentials here have it", "text", ["aws:MultiFactorAuthAge"]),
];

export const conditionKeys: readonly ConditionKey[] = [...supplied, ...absent];

function key(name: string, type: KeyType, help: string, find: ConditionKey["find"]): ConditionKey {
  return { name, type, help, find };
}

function missing(why: string, type: KeyType, names: readonly string[]): ConditionKey[] {
  return names.map((name) => ({ ...key(name, type, "never there", () => undefined), absent: why }));
}

const byName = new Map(conditionKeys.map((one) => [one.name.toLowerCase(), one]));

/** The key with this name, in any case, including those with tags. */
export function conditionKey(name: string): ConditionKey | undefined {
  const folded = name.toLowerCase();
  const slash = folded.indexOf("/") + 1;
  if (slash === 0) return byName.get(folded);
  return slash < folded.length ? byName.get(folded.slice(0, slash)) : undefined;
}

/**
 * The context of a request for the requested keys. Unknown keys are undecidable; keys of other services are absent from
 * requests to ours.
 */
export async function contextOf(
  ctx: Ctx,
  principal: Principal,
  request: PolicyRequest,
  asked: Iterable<string>,
): Promise<Context> {
  const context: Record<string, Found> = {};
  for (const name of asked) {
    const tag = name.slice(name.indexOf("/") + 1);
    const known = conditionKey(name);
    context[name] =
      known === undefined
        ? isKeyOfOthers(name)
          ? undefined
          : undecidable
        : (request.facts?.[name] ?? (await known.find({ ctx, principal, request, tag })));
  }
  return context;
}

/**
 * Finds the value of a tag: "aws:ResourceTag/TagKey1 … matches a resource tag key named either TagKey1 or tagkey1, but
 * not both."
 */
function tagged(tags: Tags | undefined, folded: string): readonly string[] | undefined {
  const values = Object.entries(tags ?? {}).filter(([name]) => name.toLowerCase() === folded);
  return values.length === 0 ? undefined : values.map(([, value]) => value);
}

function requestTags({ Tags, UserPoolTags, IdentityPoolTags }: PolicyRequest["input"]): Tags | undefined {
  const tags = Tags ?? UserPoolTags ?? IdentityPoolTags;
  return typeof tags === "object" && tags !== null ? (tags as Tags) : undefined;
}

/** The tag keys that a call adds, changes or removes; UpdateUserPool removes tags that it does not name. */
async function changedTagKeys({ request }: Asked): Promise<Found> {
  const { TagKeys, UserPoolTags } = request.input;
  const replaced = UserPoolTags === undefined ? undefined : await request.resourceTags();
  if (replaced === undecidable) return undecidable;
  const given = Array.isArray(TagKeys) ? TagKeys.map(String) : Object.keys(requestTags(request.input) ?? {});
  const keys = new Set([...given, ...Object.keys(replaced ?? {})]);
  return keys.size === 0 ? undefined : [...keys];
}

/** The domain of the e-mail sender that a call sets. */
function senderDomain(input: PolicyRequest["input"]): string | undefined {
  const { From } = (input["EmailConfiguration"] ?? {}) as { From?: unknown };
  return typeof From === "string" ? domainOfSender(From) : undefined;
}
