/** The fixed names of what `--demo` creates, and the addresses of its applications. */
import type { Ctx } from "../../app.ts";
import { type Config, servesThisMachine } from "../../config/config.ts";
import { findClientOf } from "../../domain/grants/client.ts";
import type { Client, Pool } from "../../domain/user-pools/load-pool.ts";

export const demoClientId = "demoappclient";
export const demoUser = { name: "demo@example.com", password: "Poolhouse-demo-1", group: "admins" } as const;

/** Where an application of one's own would listen, which the demo's client also knows. */
export const ownApplication = "http://localhost:3000/";
export const ownCallback = `${ownApplication}callback`;

export const demoPoolId = ({ region }: Pick<Config, "region">) => `${region}_Demo12345`;

/** Paths of the built-in application, below the public URL. */
export const signInPath = "/demo/sign-in";
export const callbackPath = "/demo/callback";

export const builtInCallback = ({ publicUrl }: Pick<Config, "publicUrl">) => `${publicUrl}${callbackPath}`;
/** The welcome page, where the built-in application goes after signing out. */
export const homeUrl = ({ publicUrl }: Pick<Config, "publicUrl">) => `${publicUrl}/`;

export interface Demo {
  readonly pool: Pool;
  readonly client: Client;
  /** Whether the client knows the built-in application. */
  readonly hasApplication: boolean;
}

/** The demo's pool and client; undefined if they are not there, or if anybody but this machine uses the server. */
export async function findDemo(ctx: Ctx): Promise<Demo | undefined> {
  if (!servesThisMachine(ctx.config)) return undefined;
  const found = await findClientOf(ctx, demoPoolId(ctx.config), demoClientId);
  if (found === undefined) return undefined;
  const { CallbackURLs = [] } = found.client.document;
  return { ...found, hasApplication: CallbackURLs.includes(builtInCallback(ctx.config)) };
}
