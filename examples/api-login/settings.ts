/** The settings in .env: those of the web application's pool, and what setup.ts has added. */
export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set. \`npm run setup\` adds it to the file .env.`);
  return value;
}
