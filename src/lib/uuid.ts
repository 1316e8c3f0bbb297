/** UUIDs (RFC 9562), in lower case. */

/** Whether a text is a UUID of whatever version, in either case. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
}

/** A UUID of version 4: 122 random bits (section 5.4). */
export function uuid4(random: (bytes: number) => Uint8Array): string {
  return uuid4Of(random(16));
}

/** The UUID of version 4 that has its bits from these bytes, the first 16 of them. */
export function uuid4Of(from: Uint8Array): string {
  const bytes = Buffer.from(from.subarray(0, 16));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return withHyphens(bytes.toString("hex"));
}

/**
 * A UUID of version 7 (section 5.7): 48 bits of epoch milliseconds, then random ones. As text they are in order of time.
 * @param now epoch milliseconds
 */
export function uuid7(now: number, random: (bytes: number) => Uint8Array): string {
  const tail = Buffer.from(random(10));
  tail.writeUInt8((tail.readUInt8(0) & 0x0f) | 0x70, 0);
  tail.writeUInt8((tail.readUInt8(2) & 0x3f) | 0x80, 2);
  return withHyphens(hexTime(now) + tail.toString("hex"));
}

/** The lowest UUID of version 7 of a moment: every id from then on is the same or greater, every earlier one less. */
export function uuid7Floor(at: number): string {
  return withHyphens(hexTime(at) + "7000800000".padEnd(20, "0"));
}

function hexTime(at: number): string {
  return Math.max(0, Math.floor(at)).toString(16).padStart(12, "0");
}

function withHyphens(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
