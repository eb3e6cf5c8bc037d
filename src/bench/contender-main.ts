/** Entry of a contender's process: answers requests (see protocol.ts) until stdin ends. */
import { createInterface } from "node:readline";
import { openCanopyContender } from "./contender-canopy.js";
import { openTuning } from "./contender-finetune.js";
import { openLbfgs, openStepper } from "./contender-head.js";
import { openCeiling, openStages } from "./contender-native.js";
import { openPlainSharp, openSharpWorkaround } from "./contender-sharp.js";
import type { Contender, ContenderReply, ContenderRequest, SetupRequest } from "./protocol.js";

const CONTENDERS: Record<string, (setup: SetupRequest) => Contender | Promise<Contender>> = {
  ceiling: openCeiling,
  stages: openStages,
  canopy: openCanopyContender,
  sharp: openPlainSharp,
  "sharp-workaround": openSharpWorkaround,
  "head-native": openStepper("native"),
  "head-onnx": openStepper("onnx"),
  "head-lbfgs": openLbfgs,
  "finetune-native": openTuning("native"),
  "finetune-onnx": openTuning("onnx"),
};

let contender: Contender | undefined;

for await (const line of createInterface({ input: process.stdin })) {
  const reply = await answer(JSON.parse(line)).catch((error: Error): ContenderReply => {
    return { ok: false, message: error.message };
  });
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
process.exit(0);

async function answer(request: ContenderRequest): Promise<ContenderReply> {
  if (request.type === "setup") {
    contender = await CONTENDERS[request.contender](request);
    const { version, note } = contender;
    return { ok: true, version, ...(note === undefined ? {} : { note }) };
  }
  if (request.type === "colours") {
    await contender!.writeColours!(request.indices, request.folder);
    return { ok: true };
  }
  const before = process.cpuUsage();
  const seconds = await contender!.round(request.indices);
  const { user, system } = process.cpuUsage(before);
  return { ok: true, seconds, cpuSeconds: (user + system) / 1e6 };
}
