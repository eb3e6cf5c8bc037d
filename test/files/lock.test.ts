import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import Module from "node:module";
import { hostname } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import locks from "fs-native-extensions";
import { takeLock, whileLocked } from "../../src/files/lock.js";
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
  assert.match(warnings.join(), /lock cannot be locked on this file system: make sure/);
});

test("where the library of locks has no binary a run goes on, with a warning", (t) => {
  const path = join(temporaryFolder(t), "lock");
  const modules = Module as unknown as { _load(request: string, ...more: unknown[]): unknown };
  const { _load: load } = modules;
  t.mock.method(modules, "_load", (request: string, ...more: unknown[]) => {
    if (request !== "fs-native-extensions") return load.call(modules, request, ...more);
    throw Object.assign(new Error("ld-linux-x86-64.so.2: no such file"), { code: "ERR_DLOPEN_FAILED" });
  });
  const warnings: string[] = [];
  takeLock(path, { onWarning: (text) => warnings.push(text) })();
  assert.match(warnings.join(), /lock cannot be locked on this system: make sure/);
  assert.ok(!existsSync(path));
});

test("work on an output keeps others from it, in folders that are not there yet, and leaves nothing", async (t) => {
  const root = temporaryFolder(t);
  const out = join(root, "new/model");
  const work = whileLocked(out, {}, async () => {
    await assert.rejects(whileLocked(`${out}/`, {}, assert.fail), /is working on this output/);
    await whileLocked(`${out}2`, {}, () => Promise.resolve());
    throw new Error("failed");
  });
  await assert.rejects(work, /failed/);
  await whileLocked(out, {}, () => Promise.resolve());
  assert.deepEqual(readdirSync(join(root, "new")), []);
});

test("a lock that cannot be made names its file", (t) => {
  const path = join(temporaryFolder(t), "gone/lock");
  assert.throws(() => takeLock(path, {}), { name: "WriteError", message: /gone\/lock could not be written/ });
});
