/** A gateway that listens by itself, with people already signed in: for what has nothing to do with a provider. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { after } from "node:test";
import { stringify } from "yaml";
import { readGatewayFile } from "../../src/config/gateway-file.ts";
import { createGateway, type Gateway } from "../../src/gateway/gateway.ts";
import type { Log } from "../../src/gateway/log.ts";
import { sealsOf } from "../../src/gateway/sealing.ts";
import { createGatewayServer, type GatewayServer, type ServeOptions } from "../../src/gateway/serve.ts";
import { CookieKeeper } from "../../src/gateway/sessions/in-cookies.ts";
import type { Session } from "../../src/gateway/sessions/sessions.ts";
import type { GatewaySettings } from "../../src/lib/gateway-settings.ts";
import { silent, temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { newKey, startApplication } from "./place.ts";

/** Nobody listens there: whoever is signed in needs no provider. */
const issuer = "http://127.0.0.1:9/nobody";

export const usualRoutes = [
  { path: "/public/**", access: "public" },
  { path: "/admin/**", groups: ["admins"] },
  { path: "/api/**", by: "bearer" },
  { path: "/**" },
];

/** The file of a gateway in front of an application at `upstream`, and its settings. */
export function gatewayFile(
  port: number,
  upstream: string | undefined,
  change: object = {},
): { readonly path: string; readonly settings: GatewaySettings } {
  const path = join(temporaryFolder(), "gateway.yaml");
  const file = {
    ...{ port, "public-url": `http://127.0.0.1:${port}` },
    provider: { issuer, "client-id": "the-client", "sign-out": false },
    sessions: { store: "cookies", keys: [newKey()], "cookie-name": "session" },
    applications: [{ ...(upstream !== undefined && { upstream }), routes: usualRoutes }],
    ...change,
  };
  writeFileSync(path, stringify(file));
  return { path, settings: readGatewayFile(path, { env: {} }) };
}

/** Somebody who has signed in: the Cookie header of their browser. */
export async function signedIn(
  settings: GatewaySettings,
  { groups = [], life = 3_600_000 }: { readonly groups?: readonly string[]; readonly life?: number } = {},
): Promise<string> {
  const claims = { sub: "ann-1", "cognito:username": "ann", "cognito:groups": groups };
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Date.now();
  const session: Session = {
    identity: {
      ...{ subject: "ann-1", issuer, username: "ann", email: undefined },
      groups,
      scopes: [],
      claims,
      expiresAt: 0,
    },
    tokens: {
      accessToken: "",
      issuedAt: now,
      expiresAt: now + life,
      refreshToken: life > 0 ? undefined : "a refresh token",
      idToken: `${encode({ alg: "none" })}.${encode(claims)}.`,
    },
    ...{ sid: undefined, userInfo: undefined, startedAt: now, seenAt: now },
  };
  const seals = sealsOf(settings, randomBytes);
  const scope = { isSecure: settings.publicUrl.startsWith("https:"), domain: settings.sessions.cookieDomain };
  const lines = await new CookieKeeper({ settings, scope, seals, now: Date.now }).start(session);
  return lines.flatMap((line) => (/Max-Age=0/.test(line) ? [] : [line.split(";", 1)[0]!])).join("; ");
}

export interface Front {
  readonly port: number;
  readonly origin: string;
  readonly settings: GatewaySettings;
  readonly gateway: Gateway;
  readonly server: GatewayServer;
  /** The Cookie header of somebody who is signed in. */
  readonly cookie: string;
  /** What the gateway has warned of. */
  readonly warned: object[];
}

/** A gateway in front of an application, or to which other proxies ask if there is none; both close after the test. */
export async function startFront(
  application:
    | ((incoming: IncomingMessage, outgoing: ServerResponse) => void)
    | { readonly origin: string }
    | undefined,
  change: object = {},
  { now = Date.now, ...options }: ServeOptions & { readonly now?: () => number } = {},
): Promise<Front> {
  const made = typeof application === "function" ? await startApplication(application) : application;
  const port = await freePort();
  const { settings } = gatewayFile(port, made?.origin, change);
  const warned: object[] = [];
  const log: Log = { ...silent, warn: (fields) => warned.push(fields) };
  const gateway = await createGateway(settings, { log, now });
  const server = createGatewayServer(gateway, log, options);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  after(async () => {
    await server.end(0);
    await gateway.close();
  });
  const { publicUrl: origin } = settings;
  return { port, origin, settings, gateway, server, cookie: await signedIn(settings), warned };
}

/** Sends bytes as they are; all that comes back until the server closes the connection. */
export async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.on("data", (part: Buffer) => {
    received += part.toString("latin1");
  });
  socket.on("error", () => {});
  socket.write(Buffer.from(text, "latin1"));
  await once(socket, "close");
  return received;
}

/** The status of the first answer; 0 if there was none. */
export const statusOf = (answer: string) => Number(/^HTTP\/1\.\d (\d{3})/.exec(answer)?.[1] ?? 0);
