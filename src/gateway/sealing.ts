/** What the gateway seals: into cookies, and into the rows of sessions. */
import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { equalBytes, fromBase64url, sha256, toBase64url, toHex, utf8 } from "../lib/bytes.ts";
import type { GatewaySettings } from "../lib/gateway-settings.ts";
import { open, type Random, SealError, seal, sealedKeyId } from "../lib/seal.ts";

interface Key {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly mac: KeyObject;
}

/** Bytes of a tag. */
const tagLength = 16;

export class Seals {
  readonly #keys: readonly Key[];
  readonly #random: Random;
  readonly #context: string;

  /**
   * @param keys base64 of 32 bytes each: the first seals, all open
   * @param context what all values belong to, such as the provider and its client: they open in no other
   */
  constructor(keys: readonly string[], random: Random, context: string) {
    this.#context = context;
    this.#keys = keys.map((text) => {
      const bytes = Buffer.from(text, "base64");
      const mac = createSecretKey(sha256("poolhouse gateway tag", bytes));
      return { id: toHex(sha256(bytes).subarray(0, 4)), bytes, mac };
    });
    this.#random = random;
  }

  /** @param place what the value is and where it is kept; it opens nowhere else */
  seal(place: string, value: unknown): Buffer {
    const { id, bytes } = this.#keys[0]!;
    const plaintext = utf8(JSON.stringify(value));
    return seal({
      dataKeyId: id,
      dataKey: bytes,
      associated: this.#in(place),
      plaintext,
      random: this.#random,
    });
  }

  /** The value; undefined if it was not sealed by one of the keys for this place. */
  open(place: string, sealed: Uint8Array): unknown {
    try {
      const id = sealedKeyId(sealed);
      const key = this.#keys.find((one) => one.id === id);
      if (key === undefined) return undefined;
      return JSON.parse(
        open({ dataKey: key.bytes, associated: this.#in(place), sealed }).toString(),
      ) as unknown;
    } catch (error) {
      if (error instanceof SealError) return undefined;
      throw error;
    }
  }

  /** Whether a value was sealed by the first key, not by one that will be removed some day. */
  isCurrent(sealed: Uint8Array): boolean {
    return sealedKeyId(sealed) === this.#keys[0]!.id;
  }

  /** A new random name. 32 characters. */
  newName(): string {
    return toBase64url(this.#random(24));
  }

  /** A name with a tag, which nobody else can make. 55 characters. */
  tagged(place: string, name: string): string {
    return `${name}.${toBase64url(tagOf(this.#keys[0]!, this.#in(place), name))}`;
  }

  /** The name in what `tagged` made for the same place, and whether by the first key. Undefined if it was not made here. */
  untagged(place: string, text: string): { readonly name: string; readonly isCurrent: boolean } | undefined {
    const [, name = "", tag = ""] = /^([\w-]{32})\.([\w-]{22})$/.exec(text) ?? [];
    const given = fromBase64url(tag);
    if (given?.length !== tagLength) return undefined;
    const key = this.#keys.findIndex((one) => equalBytes(tagOf(one, this.#in(place), name), given));
    return key === -1 ? undefined : { name, isCurrent: key === 0 };
  }

  #in(place: string): string {
    return `${this.#context}\n${place}`;
  }

  /** Bytes that depend on a key alone, one for each, for a key that is derived from it. */
  derived(purpose: string): readonly Buffer[] {
    return this.#keys.map(({ bytes }) => sha256(utf8(`poolhouse gateway ${purpose}`), bytes));
  }
}

/** The seals of a gateway: what it sealed for one client of one provider counts for no other. */
export function sealsOf(
  { provider: { issuer, clientId }, sessions }: Pick<GatewaySettings, "provider" | "sessions">,
  random: Random,
): Seals {
  return new Seals(sessions.keys, random, JSON.stringify([issuer, clientId]));
}

function tagOf({ mac }: Key, place: string, name: string): Buffer {
  return createHmac("sha256", mac).update(`${place}\n${name}`).digest().subarray(0, tagLength);
}
