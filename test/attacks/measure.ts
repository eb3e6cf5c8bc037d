/** Loaded before a command: says at its end what it took, in a way that needs no file handle that may be lacking. */
import { appendFileSync, existsSync, openSync, readSync, writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const STATUS = "/proc/self/status";
const IS_COMMAND = process.argv[1]?.endsWith("cli/main.js");
/** Opened at the beginning: at the end there may be no handle left. */
const status = existsSync(STATUS) ? openSync(STATUS, "r") : undefined;
const children = process.env["CANOPY_MEASURES"];

if (isMainThread) {
  process.on("exit", () => {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    const line = `${JSON.stringify({ megabytes: peakMegabytes(), seconds: (userCPUTime + systemCPUTime) / 1e6 })}\n`;
    if (IS_COMMAND) writeSync(3, line);
    else if (children !== undefined) appendFileSync(children, line);
  });
}

/** What getrusage says is, at the beginning, that of whoever started this process. */
function peakMegabytes(): number {
  if (status === undefined) return process.resourceUsage().maxRSS / 1024;
  const text = Buffer.alloc(4096);
  readSync(status, text, 0, text.length, 0);
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(text.toString())?.[1]) / 1024;
}
