/**
 * Adds entries to package-lock.json that `npm install` omits if the registry does not carry the packages for other
 * platforms: without them `npm ci` refuses the lock file. Run it after changing dependencies. The entries have no
 * integrity; npm fills it in if the registry has the packages.
 */
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));

/** The parts of names such as `cli-linux-x64-musl` or `binding-win32-arm64-msvc`. */
const systems = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
];
const processors = ["arm64", "arm", "x64", "ia32", "ppc64", "riscv64", "s390x", "loong64", "mips64el"];
const libraries = { musl: "musl", musleabihf: "musl", gnu: "glibc", gnueabihf: "glibc" };

function entry(name, version, dev) {
  const words = name.split("/").at(-1).split("-");
  const os = systems.filter((word) => words.includes(word));
  const cpu = processors.filter((word) => words.includes(word));
  const libc = words
    .filter((word) => word in libraries && os.includes("linux"))
    .map((word) => libraries[word]);
  return {
    version,
    ...(cpu[0] && { cpu }),
    ...(dev && { dev }),
    ...(libc[0] && { libc }),
    optional: true,
    ...(os[0] && { os }),
  };
}

for (const one of Object.values({ ...lock.packages })) {
  for (const [name, version] of Object.entries(one.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (!(key in lock.packages) && /^\d/.test(version))
      lock.packages[key] = entry(name, version, one.dev === true);
  }
}
const { "": root, ...others } = lock.packages;
lock.packages = {
  "": root,
  ...Object.fromEntries(Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1))),
};
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
