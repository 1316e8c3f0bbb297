/** Settings are environment variables; most of them are in the file .env that setup.ts writes. */
export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set. setup.ts writes the file .env that has it.`);
  return value;
}
