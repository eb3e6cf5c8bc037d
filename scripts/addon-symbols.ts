/** Whether a built addon loads on old systems: what it needs of them, as `readelf --dynamic --dyn-syms -W` prints it. */

/** RHEL 8 has these; Debian 11 and everything newer has more. */
const NEWEST: Readonly<Record<string, number[]>> = { GLIBC: [2, 28], GCC: [4, 3, 0] };
const LIBRARIES = /^(lib(c|m|pthread|dl|gcc_s)\.so\.\d|ld-linux-[\w-]+\.so\.\d)$/;
/** What native/prebuilt/old_libc.cc takes from the old C library although a newer one has newer versions. */
export const WRAPPED = ["exp", "pow", "pthread_create", "pthread_join", "fstat", "fstat64", "__libc_single_threaded"];
const EXPORTED = ["napi_register_module_v1", "node_api_module_get_api_version_v1"];

/** What keeps the addon from loading somewhere, or could collide with another's; empty if it is fit to be published. */
export function strangersOf(readelf: string): string[] {
  const needed = [...readelf.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name);
  const symbols = [...readelf.matchAll(/(?:GLOBAL|WEAK|UNIQUE) +\w+ +(\w+) +([^\s@]+)(?:@@?(\S+))?/g)];
  const versioned = symbols.filter(([, , , version]) => version !== undefined && isTooNew(version));
  const exported = symbols.filter(([, place, name]) => place !== "UND" && !EXPORTED.includes(name));
  return [
    ...needed.filter((name) => !LIBRARIES.test(name)),
    ...versioned.map(([, , name, version]) => `${name}@${version}`),
    ...exported.map(([, , name]) => `${name} (exported)`),
  ];
}

/** Of libraries that are not listed, libstdc++ among them, every version is. */
function isTooNew(version: string): boolean {
  const [library, numbers] = version.split("_");
  const newest = NEWEST[library];
  if (newest === undefined) return true;
  const own = numbers.split(".").map(Number);
  const at = newest.findIndex((part, i) => (own[i] ?? 0) !== part);
  return at !== -1 && (own[at] ?? 0) > newest[at];
}
