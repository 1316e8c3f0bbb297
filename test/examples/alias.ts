/** Loaded before a program: a name such as poolhouse.localhost leads to this machine, as an alias does among containers. */
import dns from "node:dns";

const lookup = dns.lookup as (name: string, ...rest: unknown[]) => void;
Object.assign(dns, {
  lookup: (name: string, ...rest: unknown[]) => lookup(name.replace(/^.+\.localhost$/, "localhost"), ...rest),
});
