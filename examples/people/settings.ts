/** Settings are environment variables; most of them are in the file .env that setup.ts writes. */
export function setting(name: string, otherwise?: string): string {
  const value = process.env[name] || otherwise;
  if (value === undefined)
    throw new Error(`${name} is not set. \`npm run setup\` writes the file .env that has it.`);
  return value;
}
