/** Checks that are many of one kind: a part of them comes with each change, all of them with `npm run test:whole`. */
export const whole = process.env["TEST_WHOLE"] !== undefined;

/** Why a test is left out. */
export const byWhole = "it comes with npm run test:whole";

/** Every `share`-th of all, the first at `offset`: tests that differ in it see different ones. */
export function part<T>(all: readonly T[], share: number, offset = 0): readonly T[] {
  return whole ? all : all.filter((_, index) => index % share === offset % share);
}
