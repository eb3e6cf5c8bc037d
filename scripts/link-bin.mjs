// Makes `npx canopy` work inside a checkout: npm links a package's own command only where it is installed as a dependency,
// and npx in a checkout otherwise tries to install the folder into its cache.
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const main = `${root}dist/src/cli/main.js`;
const bin = `${root}node_modules/.bin`;

mkdirSync(bin, { recursive: true });
chmodSync(main, 0o755);
rmSync(`${bin}/canopy`, { force: true });
if (process.platform === "win32") {
  writeFileSync(`${bin}/canopy.cmd`, `@node "%~dp0..\\..\\dist\\src\\cli\\main.js" %*\r\n`);
} else {
  symlinkSync("../../dist/src/cli/main.js", `${bin}/canopy`);
}
