import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import locks from "fs-native-extensions";
import { takeLock } from "../../src/run/lock.js";
import { temporaryFolder } from "../helpers.js";

const TAKER = fileURLToPath(new URL("./take-locks.js", import.meta.url));

interface Taker {
  child: ChildProcess;
  lines: Interface;
}

async function startTaker(path: string): Promise<Taker> {
  const child = spawn(process.execPath, [TAKER, path], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! });
  await once(lines, "line");
  return { child, lines };
}

async function ask({ child, lines }: Taker, what = "take"): Promise<string> {
  const answer = once(lines, "line");
  child.stdin!.write(`${what}\n`);
  return (await answer)[0];
}

test("a lock is refused while its holder lives, in this process or another, and the holder is named", async (t) => {
  const path = join(temporaryFolder(t), "lock");
  const release = takeLock(path, {});
  assert.throws(
    () => takeLock(path, {}),
    new RegExp(`process ${process.pid} on ${hostname()} is working on this output`),
  );
  const taker = await startTaker(path);
  t.after(() => taker.child.kill());
  assert.equal(await ask(taker), "refused");
  release();
  assert.ok(!existsSync(path));
  assert.equal(await ask(taker), "taken");
  assert.throws(() => takeLock(path, {}), new RegExp(`process ${taker.child.pid} on`));
});

test("a lock is free at once when its holder was killed", async (t) => {
  const path = join(temporaryFolder(t), "lock");
  const taker = await startTaker(path);
  assert.equal(await ask(taker), "taken");
  taker.child.kill("SIGKILL");
  await once(taker.child, "exit");
  assert.equal(JSON.parse(readFileSync(path, "utf8")).pid, taker.child.pid);
  takeLock(path, {})();
});

test("of many processes at once at a lock that was left behind, one gets it", async (t) => {
  const path = join(temporaryFolder(t), "lock");
  const takers = await Promise.all(Array.from({ length: 8 }, () => startTaker(path)));
  t.after(() => takers.forEach(({ child }) => void child.kill()));
  for (let round = 0; round < 25; round++) {
    // Also where a lock of an earlier canopy was left, which went by time and process number.
    writeFileSync(path, JSON.stringify({ host: hostname(), pid: 2 ** 22 + 1 }));
    utimesSync(path, 1, 1);
    const answers = await Promise.all(takers.map((taker) => ask(taker)));
    assert.equal(answers.filter((answer) => answer === "taken").length, 1, `round ${round}: ${answers}`);
    await Promise.all(takers.map((taker) => ask(taker, "give")));
  }
});

test("a file that its holder removes after it was opened is not the lock any more", (t) => {
  const path = join(temporaryFolder(t), "lock");
  const { tryLock } = locks;
  let opened = 0;
  t.mock.method(locks, "tryLock", (file: number, offset: number, length: number) => {
    if (opened++ === 0) rmSync(path);
    return tryLock(file, offset, length);
  });
  const release = takeLock(path, {});
  assert.equal(opened, 2);
  assert.throws(() => takeLock(path, {}), /is working on this output/);
  release();
});

test("where the file system has no locks a run goes on, with a warning", (t) => {
  const path = join(temporaryFolder(t), "lock");
  t.mock.method(locks, "tryLock", () => {
    throw Object.assign(new Error("no locks"), { code: "ENOLCK" });
  });
  const warnings: string[] = [];
  takeLock(path, { onWarning: (text) => warnings.push(text) })();
  assert.match(warnings.join(), /lock cannot be locked on this file system: see to it yourself/);
});

test("a lock that cannot be made names its file", (t) => {
  const path = join(temporaryFolder(t), "gone/lock");
  assert.throws(() => takeLock(path, {}), { name: "WriteError", message: /gone\/lock could not be written/ });
});
