/** The table of docs/labels.md: what canopy does with each of the label files that its tests make. */
import { readLabels } from "../src/labels/formats.js";
import { INPUTS, type LabelInput, writeInput } from "../test/labels/inputs.js";
import { shorten, updateTable } from "./tables.js";

/** `page` with its table written again. */
export function updateLabelInputs(page: string): Promise<string> {
  return updateTable(page, "test/labels/inputs.ts", INPUTS, tryInput);
}

async function tryInput(input: LabelInput, folder: string): Promise<string> {
  const path = writeInput(input, folder);
  try {
    const { doubts } = await readLabels(path, input.options);
    // So few tiles always have a tag that is on one of them alone.
    const codes = doubts.map(({ code }) => code).filter((code) => code !== "SINGLE_TILE_TAGS");
    return codes.length === 0 ? "reads it" : `reads it, and warns: ${codes.join(", ")}`;
  } catch (error) {
    const reason = (error as Error).message.replace(path, "").replace(/^[, ]+/, "");
    return `refuses it: ${shorten(reason)}`;
  }
}
