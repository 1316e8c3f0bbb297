/** Calls as API Gateway sees them ("Control access to a REST API with IAM permissions", Amazon API Gateway Developer Guide). */
import type { Identity, Principal } from "./ask.ts";

/** The API that a service stands for, as policies name it. */
export interface Api {
  readonly accountId: string;
  readonly apiId: string;
  readonly stage: string;
  /** The region in its ARN, and of signatures; that of the signature by default. */
  readonly region?: string | undefined;
}

/** `requestContext.identity` of API Gateway's proxy events. */
export interface ApiIdentity {
  readonly cognitoIdentityId: string | null;
  readonly cognitoIdentityPoolId: string | null;
  readonly cognitoAuthenticationType: string | null;
  readonly cognitoAuthenticationProvider: string | null;
  readonly accessKey: string;
  readonly accountId: string;
  readonly caller: string;
  readonly user: string;
  readonly userArn: string;
  readonly sourceIp: string | null;
  readonly userAgent: string | null;
}

export function apiIdentity(
  { accessKeyId, accountId, userId, arn }: Principal,
  identity: Identity | undefined,
  call: { readonly sourceIp: string | undefined; readonly userAgent: string | undefined },
): ApiIdentity {
  const [type = null, ...providers] = identity?.amr ?? [];
  return {
    cognitoIdentityId: identity?.identityId ?? null,
    cognitoIdentityPoolId: identity?.identityPoolId ?? null,
    cognitoAuthenticationType: type,
    cognitoAuthenticationProvider: providers.length === 0 ? null : providers.join(","),
    accessKey: accessKeyId,
    accountId,
    caller: userId,
    user: userId,
    userArn: arn,
    sourceIp: call.sourceIp ?? null,
    userAgent: call.userAgent ?? null,
  };
}

/** @param path with the slash at its beginning */
export function invokeResource(
  { accountId, apiId, stage, region }: Api,
  signedRegion: string,
  method: string,
  path: string,
): string {
  return `arn:aws:execute-api:${region ?? signedRegion}:${accountId}:${apiId}/${stage}/${method}${path}`;
}

/**
 * What frameworks may take for another path than policies name: percent-encoded letters, digits, `-._~`, slashes, backslashes,
 * `;`, `%` and control characters, characters that no path has or that end it (`;`, `#`), empty and dot segments.
 */
const unclear =
  /%(?:[01][0-9a-f]|25|2[def]|3[0-9b]|[46][1-9a-f]|[57][0-9a]|5[cf]|7[ef]|(?![0-9a-f]{2}))|[^\w!$%&'()*+,./:=@~-]|\/\/|\/\.{1,2}(?:\/|$)/i;

/** What signatures leave out of a path, unless it is signed as S3 does it: empty and dot segments, and what `..` takes away. */
export const unsignedSegments = /\/\/|\/\.{1,2}(?:\/|$)/;

/** The path as it stands in an ARN; undefined if it can be read in more than one way. */
export function apiPath(path: string): string | undefined {
  return path.startsWith("/") && !unclear.test(path) ? path : undefined;
}

/** How frameworks may read a method and a path, and a policy's author may have spelled them. Letter case comes on top. */
export function otherReadings(method: string, path: string): [string, string][] {
  const slashed = (one: string) => (one.endsWith("/") ? one.slice(0, -1) : `${one}/`);
  const spelled = [path, path.replace(encodedMark, decodeURIComponent), encodeMarks(path), ...decoded(path)];
  const paths = new Set(spelled.flatMap((one) => (one === "/" ? [one] : [one, slashed(one)])));
  const methods = method === "HEAD" ? [method, "GET"] : [method];
  return methods.flatMap((one) => [...paths].map((other): [string, string] => [one, other]));
}

/** What may stand in a path as it is or encoded: RFC 3986's sub-delims, `:` and `@`, but for `;`, of which none is clear. */
const encodedMark = /%(?:2[146-9a-c]|3[ad]|40)/gi;
const encodeMarks = (path: string) =>
  path.replace(/[!$&'()*+,:=@]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);

/** The path without any encoding; nothing if that is no text. */
function decoded(path: string): string[] {
  try {
    return [decodeURIComponent(path)];
  } catch {
    return [];
  }
}
