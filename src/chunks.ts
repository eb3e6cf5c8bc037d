/** Cutting lists and streams into pieces. */

/** Cuts a list into lists of at most `size`. */
export function* chunksOf<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let first = 0; first < items.length; first += size) {
    yield items.slice(first, first + size);
  }
}

/** The same for a stream, whose items may also come several at a time; the last list may be shorter. */
export async function* inChunks<T extends object>(
  items: AsyncIterable<T | readonly T[]>,
  size: number,
): AsyncGenerator<T[], void, undefined> {
  let chunk: T[] = [];
  for await (const next of items) {
    for (const item of isList(next) ? next : [next]) {
      if (chunk.push(item) < size) continue;
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
