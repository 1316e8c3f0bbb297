/** How Amazon SES and Amazon SNS let requests in: only with a whole signature of the account's key (Signature Version 4). */
import { headerPairs, readSignedRequest } from "../../src/lib/sigv4.ts";
import { checkSignature } from "../../src/lib/sigv4-check.ts";
import type { Taken } from "./sink.ts";

interface Door {
  readonly service: "ses" | "sns";
  readonly region: string;
  /** The only access key that the account has. */
  readonly key: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** An error of AWS by name ("Common errors", in the API Reference of each service), and in words. */
interface DoorError {
  readonly code:
    | "InvalidClientTokenId"
    | "IncompleteSignature"
    | "MissingAuthenticationToken"
    | "SignatureDoesNotMatch";
  readonly message: string;
}

/** What is wrong with the signature of a request; undefined if it holds. */
export function wrongWith(request: Taken, { service, region, key }: Door): DoorError | undefined {
  const { method, path: target, rawHeaders, body } = request;
  const [, path = "", query = ""] = /^([^?]*)\??(.*)$/s.exec(target) ?? [];
  const received = { method, path, query, headers: headerPairs(rawHeaders), body: Buffer.from(body) };
  const signed = readSignedRequest(received);
  if (signed.kind === "none")
    return { code: "MissingAuthenticationToken", message: "Missing Authentication Token" };
  if (signed.kind === "malformed") return { code: "IncompleteSignature", message: signed.reason };
  if (signed.accessKeyId !== key.accessKeyId)
    return {
      code: "InvalidClientTokenId",
      message: "The security token included in the request is invalid.",
    };
  const scope = { now: Date.now(), services: [service], region };
  const checked = checkSignature(signed, received, key.secretAccessKey, scope);
  return checked.ok ? undefined : { code: "SignatureDoesNotMatch", message: checked.message };
}
