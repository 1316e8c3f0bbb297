/** The file that keeps the root access key which a start or `keys reset-root` creates. */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CreatedKey } from "../domain/iam/access-keys.ts";
import { OperatorError } from "../lib/operator-error.ts";
import { makePrivateFolder } from "../store/engine/sqlite/file.ts";

/**
 * Keeps a new root key in a file that only its owner can read. The key is written before the database has it, so that
 * it cannot be lost: neither if the folder cannot be written, nor if the process ends right after the commit.
 */
export class RootKeyFile {
  readonly #folder: string;
  readonly #path: string;
  readonly #draft: string;
  #written = false;

  constructor(data: string) {
    this.#folder = join(data, "secrets");
    this.#path = join(this.#folder, "root-access-key.json");
    this.#draft = `${this.#path}.${process.pid}`;
  }

  /** Writes a key that is about to be stored, next to its final place. Throws an OperatorError if that fails. */
  write(key: CreatedKey): void {
    try {
      makePrivateFolder(this.#folder);
      // In a container an earlier process had the same id, and may have been killed.
      rmSync(this.#draft, { force: true });
      const text = `${JSON.stringify(key, null, 2)}\n`;
      writeFileSync(this.#draft, text, { mode: 0o600, flag: "wx", flush: true });
    } catch (error) {
      const { message } = error instanceof OperatorError ? (error.cause as Error) : (error as Error);
      throw new OperatorError(
        `A new root access key cannot be kept in ${this.#folder}, and none was created: ${message}. ` +
          "Make the folder writable, or configure the key (POOLHOUSE_ROOT_ACCESS_KEY_ID and _SECRET_ACCESS_KEY).",
        { cause: error },
      );
    }
    this.#written = true;
  }

  /** Puts the key that was written in its place; the database has it. Returns where it is kept, for the operator. */
  keep(): string {
    try {
      renameSync(this.#draft, this.#path);
      return `kept in ${this.#path}`;
    } catch (error) {
      const kept = existsSync(this.#draft) ? `kept in ${this.#draft}` : "not kept in any file: note it now";
      const reason = `${this.#path} cannot be written: ${(error as Error).message}`;
      console.error(`WARNING: the new root access key is ${kept}, because ${reason}`);
      return kept;
    }
  }

  /** Removes the key that was written: the database has another one, from a server that started at the same time. */
  discard(): void {
    if (this.#written) rmSync(this.#draft, { force: true });
  }

  /** Says where the key is if the work failed after it was written: the database may have it all the same. */
  failed(): void {
    if (!this.#written) return;
    console.error(
      `WARNING: it is not certain whether the new root access key was stored. If it was, it is the one in ${this.#draft}`,
    );
  }
}
