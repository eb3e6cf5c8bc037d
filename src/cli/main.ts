#!/usr/bin/env node
/** Entry of `canopy`. Source maps are used only for modules loaded after them, so all others are imported later. */
if (process.env["CANOPY_DEBUG"] === "1") process.setSourceMapsEnabled(true);
const { guardProcess } = await import("./failures.js");
guardProcess();
const { runCommandLine } = await import("./program.js");
await runCommandLine(process.argv.slice(2));
