#!/usr/bin/env node
/** Where `canopy` starts. Source maps only help modules that are loaded after them, so that all others come behind. */
if (process.env["CANOPY_DEBUG"] === "1") process.setSourceMapsEnabled(true);
const { guardProcess } = await import("./failures.js");
guardProcess();
const { runCommandLine } = await import("./program.js");
await runCommandLine(process.argv.slice(2));
