/** Commands as pages show them, run by bash in a folder where `canopy` is the one of this checkout. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ROOT } from "./pages.js";

/** Runs a command line; what it printed. @throws Error with what it printed if it fails */
export type Shell = (command: string) => Promise<string>;

export function shellIn(folder: string): Shell {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const main = join(ROOT, "dist/src/cli/main.js");
  const short = '[ "$1" = quickstart ] && set -- "$@" --count 60';
  const program = `#!/bin/sh\n${short}\nexec "${process.execPath}" "${main}" "$@"\n`;
  writeFileSync(join(bin, "canopy"), program, { mode: 0o755 });
  const env = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env["PATH"]}`,
    CANOPY_CACHE: join(folder, "cache"),
    HOME: folder,
  };
  return (command) => runBash(command, folder, env);
}

function runBash(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn("bash", ["-euo", "pipefail", "-c", command], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve(printed);
      else reject(new Error(`${command}\nended with ${status}:\n${printed}`));
    });
  });
}
