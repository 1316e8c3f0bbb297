/** Detects image types by their first bytes rather than by name or content type. */

export type RasterType = "PNG" | "JPEG" | "WEBP" | "ICO";

const startsWith = (bytes: Uint8Array, start: readonly number[], at = 0) =>
  start.every((byte, index) => bytes[at + index] === byte);

const ascii = (text: string) => [...text].map((character) => character.charCodeAt(0));

/** The type of a raster image, by its magic number; undefined for anything else. */
export function rasterType(bytes: Uint8Array): RasterType | undefined {
  // PNG third edition, section 5.2; ITU-T T.81 annex B; WebP container (RFC 9649 section 2.4); ICO: reserved 0, type 1.
  if (startsWith(bytes, [0x89, ...ascii("PNG\r\n\u001a\n")])) return "PNG";
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return "JPEG";
  if (startsWith(bytes, ascii("RIFF")) && startsWith(bytes, ascii("WEBP"), 8)) return "WEBP";
  return startsWith(bytes, [0, 0, 1, 0]) ? "ICO" : undefined;
}
