/** SHA-256 and its HMAC in the form that the signer of @smithy/signature-v4 takes. */
import { createHash, createHmac } from "node:crypto";

export class Sha256 {
  private readonly hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret as string);
  }
  update(data: string | ArrayBuffer | ArrayBufferView) {
    this.hash.update(data as string);
  }
  async digest() {
    return new Uint8Array(this.hash.digest());
  }
  reset() {}
}
