/** The settings that setup.ts wrote into .env, and the access key of the environment. */
export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set. README.md says which step sets it.`);
  return value;
}
