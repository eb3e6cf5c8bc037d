/** Where the addon's file is: in the package for this platform, which npm installs beside canopy, or built in canopy's own folder. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** The addon and where it was found, or why nothing was. */
export type AddonSearch<Addon> = { addon: Addon; from: string } | { reason: string };

const REQUIRE = createRequire(import.meta.url);
const BUILT = "../../build/Release/canopy.node";

/** Takes the first that loads. */
export function findAddon<Addon>(require: (name: string) => Addon = REQUIRE): AddonSearch<Addon> {
  const failures: string[] = [];
  for (const name of [platformPackage(), BUILT]) {
    const from = name === BUILT ? fileURLToPath(new URL(BUILT, import.meta.url)) : name;
    try {
      return { addon: require(name), from };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "MODULE_NOT_FOUND") failures.push(`${from} does not load: ${message.split("\n")[0]}`);
    }
  }
  const missing = `there is no package ${platformPackage()}, and it has not been built`;
  return { reason: failures.length === 0 ? missing : failures.join("; ") };
}

/** What gives this machine an addon, to follow "to mend it,". */
export function addonRemedy(): string {
  if (process.env["CANOPY_NO_ADDON"] === "1") return "unset CANOPY_NO_ADDON";
  const { version, optionalDependencies = {} } = REQUIRE("../../package.json");
  const published = platformPackage();
  const install =
    published in optionalDependencies ? `\`npm install ${published}@${version}\`; or, to build it here, ` : "";
  return (
    `${install}install a C++ compiler and the libjpeg-turbo headers (Debian: apt-get install g++ make python3 libjpeg-dev), ` +
    `then run \`${buildCommand()}\``
  );
}

/** Builds the addon whatever installed canopy: npm 12, pnpm and others run no install scripts, not even on `rebuild`. */
export function buildCommand(): string {
  return `node ${fileURLToPath(new URL("../../native/build.mjs", import.meta.url))}`;
}

/** The package for this platform. A package manager that knows no C libraries installs it on Alpine, too, where it does not load. */
function platformPackage(): string {
  return `${REQUIRE("../../package.json").name}-${process.platform}-${process.arch}`;
}
