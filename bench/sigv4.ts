/**
 * `npm run bench -- sigv4`: what a service spends on verifying a signed call with a known key, beside the hashes and HMACs
 * that nobody can do without; with the decision about `execute-api:Invoke`, and for a call with a session token. Without a
 * network: the key comes from an answer as the server gives it.
 */
import { createSecretKey } from "node:crypto";
import { hmacSha256, sha256, toHex } from "../src/lib/bytes.ts";
import { deriveSigningKey } from "../src/lib/sigv4-canonical.ts";
import { createVerifier, type SignedCall, signRequest } from "../src/sigv4/index.ts";
import { table } from "./lib/table.ts";

export const name = "sigv4";

const rounds = 5;
const now = Date.now();
const key = {
  accessKeyId: "ASIABENCHBENCHBENCH0",
  secretAccessKey: "bench-secret-0123456789abcdef0123456789",
};
const scope = { region: "us-east-1", service: "execute-api" };
const arn = "arn:aws:execute-api:us-east-1:000000000000:orders/prod";

const policy = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: "execute-api:Invoke", Resource: [`${arn}/GET/*`, `${arn}/POST/orders/*`] },
    {
      Effect: "Deny",
      Action: "execute-api:Invoke",
      Resource: `${arn}/*/admin/*`,
      Condition: { StringNotEquals: { "aws:PrincipalTag/team": "admins" } },
    },
  ],
};

/** The answer of GetSigningKey. */
function answer(): string {
  const date = new Date(now).toISOString().slice(0, 10).replaceAll("-", "");
  return JSON.stringify({
    SigningKey: deriveSigningKey(key.secretAccessKey, { date, ...scope }).toString("base64"),
    Principal: { Arn: "arn:aws:sts::0:assumed-role/r/s", UserId: "AROA:s", AccountId: "000000000000" },
    Policies: [JSON.stringify(policy)],
    Facts: { "aws:principaltag/team": ["blue"] },
    CacheSeconds: 60,
  });
}

function call(sessionToken?: string): SignedCall {
  const headers: [string, string][] = [
    ["host", "api.example.com"],
    ["content-type", "application/json"],
    ["user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"],
    ["accept", "*/*"],
    ["accept-encoding", "gzip, deflate, br"],
  ];
  const request = {
    ...{ method: "POST", path: "/orders/1234/items", query: "page=2&sort=name" },
    body: Buffer.from(JSON.stringify({ item: "x".repeat(500) })),
  };
  const signed = signRequest(
    { ...request, headers: headers.slice(0, 2) },
    { ...key, ...scope, now, ...(sessionToken !== undefined && { sessionToken }) },
  );
  return {
    ...request,
    headers: [...headers, ...Object.entries(signed)],
    sourceIp: "192.0.2.1",
    isSecure: true,
  };
}

export async function run({ seconds }: { readonly seconds: number }): Promise<void> {
  const verifier = createVerifier({
    ...{ endpoint: "http://localhost:1", credentials: key, now: () => now },
    api: { region: "us-east-1", accountId: "000000000000", apiId: "orders", stage: "prod" },
    fetch: async () => new Response(answer()),
  });
  const plain = call();
  const withToken = call("t".repeat(1_200));
  const body = plain.body as Uint8Array;
  const canonical = "c".repeat(420);
  const secret = createSecretKey(Buffer.alloc(32, 1));
  const works: Readonly<Record<string, () => unknown>> = {
    "limit: two SHA-256, one HMAC": () => hmacSha256(secret, toHex(sha256(body)) + toHex(sha256(canonical))),
    "signature verified": () => verifier.verify(plain),
    "with a session token of 1,200 characters": () => verifier.verify(withToken),
    "with execute-api:Invoke decided": async () => (await verifier.verify(plain)).authorizeInvoke(),
  };
  const measured = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1)
    for (const [what, work] of Object.entries(works)) {
      if (round === 0) await measure(work, 0.5);
      measured.set(what, [...(measured.get(what) ?? []), await measure(work, seconds / rounds)]);
    }
  const median = (what: string) => measured.get(what)!.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!;
  const limit = median(Object.keys(works)[0]!);
  console.log(
    table(
      ["signed call", "CPU µs", "a second and core", "relative to the limit", "goal"],
      Object.keys(works).map((what, at) => [
        what,
        median(what).toFixed(1),
        (1e6 / median(what)).toFixed(0),
        (limit / median(what)).toFixed(2),
        at === 1 ? "20000" : "",
      ]),
    ),
  );
}

/** The CPU time of one, in microseconds. */
async function measure(work: () => unknown, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  const before = process.cpuUsage();
  let count = 0;
  while (performance.now() < end) {
    for (let turn = 0; turn < 50; turn += 1) await work();
    count += 50;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}
