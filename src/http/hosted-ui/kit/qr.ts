/** Renders a QR code as a single SVG path of unit squares. */
import qrcode from "qrcode-generator";

/** The quiet zone around the code, in modules (ISO/IEC 18004 section 6.3.8). */
const quiet = 4;

export function qrCode(text: string): { size: number; path: string } {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const count = code.getModuleCount();
  let path = "";
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < count; column++) {
      const begun = column;
      while (column < count && code.isDark(row, column)) column++;
      if (column > begun) path += `M${begun + quiet} ${row + quiet}h${column - begun}v1h-${column - begun}z`;
    }
  }
  return { size: count + 2 * quiet, path };
}
