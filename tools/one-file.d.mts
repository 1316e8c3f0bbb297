/** The first file of each package, by its name. */
export const packages: Readonly<Record<"kysely" | "jose", string>>;

/** Where the first file of a package is kept as it was published, next to it. */
export function asPublished(file: string): string;

/**
 * Makes one file of each package that is not yet one.
 * @param modules the folder node_modules
 */
export function makeOneFiles(modules: string): Promise<void>;
