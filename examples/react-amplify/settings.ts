/** The URLs of Poolhouse and of the page. */
export const endpoint = process.env["POOLHOUSE_ENDPOINT"] ?? "https://localhost:4748";
export const port = Number(process.env["PORT"] ?? 3000);
export const pageUrl = `http://localhost:${port}/`;
/** In the current folder. */
export const configFile = "config.json";
