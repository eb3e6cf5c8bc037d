/** XXH64 with seed 0, in pieces: the checksum of zstd frames. 64-bit numbers are pairs of 32 bits, because BigInt takes ten times as long. */

const STRIPE = 32;
const MASK = (1n << 64n) - 1n;
const PRIMES = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
];
const [P1, P2, P3, P4, P5] = PRIMES;
const [P1_LOW, P1_HIGH, P2_LOW, P2_HIGH] = [P1, P2].flatMap((prime) => [
  Number(prime & 0xffffffffn),
  Number(prime >> 32n),
]);

export class Xxh64 {
  /** Four sums, each its lower and its upper half. */
  readonly #sums = new Uint32Array(8);
  /** What does not fill a stripe yet. */
  readonly #rest = Buffer.alloc(STRIPE);
  #restBytes = 0;
  #bytes = 0;

  constructor() {
    [P1 + P2, P2, 0n, -P1].forEach((start, i) => {
      this.#sums[2 * i] = Number(start & 0xffffffffn);
      this.#sums[2 * i + 1] = Number((start >> 32n) & 0xffffffffn);
    });
  }

  update(piece: Buffer): void {
    this.#bytes += piece.length;
    let at = 0;
    if (this.#restBytes > 0) {
      at = piece.copy(this.#rest, this.#restBytes);
      this.#restBytes += at;
      if (this.#restBytes < STRIPE) return;
      this.#takeStripe(this.#rest, 0);
    }
    for (; at + STRIPE <= piece.length; at += STRIPE) this.#takeStripe(piece, at);
    this.#restBytes = piece.copy(this.#rest, 0, at);
  }

  digest(): bigint {
    const sums = [0, 1, 2, 3].map((i) => (BigInt(this.#sums[2 * i + 1]) << 32n) | BigInt(this.#sums[2 * i]));
    let hash = P5;
    if (this.#bytes >= STRIPE) {
      hash = sums.reduce((sum, each, i) => sum + rotate(each, [1n, 7n, 12n, 18n][i]), 0n) & MASK;
      for (const each of sums) hash = ((hash ^ round(0n, each)) * P1 + P4) & MASK;
    }
    return avalanche(this.#addRest(hash + BigInt(this.#bytes)));
  }

  #addRest(start: bigint): bigint {
    const rest = this.#rest.subarray(0, this.#restBytes);
    let hash = start & MASK;
    let at = 0;
    for (; at + 8 <= rest.length; at += 8)
      hash = (rotate(hash ^ round(0n, rest.readBigUInt64LE(at)), 27n) * P1 + P4) & MASK;
    for (; at + 4 <= rest.length; at += 4) {
      hash = (rotate(hash ^ ((BigInt(rest.readUInt32LE(at)) * P1) & MASK), 23n) * P2 + P3) & MASK;
    }
    for (; at < rest.length; at++) hash = (rotate(hash ^ ((BigInt(rest[at]) * P5) & MASK), 11n) * P1) & MASK;
    return hash;
  }

  /** `sum = rotate(sum + lane * P2, 31) * P1` for each of the four sums. */
  #takeStripe(bytes: Buffer, from: number): void {
    const sums = this.#sums;
    for (let i = 0; i < 8; i += 2) {
      const laneLow = bytes.readInt32LE(from + 4 * i);
      const laneHigh = bytes.readInt32LE(from + 4 * i + 4);
      const low = sums[i] + (Math.imul(laneLow, P2_LOW) >>> 0);
      const high = sums[i + 1] + upperProduct(laneLow, laneHigh, P2_LOW, P2_HIGH) + (low > 0xffffffff ? 1 : 0);
      const turnedLow = (low << 31) | ((high >>> 1) & 0x7fffffff);
      const turnedHigh = (high << 31) | ((low >>> 1) & 0x7fffffff);
      sums[i] = Math.imul(turnedLow, P1_LOW);
      sums[i + 1] = upperProduct(turnedLow, turnedHigh, P1_LOW, P1_HIGH);
    }
  }
}

/** The upper 32 of the lower 64 bits of a product. */
function upperProduct(aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  const [a0, a1, b0, b1] = [aLow & 0xffff, aLow >>> 16, bLow & 0xffff, bLow >>> 16];
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const carry = (middle >>> 16) + ((a0 * b1 + (middle & 0xffff)) >>> 16);
  return (a1 * b1 + carry + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) | 0;
}

function round(sum: bigint, lane: bigint): bigint {
  return (rotate((sum + lane * P2) & MASK, 31n) * P1) & MASK;
}

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}

function avalanche(value: bigint): bigint {
  const first = ((value ^ (value >> 33n)) * P2) & MASK;
  const second = ((first ^ (first >> 29n)) * P3) & MASK;
  return second ^ (second >> 32n);
}
