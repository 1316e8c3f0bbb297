/**
 * Node's own http and https, not imported as modules. Such an import reads every export, and http's WebSocket is one: reading
 * it loads undici, with all of fetch, which takes 60 ms and 13 MB at every start. And https loads TLS, which takes 25 ms and
 * 5 MB, and which a server behind a proxy never uses.
 */

export const http = process.getBuiltinModule("node:http");

/** Loads https by the first call. */
export const https = () => process.getBuiltinModule("node:https");
