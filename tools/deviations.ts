/**
 * Where Poolhouse knowingly differs from Cognito, by operation; docs/fidelity.md is generated from it.
 * `*` holds for all operations.
 */
export const deviations: Readonly<Record<string, readonly string[]>> = {};
