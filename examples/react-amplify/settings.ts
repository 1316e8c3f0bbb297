/** The URLs of Poolhouse and of the page. */
import { fileURLToPath } from "node:url";

export const endpoint = process.env["POOLHOUSE_ENDPOINT"] ?? "https://localhost:4748";
export const port = Number(process.env["PORT"] ?? 3000);
export const pageUrl = `http://localhost:${port}/`;
export const configFile = fileURLToPath(new URL("config.json", import.meta.url));
