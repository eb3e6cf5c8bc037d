import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { strangersOf, WRAPPED } from "../../scripts/addon-symbols.js";
import { ROOT } from "../helpers.js";

/** Lines as readelf prints them. */
const needed = (name: string): string => ` 0x0000000000000001 (NEEDED)             Shared library: [${name}]`;
const symbol = (name: string, place = "UND", bind = "GLOBAL"): string =>
  `    24: 0000000000000000     0 FUNC    ${bind} DEFAULT  ${place} ${name}`;

test("an addon that needs what every glibc from 2.28 on has, and exports Node's two symbols, has no strangers", () => {
  const lines = [
    needed("libc.so.6"),
    needed("libgcc_s.so.1"),
    symbol("memcpy@GLIBC_2.14 (2)"),
    symbol("expf@GLIBC_2.27 (12)"),
    symbol("fcntl64@GLIBC_2.28 (3)"),
    symbol("_Unwind_Resume@GCC_3.0 (3)"),
    symbol("napi_create_object"),
    symbol("napi_register_module_v1", "11"),
    symbol(".init", "8", "LOCAL "),
  ];
  assert.deepEqual(strangersOf(lines.join("\n")), []);
});

test("newer symbols, libstdc++, other libraries and exported functions are strangers", () => {
  const lines = [
    needed("libjpeg.so.62"),
    symbol("pow@GLIBC_2.29 (4)"),
    symbol("fstat64@GLIBC_2.33 (5)"),
    symbol("_dl_find_object@GLIBC_2.35", "UND", "WEAK  "),
    symbol("_ZSt9terminatev@GLIBCXX_3.4 (6)"),
    symbol("_Unwind_New@GCC_13.0.0 (7)"),
    symbol("jpeg_read_header", "11"),
  ];
  assert.deepEqual(strangersOf(lines.join("\n")), [
    "libjpeg.so.62",
    "pow@GLIBC_2.29",
    "fstat64@GLIBC_2.33",
    "_dl_find_object@GLIBC_2.35",
    "_ZSt9terminatev@GLIBCXX_3.4",
    "_Unwind_New@GCC_13.0.0",
    "jpeg_read_header (exported)",
  ]);
});

test("what the addon takes from this C library only, the published one takes from the old one", (t) => {
  const args = ["--dynamic", "--dyn-syms", "-W", join(ROOT, "build/Release/canopy.node")];
  const { status, stdout } = spawnSync("readelf", args, { encoding: "utf8" });
  if (status !== 0 || !/GLIBC_/.test(stdout)) return t.skip("there is no readelf, or no addon for glibc");
  const newer = strangersOf(stdout).flatMap((each) => /^(\w+)@GLIBC_/.exec(each)?.[1] ?? []);
  assert.deepEqual(
    newer.filter((name) => !WRAPPED.includes(name)),
    [],
  );
});
