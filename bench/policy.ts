/**
 * `npm run bench -- policy`: what a decision by IAM policies costs, and what parsing them costs, beside the HMAC-SHA256 that
 * checking a signature takes anyway (one of five). All in this process, by turns, so that other load of the machine meets
 * them all; compared is its CPU time.
 */
import { createHmac } from "node:crypto";
import { evaluate, evaluateAll, parsePolicy } from "../src/policy/policy.ts";
import { evaluateTrust, parseTrustPolicy } from "../src/policy/trust.ts";
import { table } from "./lib/table.ts";

export const name = "policy";

/** Each is measured so often, by turns. */
const rounds = 9;
const sizes = [1, 10, 100] as const;

const account = "123456789012";
const sub = "us-east-1:11111111-2222-3333-4444-555555555555";
const cognito = "cognito-identity.amazonaws.com";

/** The kinds of statements that policies have; only the last of a policy allows the request. */
const kinds: readonly ((at: number) => object)[] = [
  (at) => ({
    Effect: "Allow",
    Action: ["s3:GetObject", "s3:PutObject"],
    Resource: `arn:aws:s3:::bucket-${at}/\${${cognito}:sub}/*`,
  }),
  (at) => ({
    Effect: "Allow",
    Action: "execute-api:Invoke",
    Resource: `arn:aws:execute-api:us-east-1:${account}:api${at}/prod/*/items/*`,
  }),
  () => ({
    Effect: "Deny",
    Action: "execute-api:*",
    Resource: "*",
    Condition: { NotIpAddress: { "aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"] } },
  }),
  () => ({
    Effect: "Deny",
    Action: "*",
    Resource: "*",
    Condition: { DateLessThan: { "aws:TokenIssueTime": "2026-01-01T00:00:00Z" } },
  }),
  (at) => ({
    Effect: "Allow",
    Action: "execute-api:Invoke",
    Resource: `arn:aws:execute-api:us-east-1:${account}:a1b2c3/prod/GET/team-${at}/*`,
    Condition: {
      StringEquals: { "aws:PrincipalTag/team": [`team-${at}`, "all"] },
      "ForAnyValue:StringLike": { [`${cognito}:amr`]: "auth*" },
    },
  }),
];

const needed = {
  Effect: "Allow",
  Action: "execute-api:Invoke",
  Resource: `arn:aws:execute-api:us-east-1:${account}:a1b2c3/prod/GET/users/\${${cognito}:sub}/*`,
};

const documentOf = (statements: number) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [...Array.from({ length: statements - 1 }, (_, at) => kinds[at % kinds.length]!(at)), needed],
  });

const context = {
  "aws:SourceIp": "203.0.113.7",
  "aws:SecureTransport": true,
  "aws:TokenIssueTime": "2026-03-01T12:00:00Z",
  "aws:PrincipalArn": `arn:aws:iam::${account}:role/app`,
  "aws:PrincipalTag/team": "red",
  [`${cognito}:aud`]: "us-east-1:pool",
  [`${cognito}:sub`]: sub,
  [`${cognito}:amr`]: ["authenticated", "idp", "idp:CognitoSignIn:1"],
};
const request = {
  action: "execute-api:Invoke",
  resource: `arn:aws:execute-api:us-east-1:${account}:a1b2c3/prod/GET/users/${sub}/notes`,
  context,
};
const key = Buffer.alloc(32, 7);
const text = "AWS4-HMAC-SHA256\n20260301T120000Z\n20260301/us-east-1/execute-api/aws4_request\n".padEnd(
  138,
  "0",
);

const trust = parseTrustPolicy(
  JSON.stringify({
    Version: "2012-10-17",
    Statement: {
      Effect: "Allow",
      Principal: { Federated: cognito },
      Action: "sts:AssumeRoleWithWebIdentity",
      Condition: {
        StringEquals: { [`${cognito}:aud`]: "us-east-1:pool" },
        "ForAnyValue:StringLike": { [`${cognito}:amr`]: "authenticated" },
      },
    },
  }),
);
const assume = {
  action: "sts:AssumeRoleWithWebIdentity",
  principal: { type: "Federated", values: [cognito] },
  context,
} as const;

interface Work {
  readonly what: string;
  readonly goal?: string;
  readonly run: () => boolean;
}

const works: readonly Work[] = [
  { what: "HMAC-SHA256 (limit)", run: () => createHmac("sha256", key).update(text).digest().length === 32 },
  ...sizes.map((size): Work => {
    const policies = [parsePolicy(documentOf(size))];
    const run = () => evaluate(policies, request) === "allow";
    return { what: `evaluate ${size}`, run, ...(size === 10 && { goal: "20" }) };
  }),
  ...[10].map((size): Work => {
    const policies = [parsePolicy(documentOf(size))];
    const sets = { identity: policies, session: policies };
    return {
      what: `evaluate ${size}, and ${size} of a session`,
      run: () => evaluateAll(sets, request).decision === "allow",
    };
  }),
  { what: "evaluate a trust policy", run: () => evaluateTrust(trust, assume) === "allow" },
  ...sizes.map((size): Work => {
    const json = documentOf(size);
    return { what: `parse ${size}`, run: () => parsePolicy(json).statements.length === size };
  }),
];

/** CPU microseconds of one run. */
function cpuOf({ what, run }: Work, milliseconds: number): number {
  const from = process.cpuUsage();
  const until = performance.now() + milliseconds;
  let runs = 0;
  do {
    for (let at = 0; at < 100; at += 1) if (!run()) throw new Error(`${what}: not what it should be`);
    runs += 100;
  } while (performance.now() < until);
  const { user, system } = process.cpuUsage(from);
  return (user + system) / runs;
}

export async function run({ seconds }: { readonly seconds: number }): Promise<void> {
  const each = (seconds * 1000) / rounds;
  const measured = works.map((): number[] => []);
  for (const work of works) cpuOf(work, each);
  for (let round = 0; round < rounds; round += 1)
    for (const [at, work] of works.entries()) measured[at]!.push(cpuOf(work, each));
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  const limit = median(measured[0]!);
  const rows = works.map(({ what, goal = "" }, at) => {
    const cpu = median(measured[at]!);
    return [what, cpu.toFixed(2), (cpu / limit).toFixed(1), goal];
  });
  console.log(table(["statements", "CPU µs", "× HMAC-SHA256", "goal µs"], rows));
}
