/** The theme of all pages: fonts, colors and measures as CSS custom properties, light and dark. */
import { readFileSync } from "node:fs";

export const themeStyle = readFileSync(new URL("public/theme.css", import.meta.url), "utf8");
