/** RowIndex: 16-byte keys to row numbers, in typed arrays, so that millions of rows cost tens of bytes each. */
import { KEY_BYTES } from "./segment.js";

const WORDS = KEY_BYTES / 4;

export class RowIndex {
  /** `[capacity, 4]` words of the keys, by row. */
  #keys = new Uint32Array(1024 * WORDS);
  /** Open addressing: row + 1, or 0 if free. At most half full. */
  #table = new Int32Array(4096);
  #rows = 0;

  /** Rows added so far, repeated keys included. */
  get rows(): number {
    return this.#rows;
  }

  /** Adds a row and returns its number; a key that is there already points to the new row from now on. */
  add(key: Uint8Array): number {
    if ((this.#rows + 1) * 2 > this.#table.length) this.#grow();
    const row = this.#rows++;
    if (this.#keys.length < this.#rows * WORDS) this.#keys = enlarge(this.#keys);
    for (let w = 0; w < WORDS; w++) this.#keys[row * WORDS + w] = word(key, w);
    this.#table[this.#find(row)] = row + 1;
    return row;
  }

  /** The latest row with this key, or -1. */
  find(key: Uint8Array): number {
    const mask = this.#table.length - 1;
    for (let at = word(key, 0) & mask; ; at = (at + 1) & mask) {
      const row = this.#table[at] - 1;
      if (row < 0 || this.#matches(row, key)) return row;
    }
  }

  /** The place in the table where the key is, or belongs. */
  #find(row: number): number {
    const mask = this.#table.length - 1;
    const first = row * WORDS;
    let at = this.#keys[first] & mask;
    for (let other = this.#table[at] - 1; other >= 0; other = this.#table[at] - 1) {
      let w = 0;
      while (w < WORDS && this.#keys[other * WORDS + w] === this.#keys[first + w]) w++;
      if (w === WORDS) break;
      at = (at + 1) & mask;
    }
    return at;
  }

  #matches(row: number, key: Uint8Array): boolean {
    for (let w = 0; w < WORDS; w++) if (this.#keys[row * WORDS + w] !== word(key, w)) return false;
    return true;
  }

  #grow(): void {
    this.#table = new Int32Array(this.#table.length * 4);
    for (let row = 0; row < this.#rows; row++) this.#table[this.#find(row)] = row + 1;
  }
}

/** The key's `w`-th 32-bit word. The variant sits in the last byte, so it is mixed into the first word, which places the key. */
function word(key: Uint8Array, w: number): number {
  const at = w * 4;
  const plain = key[at] | (key[at + 1] << 8) | (key[at + 2] << 16) | (key[at + 3] << 24);
  return (w === 0 ? plain ^ Math.imul(key[KEY_BYTES - 1], 0x9e3779b1) : plain) >>> 0;
}

function enlarge(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
