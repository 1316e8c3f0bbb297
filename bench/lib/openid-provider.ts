/**
 * An OpenID provider for sign-ins that are measured, as a program of its own: it signs in whoever the code names, which
 * the bench makes in place of a page. Its code is JSON in base64url: the nonce of the request, and the subject.
 */
import { generateKeyPairSync, sign } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

const clientId = process.argv[2] ?? "";
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const keys = [{ ...publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" }];
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const header = encoded({ alg: "RS256", kid: "1" });

function idToken(issuer: string, code: string): string {
  const [nonce, sub] = JSON.parse(Buffer.from(code, "base64url").toString());
  const iat = Math.floor(Date.now() / 1000);
  const signed = `${header}.${encoded({ iss: issuer, aud: clientId, sub, nonce, iat, exp: iat + 300, sid: "1" })}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
}

function answer(response: ServerResponse, document: object): void {
  const body = JSON.stringify(document);
  const length = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  response.writeHead(200, length).end(body);
}

const server = createServer(async (request, response) => {
  const issuer = `http://${request.headers.host}`;
  const body = new URLSearchParams(await text(request));
  if (request.url === "/token") {
    const code = body.get("code") ?? "";
    const sub = JSON.parse(Buffer.from(code, "base64url").toString())[1];
    const token = { access_token: sub, token_type: "Bearer", expires_in: 300 };
    return answer(response, { ...token, id_token: idToken(issuer, code) });
  }
  if (request.url === "/userinfo") {
    const sub = request.headers.authorization?.replace("Bearer ", "");
    const name = { given_name: "Ada", family_name: "Example", name: "Ada Example" };
    return answer(response, { sub, email: `${sub}@example.com`, email_verified: true, ...name });
  }
  if (request.url === "/jwks") return answer(response, { keys });
  return answer(response, {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/jwks`,
    id_token_signing_alg_values_supported: ["RS256"],
  });
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`ready at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
process.on("disconnect", () => process.exit(0));
