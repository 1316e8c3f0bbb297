/** Signature Version 4 by the values that AWS publishes for authors of signers, and requests with raw bytes in them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readSignedRequest, signRequest, type WireRequest } from "../../src/lib/sigv4.ts";
import { checkSignature, type SignatureTerms } from "../../src/lib/sigv4-check.ts";

const key = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const now = Date.UTC(2015, 7, 30, 12, 36, 0);
const scope = { region: "us-east-1", service: "service" };

/** A text as it is on the wire: a character for each byte of its UTF-8. */
const raw = (text: string) => Buffer.from(text).toString("latin1");

type Headers = readonly (readonly [string, string])[];

function requestOf(target: string, headers: Headers, method = "GET"): WireRequest {
  const [path = "", query = ""] = target.split(/\?(.*)/s);
  return { method, path, query, headers, body: new Uint8Array() };
}

function outcome(request: WireRequest, terms: Partial<SignatureTerms> = {}): string {
  const signed = readSignedRequest(request);
  if (signed.kind !== "signed") return JSON.stringify(signed);
  const result = checkSignature(signed, request, key.secretAccessKey, {
    now,
    services: ["service"],
    ...terms,
  });
  return result.ok ? "ok" : result.message;
}

/** The target, the headers that are signed besides host and date, the signature, and whether the path is signed as S3 does. */
const published: readonly (readonly [string, Headers, string, "as sent"?])[] = [
  ["/", [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  ["/example1/example2/../..", [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  ["//example//", [], "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5", "as sent"],
  ["/example space/", [], "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"],
  ["/example space/", [], "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741", "as sent"],
  [raw("/ሴ"), [], "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"],
  [raw("/?ሴ=bar"), [], "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"],
  ["/?%E1%88%B4=bar", [], "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"],
  [
    "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
    [],
    "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
  ],
  [
    "/",
    [
      ["My-Header1", "value2"],
      ["My-Header1", "value2"],
      ["My-Header1", "value1"],
    ],
    "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
  ],
  [
    "/",
    [
      ["My-Header1", " value1"],
      ["My-Header2", ' "a   b   c"'],
    ],
    "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
  ],
];

test("the signatures that AWS publishes", () => {
  for (const [target, headers, signature, pathRule] of published) {
    const names = new Set(["host", "x-amz-date", ...headers.map(([name]) => name.toLowerCase())]);
    const authorization =
      `AWS4-HMAC-SHA256 Credential=${key.accessKeyId}/20150830/us-east-1/service/aws4_request, ` +
      `SignedHeaders=${[...names].sort().join(";")}, Signature=${signature}`;
    const request = requestOf(target, [
      ["Host", "example.amazonaws.com"],
      ["X-Amz-Date", "20150830T123600Z"],
      ...headers,
      ["Authorization", authorization],
    ]);
    assert.equal(outcome(request, pathRule && { pathRule }), "ok", target);
  }
});

test("bytes are signed as they are sent, whether or not they are UTF-8", () => {
  const host = ["Host", "example.amazonaws.com"] as const;
  const named = (name: string): Headers => [host, ["X-Name", name]];
  const sign = (request: WireRequest): WireRequest => ({
    ...request,
    headers: [...request.headers, ...Object.entries(signRequest(request, { ...key, ...scope, now }))],
  });
  const queries = { "a=%ff%zz%20": "a=\xff%25zz+", [raw("ö=ü")]: "%C3%B6=%c3%bc" };
  for (const [sent, signed] of Object.entries(queries))
    assert.equal(outcome({ ...sign(requestOf(`/?${signed}`, [host])), query: sent }), "ok", sent);
  // What a client signs as text, it sends as UTF-8.
  const asSent = ({ headers, ...request }: WireRequest): WireRequest => ({
    ...request,
    headers: [...headers].map(([name, value]) => [name, raw(value)] as const),
  });
  const text = sign(requestOf("/", named("Zoë €")));
  assert.equal(outcome(asSent(text)), "ok");
  const latin1 = sign(requestOf("/", named("Zo\xeb")));
  assert.equal(outcome(latin1), "ok");
  assert.match(outcome(asSent(latin1)), /^The request signature we calculated does not match/);
});

test("a signature in the query that is no UTF-8 is malformed", () => {
  const reading = readSignedRequest(
    requestOf("/?X-Amz-Credential=%FF&X-Amz-Signature=x", [["Host", "example.amazonaws.com"]]),
  );
  assert.deepEqual(reading, {
    kind: "malformed",
    reason: "The query parameter 'X-Amz-Credential' must be UTF-8.",
  });
});
