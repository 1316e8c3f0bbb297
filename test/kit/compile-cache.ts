/** Where this process keeps compiled code, if it does: programs that get it in their environment start with less work. */
const { NODE_COMPILE_CACHE } = process.env;

export const compileCache: Readonly<Record<string, string>> =
  NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
