/** Files of keys and certificates (RFC 7468). */

export interface PemBlock {
  /** The label of the BEGIN and END lines, such as CERTIFICATE (RFC 7468). */
  readonly kind: string;
  readonly pem: string;
}

/** The blocks of a PEM file; undefined if the file was cut off inside one, or its lines are mixed up. */
export function pemBlocks(text: string): PemBlock[] | undefined {
  const blocks: PemBlock[] = [];
  let begun: { kind: string; at: number } | undefined;
  let end = 0;
  for (const { 0: line, 1: word, 2: kind = "", index } of text.matchAll(
    /-----(BEGIN|END) ([A-Z0-9 ]+)-----/g,
  )) {
    end = index + line.length;
    if (word === "BEGIN") {
      if (begun !== undefined) return undefined;
      begun = { kind, at: index };
    } else {
      if (begun?.kind !== kind) return undefined;
      blocks.push({ kind, pem: text.slice(begun.at, end) });
      begun = undefined;
    }
  }
  // The file may also end in the middle of a BEGIN line.
  const last = text.slice(end).trimEnd().split("\n").at(-1)!;
  return begun === undefined && !last.startsWith("-") ? blocks : undefined;
}

/** A PEM file of one block. */
export function pemText(kind: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${kind}-----\n${lines.join("\n")}\n-----END ${kind}-----\n`;
}
