import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { withRedis } from "../../src/queue/queue.js";
import { readAddress, showAddress, showsPassword } from "../../src/queue/redis-address.js";
import { temporaryFolder } from "../helpers.js";

const PLAIN = { host: "host", port: 6379, db: 0, username: undefined, password: undefined, tls: false };

describe("the address of Redis", () => {
  it("is a URL, in whose password everything may stand", async () => {
    const cases: [string, object][] = [
      ["redis://host", {}],
      ["rediss://host:7000/3", { port: 7000, db: 3, tls: true }],
      ["redis://[::1]:7000", { host: "::1", port: 7000 }],
      ["redis://:secret@host", { password: "secret" }],
      ["redis://me:p@ss/w?rd#:x@host:1/", { username: "me", password: "p@ss/w?rd#:x", port: 1 }],
      ["redis://:a%40b%2Fc@host", { password: "a@b/c" }],
      ["redis://:100%@host", { password: "100%" }],
      ["redis://me@host", { username: "me" }],
    ];
    for (const [text, expected] of cases) assert.deepEqual(await readAddress(text), { ...PLAIN, ...expected }, text);
  });

  it("may stand in a file", async (t) => {
    const file = join(temporaryFolder(t), "redis");
    writeFileSync(file, "rediss://:secret@host\r\nmore\n");
    assert.deepEqual(await readAddress(`@${file}`), { ...PLAIN, password: "secret", tls: true });
    writeFileSync(file, "secret");
    await assert.rejects(readAddress(`@${file}`), ({ message }: Error) => {
      assert.match(message, /^Expected `redis` to be an address such as .* in .*redis; what was found is not shown/);
      return !message.includes("secret");
    });
    await assert.rejects(readAddress(`@${file}x`), { name: "InputError", message: /redisx, which .* \(ENOENT\)\.$/ });
  });

  it("is refused without being shown", async () => {
    for (const text of [
      "http://:secret@host",
      "secret@host",
      "redis://host?password=secret",
      "redis://:secret@host:70000",
      "redis://:secret@host/x",
      "redis://:secret@",
      "",
    ]) {
      await assert.rejects(readAddress(text), (error: Error) => {
        assert.equal(error.name, "OptionError");
        return !inspect(error).includes("secret");
      });
    }
  });

  it("is shown without user and password", async () => {
    assert.equal(showAddress(await readAddress("rediss://me:secret@[::1]:1/2")), "rediss://[::1]:1");
    assert.deepEqual(["redis://:x@host", "redis://host", "redis://me@host", "@/run/:x@host"].map(showsPassword), [
      true,
      false,
      false,
      false,
    ]);
  });
});

describe("what Redis answers", () => {
  it("is passed on without the command that held the password", async () => {
    const address = await readAddress("redis://:secret@host");
    for (const message of ["WRONGPASS invalid username-password pair", "ERR unknown command"]) {
      const refused = Object.assign(new Error(message), { command: { name: "auth", args: ["secret"] } });
      const failing = withRedis(address, () => Promise.reject(refused));
      await assert.rejects(failing, (error: Error) => !inspect(error, { depth: 9 }).includes("secret"));
    }
  });
});
