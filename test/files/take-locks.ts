/** Entry of a process that takes the lock in its first argument at "take", gives it back at "give", and answers each. */
import { createInterface } from "node:readline";
import { takeLock } from "../../src/files/lock.js";

let release: (() => void) | undefined;
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "give") {
    release?.();
    release = undefined;
    console.log("given");
  } else {
    try {
      release = takeLock(process.argv[2], {});
    } catch (error) {
      if (!/is working on this output/.test((error as Error).message)) throw error;
    }
    console.log(release === undefined ? "refused" : "taken");
  }
}
