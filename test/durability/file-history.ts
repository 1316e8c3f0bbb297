/**
 * What a disk may hold of a file when the power fails: everything written before the last sync that has ended began, and
 * of what was written since, anything: nothing, all, some writes without others, or a write of which only a part came
 * through. (Sectors of 512 bytes are whole.)
 */
import type { Call } from "./trace.ts";

export type Kept = "nothing" | "all" | "some" | "torn";

const sector = 512;

export class FileHistory {
  readonly #calls: readonly Call[];
  /** What was synced at the moment last asked about: what may have come through since is tried on copies of it. */
  #synced = { since: -1, content: new Content() };

  /** All calls on one file, by their end. */
  constructor(calls: readonly Call[]) {
    this.#calls = calls;
  }

  /** The content after a power cut at this line. Undefined: there was no such file. */
  at(moment: number, kept: Kept): Buffer | undefined {
    const past = this.#calls.filter((call) => call.began < moment);
    const synced = past.findLast((call) => isSync(call) && call.ended < moment)?.began ?? -1;
    const file = this.#upTo(synced).copy();
    for (const call of past) if (call.ended >= synced) file.apply(call, part(call, kept));
    return file.exists ? file.content : undefined;
  }

  /** All that had ended before this line; calls are in the order of their ends. */
  #upTo(since: number): Content {
    if (this.#synced.since !== since) {
      const content = new Content();
      for (const call of this.#calls) if (call.ended < since) content.apply(call, call.data.length);
      this.#synced = { since, content };
    }
    return this.#synced.content;
  }
}

const isSync = ({ name }: Call) => name === "fdatasync" || name === "fsync";

/** How many bytes of an unsynced write are kept; -1: the call did not happen. */
function part({ data }: Call, kept: Kept): number {
  if (kept === "all") return data.length;
  if (kept === "nothing" || Math.random() < 0.5) return -1;
  const sectors = Math.floor(data.length / sector);
  return kept === "some" || sectors === 0 ? data.length : Math.floor(Math.random() * sectors) * sector;
}

class Content {
  #bytes = Buffer.alloc(0);
  #length = 0;
  exists = false;

  copy(): Content {
    const copy = new Content();
    copy.#bytes = Buffer.from(this.#bytes);
    copy.#length = this.#length;
    copy.exists = this.exists;
    return copy;
  }

  get content(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  apply({ name, data, offset }: Call, length: number): void {
    if (length < 0) return;
    if (name === "unlink") {
      this.exists = false;
      this.#resize(0);
    }
    if (name === "ftruncate") this.#resize(offset);
    if (name !== "pwrite64" && name !== "write") return;
    this.exists = true;
    if (offset + length > this.#length) this.#resize(offset + length);
    data.copy(this.#bytes, offset, 0, length);
  }

  #resize(length: number): void {
    if (length > this.#bytes.length) {
      const larger = Buffer.alloc(2 * length);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    if (length < this.#length) this.#bytes.fill(0, length, this.#length);
    this.#length = length;
  }
}
