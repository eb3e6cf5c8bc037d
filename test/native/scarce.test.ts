/** A machine that gives too little: no memory, no thread. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../helpers.js";
import { NEEDS_ADDON } from "./support.js";

const script = fileURLToPath(new URL("./scarce-run.js", import.meta.url));
const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

const hasLimits = spawnSync("prlimit", ["--version"]).status === 0;
const NEEDS_LIMITS = hasLimits ? NEEDS_ADDON : { skip: "prlimit is not installed (util-linux)" };

test("where memory runs out a tile is rejected or a call is, and the next goes on", NEEDS_LIMITS, (t) => {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, "memory", temporaryFolder(t)], {
    encoding: "utf8",
  });
  assert.equal(status, 0, `${signal ?? status}\n${stderr}`);
  assert.deepEqual(JSON.parse(stdout), {
    tiles: ["decoded", "OUT_OF_MEMORY", "decoded"],
    black: [false, true, false],
    full: "OUT_OF_MEMORY",
    training: ["OUT_OF_MEMORY", "There was not enough memory"],
    logits: 512 * 3,
  });
});

test("where the system gives no thread the caller's own does all the work", NEEDS_LIMITS, (t) => {
  // Root has as many processes as it likes.
  const user = process.getuid?.() === 0 ? NOBODY : [];
  const [command, ...args] = [...user, process.execPath, script, "threads"];
  if (user.length > 0 && spawnSync(command, [...NOBODY.slice(1), "test", "-r", script]).status !== 0) {
    return t.skip("root, and nobody else may read the checkout");
  }
  const { status, signal, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  assert.equal(status, 0, `${signal ?? status}\n${stderr}`);
  assert.deepEqual(JSON.parse(stdout), { refused: true, same: true });
});

/** A library whose pthread_create refuses once the process says so. */
const REFUSING = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
typedef int (*Create)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  if (getenv("CANOPY_TEST_NO_THREADS") == NULL)
    return ((Create)dlsym(RTLD_NEXT, "pthread_create"))(thread, attributes, start, argument);
  setenv("CANOPY_TEST_REFUSED", "1", 1);
  return EAGAIN;
}`;

test("where each thread is refused the caller's own does all the work", NEEDS_ADDON, (t) => {
  if (process.platform !== "linux" || availableParallelism() < 2) return t.skip("needs Linux and two cores");
  const library = join(temporaryFolder(t), "refusing.so");
  const compiler = process.env["CC"] ?? "cc";
  const built = spawnSync(compiler, ["-shared", "-fPIC", "-x", "c", "-", "-o", library, "-ldl"], { input: REFUSING });
  if (built.status !== 0) return t.skip(`${compiler} cannot build the library that refuses threads`);
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, "preloaded"], {
    env: { ...process.env, LD_PRELOAD: library },
    encoding: "utf8",
  });
  assert.equal(status, 0, `${signal ?? status}\n${stderr}`);
  assert.deepEqual(JSON.parse(stdout), { refused: true, same: true });
});
