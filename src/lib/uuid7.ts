/**
 * UUIDs of version 7 (RFC 9562 section 5.7): 48 bits of epoch milliseconds, then random bits. As text they sort by
 * time.
 */

/** A new UUID of version 7. @param now epoch milliseconds */
export function uuid7(now: number, random: (bytes: number) => Uint8Array): string {
  const tail = Buffer.from(random(10));
  tail.writeUInt8((tail.readUInt8(0) & 0x0f) | 0x70, 0);
  tail.writeUInt8((tail.readUInt8(2) & 0x3f) | 0x80, 2);
  return format(now, tail.toString("hex"));
}

/**
 * The lowest UUID of version 7 at a moment (epoch milliseconds): those of that moment or later are not less, all
 * earlier ones are.
 */
export function uuid7Floor(at: number): string {
  return format(at, "7000800000".padEnd(20, "0"));
}

function format(at: number, tail: string): string {
  const time = Math.max(0, Math.floor(at)).toString(16).padStart(12, "0");
  return `${time}${tail}`.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
