/** The settings that setup.ts wrote into .env. */
export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set. \`npm run setup\` writes the file .env that has it.`);
  return value;
}

/** The URL of this application. */
export const appUrl = new URL(setting("APP_URL"));

/** Milliseconds that the user pool and APIs have for an answer. */
export const patience = Number(process.env["POOL_TIMEOUT"] ?? 4_000);
