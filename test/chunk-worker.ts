/** Workers of the tests of ChunkPool. */
import { refuseIfStopped } from "../src/stop-flag.js";

/** Multiplies numbers, throws at 13 and dies at 14. */
export function double({ items, factor }: { items: number[]; factor: number }): number[] {
  if (items.includes(14)) process.exit(1);
  return items.map((item) => {
    if (item === 13) throw new Error("thirteen");
    return item * factor;
  });
}

/** A worker that does not end, nor read messages, before it is stopped. */
export function waitForStop({ stop }: { stop: SharedArrayBuffer }): string[] {
  for (;;) refuseIfStopped(stop);
}
