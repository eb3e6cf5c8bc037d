/** The table of SECURITY.md: the attacks that tests try, what happens, and within what. */
import { ATTACKS } from "../test/attacks/attacks.js";
import { replaceTable } from "./tables.js";

/** `page` with its table written again. */
export function updateAttacks(page: string): string {
  const rows = ATTACKS.map(({ what, happens, megabytes, seconds }) => {
    return `| ${what} | ${happens} | ${megabytes} MB | ${seconds} s |`;
  });
  return replaceTable(page, "test/attacks/attacks.ts", [
    "| attack | what happens | memory | time |",
    "|---|---|--:|--:|",
    ...rows,
  ]);
}
