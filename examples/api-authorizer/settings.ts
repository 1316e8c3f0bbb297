/** The settings that setup.ts wrote into .env, or those that a deployment has. */
export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set. \`npm run setup\` writes the file .env that has it.`);
  return value;
}
