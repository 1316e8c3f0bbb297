/** Whether the provider takes the gateway for its client, and the applications can be reached. Changes nothing. */
import { once } from "node:events";
import { connect } from "node:net";
import type { Finding } from "../lib/finding.ts";
import type { GatewaySettings } from "../lib/gateway-settings.ts";
import { TokenError } from "../verify/token-error.ts";
import { clockTolerance, ProviderAway } from "./discover.ts";
import { Provider } from "./provider.ts";

/** How long an answer may take. Milliseconds. */
const patience = 10_000;

interface Examined {
  readonly settings: GatewaySettings;
  readonly provider: Provider;
  readonly fetch: typeof globalThis.fetch;
}

/** Asks the provider for what a sign-in needs, as far as it goes without anybody who signs in. */
export async function examineProvider(
  settings: GatewaySettings,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<Finding[]> {
  let skewMs = 0;
  const timed: typeof fetch = async (...asked) => {
    const answer = await fetch(...asked);
    const date = Date.parse(answer.headers.get("date") ?? "");
    if (!Number.isNaN(date)) skewMs = date - Date.now();
    return answer;
  };
  const provider = new Provider(settings.provider, { now: Date.now, fetch: timed });
  const { issuer } = settings.provider;
  try {
    await provider.load();
    await provider.bearer.load();
    const examined = { settings, provider, fetch };
    return [
      { ok: true, text: `the provider ${issuer} answers, and its keys can be read` },
      ...clockFinding(skewMs),
      await redirectFinding(examined),
      await clientFinding(examined),
      ...(await signOutFinding(examined)),
    ];
  } catch (error) {
    if (error instanceof ProviderAway) return [{ ok: false, text: detailed(error) }];
    if (error instanceof TokenError)
      return [{ ok: false, text: `the keys of the provider ${issuer} cannot be read` }];
    throw error;
  }
}

function detailed({ message, cause }: ProviderAway): string {
  const isKnown = message.startsWith("The provider does not answer") && cause instanceof Error;
  return (isKnown ? `the provider does not answer: ${cause.message}` : message).replace(/^The /, "the ");
}

function clockFinding(skewMs: number): Finding[] {
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (seconds <= clockTolerance / 2) return [];
  const text = `this machine's clock and the provider's differ by ${seconds} seconds: tokens count later or less long than they say`;
  return [{ ok: seconds <= clockTolerance ? "perhaps" : false, text }];
}

/** An authorization request, up to the provider's first answer: its sign-in page, or an error. */
async function redirectFinding({ settings, provider, fetch }: Examined): Promise<Finding> {
  const redirectUri = `${settings.publicUrl}${settings.paths.callback}`;
  const [state, nonce, codeVerifier] = ["state", "nonce", "-".repeat(43)] as const;
  const url = await provider.authorizationUrl({ redirectUri, state, nonce, codeVerifier });
  const refused = await refusalOf(url, fetch);
  if (refused === undefined)
    return { ok: true, text: `the provider accepts the redirect URI ${redirectUri}` };
  const { at, error } = refused;
  if (at?.startsWith(`${redirectUri}?`))
    return { ok: false, text: `the provider refuses to sign anybody in for this client: ${error}` };
  const text = `the provider refuses the sign-in (${error}): is ${redirectUri} a redirect URI of the client ${settings.provider.clientId}?`;
  return { ok: false, text };
}

/** A token request with a code that nobody was given: only a client that is known learns that the code is wrong. */
async function clientFinding({ settings, provider }: Examined): Promise<Finding> {
  const { clientId, clientSecret } = settings.provider;
  const answer = await provider.answerToUnknownCode(`${settings.publicUrl}${settings.paths.callback}`);
  if (answer === "invalid_grant") {
    const how = clientSecret === undefined ? ", which has no secret" : " and its secret";
    return { ok: true, text: `the provider accepts the client ${clientId}${how}` };
  }
  const why =
    clientSecret === undefined
      ? "if the client has a secret there, set provider.client-secret-file"
      : "provider.client-id or the secret is wrong";
  return { ok: false, text: `the provider does not accept the client ${clientId} (${answer}): ${why}` };
}

async function signOutFinding({ settings, provider, fetch }: Examined): Promise<Finding[]> {
  if (!settings.provider.signOut) return [];
  const findings: Finding[] = [];
  for (const back of signOutUrls(settings)) {
    const finding = await signOutAt({ settings, provider, fetch }, back);
    findings.push(finding);
    if (finding.ok === "perhaps" && finding.text === noSignOut) break;
  }
  return findings;
}

/** Where sign-outs lead unless `rd` says otherwise: each host's own start. */
function signOutUrls({ publicUrl, applications }: GatewaySettings): readonly string[] {
  const { protocol } = new URL(publicUrl);
  const hosts = applications.flatMap((one) => one.hosts).map((host) => `${protocol}//${host}/`);
  return [...new Set([`${publicUrl}/`, ...hosts])];
}

const noSignOut =
  "the provider names no end_session_endpoint: whoever signs out here goes on being signed in there";

async function signOutAt({ provider, fetch }: Examined, back: string): Promise<Finding> {
  const tokens = { accessToken: "", issuedAt: 0, expiresAt: 0, refreshToken: undefined, idToken: undefined };
  const url = await provider.signOutUrl(tokens, back);
  if (url === undefined) return { ok: "perhaps", text: noSignOut };
  const refused = await refusalOf(url, fetch);
  if (refused === undefined) return { ok: true, text: `the provider accepts the sign-out URL ${back}` };
  const text = `the provider may refuse sign-outs that lead to ${back} (${refused.error}): is it a sign-out URL of the client?`;
  return { ok: "perhaps", text };
}

/** The error of an answer to a browser, and where it leads; undefined if there is none. @throws ProviderAway */
async function refusalOf(
  url: string,
  fetch: typeof globalThis.fetch,
): Promise<{ readonly at: string | undefined; readonly error: string } | undefined> {
  const asked = { redirect: "manual", headers: { accept: "text/html" } } as const;
  const answer = await fetch(url, { ...asked, signal: AbortSignal.timeout(patience) }).catch(
    (cause: unknown) => {
      throw new ProviderAway("The provider does not answer.", { cause });
    },
  );
  await answer.body?.cancel();
  const location = answer.headers.get("location");
  if (location === null || !URL.canParse(location, url))
    return answer.status >= 400 ? { at: undefined, error: `HTTP ${answer.status}` } : undefined;
  const to = new URL(location, url);
  const error = to.searchParams.get("error") ?? to.searchParams.get("authError");
  const description = to.searchParams.get("error_description");
  if (error !== null)
    return { at: to.href, error: description === null ? error : `${error}: ${description}` };
  return /\/error\/?$/.test(to.pathname) ? { at: to.href, error: "an error page" } : undefined;
}

/** Whether somebody listens where each application is. */
export async function examineApplications({ applications }: GatewaySettings): Promise<Finding[]> {
  const upstreams = [...new Set(applications.flatMap(({ upstream }) => upstream ?? []))];
  return Promise.all(
    upstreams.map(async (upstream): Promise<Finding> => {
      const { protocol, hostname, port } = new URL(upstream);
      const host = hostname.replace(/^\[|\]$/g, "");
      const socket = connect({ host, port: Number(port || (protocol === "https:" ? 443 : 80)) });
      try {
        await once(socket, "connect", { signal: AbortSignal.timeout(patience) });
        return { ok: true, text: `the application at ${upstream} can be reached` };
      } catch {
        return {
          ok: "perhaps",
          text: `nobody answers at ${upstream}: the application does not run, or not there`,
        };
      } finally {
        socket.destroy();
      }
    }),
  );
}
