/**
 * An STS of somebody else that issues credentials for the tokens of identity pools: AWS's own, or that of a store for S3
 * (MinIO, Ceph, SeaweedFS …). It has to trust the issuer of these tokens, and to know the roles.
 */
import type { XmlElement } from "../lib/xml.ts";
import { createOutbound, OutboundError } from "./outbound.ts";

export interface UpstreamSts {
  /** AssumeRoleWithWebIdentity. Throws UpstreamStsError. */
  assume(request: WebIdentity): Promise<UpstreamCredentials>;
  close(): Promise<void>;
}

interface WebIdentity {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly token: string;
  readonly seconds: number;
}

interface UpstreamCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Why there are no credentials: it refused, with this code, or there was no usable answer. */
export class UpstreamStsError extends Error {
  readonly code: string | undefined;

  constructor(code: string | undefined, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UpstreamStsError";
    this.code = code;
  }
}

export interface UpstreamStsOptions {
  readonly url: string;
  /** PEM of the authorities to trust for its certificate; the usual ones if undefined. */
  readonly ca: string | undefined;
  readonly userAgent: string;
}

export function createUpstreamSts({ url, ca, userAgent }: UpstreamStsOptions): UpstreamSts {
  // The operator names it, so that it may be anywhere.
  const outbound = createOutbound({ privateRanges: ["any"], loopback: true, userAgent, ca });
  return {
    assume: async (request) => {
      const body = new URLSearchParams({
        Action: "AssumeRoleWithWebIdentity",
        Version: "2011-06-15",
        RoleArn: request.roleArn,
        RoleSessionName: request.sessionName,
        WebIdentityToken: request.token,
        DurationSeconds: String(request.seconds),
      }).toString();
      try {
        const headers = { "content-type": "application/x-www-form-urlencoded", accept: "text/xml" };
        const answer = await outbound.fetch(url, { method: "POST", headers, body });
        return await read(answer.status, await answer.text());
      } catch (error) {
        if (error instanceof OutboundError)
          throw new UpstreamStsError(undefined, error.message, { cause: error });
        throw error;
      }
    },
    close: () => outbound.close(),
  };
}

const limits = { characters: 100_000, depth: 20, elements: 500 };

async function read(status: number, text: string): Promise<UpstreamCredentials> {
  // Loaded here, since few servers need it.
  const { readXml, textOf, walkXml, XmlFault } = await import("../lib/xml.ts");
  let root: XmlElement;
  try {
    root = readXml(text, limits);
  } catch (error) {
    if (!(error instanceof XmlFault)) throw error;
    throw new UpstreamStsError(undefined, `the STS answers with the status ${status} and no XML`);
  }
  const all = [...walkXml(root)].map(({ element }) => element);
  const textAt = (name: string, within = all) => {
    const found = within.find((element) => element.name === name);
    return found && textOf(found).trim();
  };
  if (status !== 200) {
    // Ceph sends no message.
    const why = [`the STS refuses with the status ${status}`, textAt("Code"), textAt("Message")];
    throw new UpstreamStsError(textAt("Code"), why.filter(Boolean).join(": "));
  }
  const element = all.find(({ name }) => name === "Credentials");
  const inner = element === undefined ? [] : [...walkXml(element)].map((one) => one.element);
  const accessKeyId = textAt("AccessKeyId", inner);
  const secretAccessKey = textAt("SecretAccessKey", inner);
  const sessionToken = textAt("SessionToken", inner);
  const expiresAt = Date.parse(textAt("Expiration", inner) ?? "");
  if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(expiresAt))
    throw new UpstreamStsError(undefined, "the STS answers without whole credentials");
  return { accessKeyId, secretAccessKey, sessionToken, expiresAt };
}
