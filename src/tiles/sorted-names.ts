/** The names in one folder, sorted, in little memory: about the bytes of the names themselves (16 MB for a million tiles). */

/** Names per sorted run: sorting one takes tens of milliseconds, so the event loop never waits long. */
const RUN_LENGTH = 1 << 16;
/** Bytes of a run decoded at a time while merging. */
const WINDOW = 1 << 12;

/** Collects names that contain no NUL byte, and gives them back in code-unit order. */
export class SortedNames {
  #pending: string[] = [];
  readonly #runs: Buffer[] = [];

  add(name: string): void {
    this.#pending.push(name);
    if (this.#pending.length === RUN_LENGTH) this.#pack();
  }

  /** All names in order; the collection is used up. */
  *take(): Generator<string> {
    if (this.#runs.length === 0) {
      yield* this.#pending.sort();
      return;
    }
    if (this.#pending.length > 0) this.#pack();
    yield* mergeRuns(this.#runs.map((run) => unpack(run)));
  }

  #pack(): void {
    this.#runs.push(Buffer.from(this.#pending.sort().join("\0"), "utf8"));
    this.#pending = [];
  }
}

function* unpack(run: Buffer): Generator<string> {
  let start = 0;
  while (start < run.length) {
    // A window ends after a separator, so that no name and no UTF-8 sequence is cut.
    const separator = start + WINDOW < run.length ? run.indexOf(0, start + WINDOW) : -1;
    const end = separator < 0 ? run.length : separator;
    yield* run.toString("utf8", start, end).split("\0");
    start = end + 1;
  }
}

/** Merges sorted sequences through a binary heap of their next names. */
function* mergeRuns(runs: Generator<string>[]): Generator<string> {
  const heap: { name: string; run: Generator<string> }[] = [];
  for (const run of runs) {
    const next = run.next();
    if (!next.done) heap.push({ name: next.value, run });
  }
  heap.sort((a, b) => (a.name < b.name ? -1 : 1));
  while (heap.length > 0) {
    const top = heap[0];
    yield top.name;
    const next = top.run.next();
    if (next.done) {
      const last = heap.pop()!;
      if (heap.length > 0) heap[0] = last;
    } else {
      top.name = next.value;
    }
    sink(heap);
  }
}

function sink(heap: { name: string }[]): void {
  let parent = 0;
  for (;;) {
    const left = 2 * parent + 1;
    if (left >= heap.length) return;
    const right = left + 1;
    const child = right < heap.length && heap[right].name < heap[left].name ? right : left;
    if (heap[parent].name <= heap[child].name) return;
    [heap[parent], heap[child]] = [heap[child], heap[parent]];
    parent = child;
  }
}
