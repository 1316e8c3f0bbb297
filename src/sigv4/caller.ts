/** Who made a call whose signature was verified, and what they may do. */
import type { Signed } from "../lib/sigv4.ts";
import type { Context, ContextValue } from "../policy/conditions.ts";
import { type Asked, evaluateAll, keysAsked, reasonOf, undecidable, type Verdict } from "../policy/policy.ts";
import type { Identity, Principal, Signer } from "./ask.ts";
import { type Api, type ApiIdentity, apiIdentity, apiPath, invokeResource, otherReadings } from "./invoke.ts";
import { SignatureError, unclearPath } from "./signature-error.ts";

/** Further condition keys of a call, by name, which only the application knows. */
export type MoreFacts = Readonly<Record<string, ContextValue>>;

/** What policies can test of the call itself, besides its principal. */
export interface CallFacts {
  readonly method: string;
  /** The raw path, before "?". */
  readonly path: string;
  readonly sourceIp: string | undefined;
  /** Undefined if it is unknown. */
  readonly isSecure: boolean | undefined;
  readonly userAgent: string | undefined;
  readonly referer: string | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** What API Gateway tells an application of a call with IAM authorization. */
export interface RequestContext {
  readonly accountId: string;
  readonly apiId: string;
  readonly stage: string;
  readonly httpMethod: string;
  readonly path: string;
  readonly identity: ApiIdentity;
}

export class Caller {
  /** Who signed. */
  readonly principal: Principal;
  /** The identity of an identity pool; undefined if the credentials are not those of one. */
  readonly identity: Identity | undefined;
  /** When the credentials end, in epoch milliseconds; undefined for an access key. */
  readonly expiresAt: number | undefined;
  readonly #signer: Signer;
  readonly #signed: Signed;
  readonly #call: CallFacts;
  readonly #api: Api | undefined;

  constructor(signer: Signer, signed: Signed, call: CallFacts, api: Api | undefined) {
    this.principal = signer.principal;
    this.identity = signer.identity;
    this.expiresAt = signer.expiresAt;
    this.#signer = signer;
    this.#signed = signed;
    this.#call = call;
    this.#api = api;
  }

  /**
   * Whether the caller's policies, and those of the session, allow an action.
   * @param action `service:Action`
   * @param resource an ARN, or "*"
   * @param more condition keys that only the application knows. A key that nobody knows decides nothing: what depends on it
   * is not allowed
   */
  allows(action: string, resource: string, more: MoreFacts = {}): boolean {
    return this.#decide(action, resource, more).decision === "allow";
  }

  /** As `allows`, but throws SignatureError `denied` (403) if it is not allowed. */
  authorize(action: string, resource: string, more: MoreFacts = {}): void {
    const verdict = this.#decide(action, resource, more);
    if (verdict.decision !== "allow") throw this.#denied(verdict, action, resource);
  }

  /**
   * Throws SignatureError unless the caller may call this method and path: `execute-api:Invoke` on
   * `arn:aws:execute-api:<region>:<account>:<API>/<stage>/<method>/<path>`. A path that frameworks could take for another one is
   * refused, and so is one of which a policy denies another reading: in other letter case, encoded or not, without or with a slash
   * at its end, and GET for HEAD.
   */
  authorizeInvoke(more: MoreFacts = {}): void {
    const api = this.#needApi();
    const path = apiPath(this.#call.path);
    if (path === undefined) throw unclearPath();
    const { method } = this.#call;
    const resource = invokeResource(api, this.#signed.region, method, path);
    this.authorize(invoke, resource, more);
    for (const other of otherReadings(method, path)) {
      const read = invokeResource(api, this.#signed.region, ...other);
      const verdict = this.#decide(invoke, read, more, { ignoreCase: true });
      if (verdict.decision === "explicit-deny") throw this.#denied(verdict, invoke, resource);
    }
  }

  /** What API Gateway calls `requestContext`: as far as it is about the caller, and the API of the options. */
  get requestContext(): RequestContext {
    const { accountId, apiId, stage } = this.#needApi();
    const { method: httpMethod, path, sourceIp, userAgent } = this.#call;
    const identity = apiIdentity(this.principal, this.identity, { sourceIp, userAgent });
    return { accountId, apiId, stage, httpMethod, path, identity };
  }

  #needApi(): Api {
    if (this.#api === undefined) throw new TypeError("The verifier's options name no api.");
    return this.#api;
  }

  #denied(
    verdict: Exclude<Verdict, { decision: "allow" }>,
    action: string,
    resource: string,
  ): SignatureError {
    const { arn } = this.principal;
    return new SignatureError(
      "denied",
      `User: ${arn} is not authorized to perform: ${action} on resource: ${resource} ${reasonOf(verdict, action)}`,
    );
  }

  #decide(action: string, resource: string, more: MoreFacts, how: Pick<Asked, "ignoreCase"> = {}): Verdict {
    const { policies: identity, sessionPolicies: session } = this.#signer;
    const asked = keysAsked([...identity, ...(session ?? [])], action);
    const context = asked.size === 0 ? {} : this.#context(asked, resource, more);
    return evaluateAll({ identity, session }, { action, resource, context, ...how });
  }

  #context(asked: ReadonlySet<string>, resource: string, more: MoreFacts): Context {
    const { facts } = this.#signer;
    const ofCall = this.#factsOfCall(resource);
    const given = new Map(Object.entries(more).map(([name, value]) => [name.toLowerCase(), value]));
    const find = (name: string) => {
      if (Object.hasOwn(facts, name)) return facts[name];
      if (Object.hasOwn(ofCall, name)) return ofCall[name];
      return given.has(name) ? given.get(name) : undecidable;
    };
    return Object.fromEntries([...asked].map((name) => [name, find(name)]));
  }

  #factsOfCall(resource: string): Context {
    const { now, sourceIp, isSecure, userAgent, referer } = this.#call;
    return {
      "aws:currenttime": new Date(now).toISOString(),
      "aws:epochtime": Math.floor(now / 1000),
      "aws:sourceip": sourceIp ?? undecidable,
      "aws:securetransport": isSecure ?? undecidable,
      "aws:useragent": userAgent,
      "aws:referer": referer,
      "aws:requestedregion": this.#signed.region,
      "aws:resourceaccount": resource.split(":")[4] ?? undecidable,
    };
  }
}

const invoke = "execute-api:Invoke";
