/** A file on a server, read by places in bounded memory: it goes on where a connection broke. */
import { InterruptedError } from "../errors.js";
import { insist, PATIENCE } from "./patience.js";
import { changed, isOther, type RemoteBody, type RemoteState, request } from "./request.js";
import { RemoteError, unreachable } from "./request-error.js";

/** A gap that is read over rather than asked for anew. */
const MOST_SKIPPED = 256 << 10;

/** States by address: what is read again in this process must still be the same. */
const states = new Map<string, RemoteState>();
const MOST_STATES = 10_000;

/** From now on the file may be another one. */
export function forget(address: string): void {
  states.delete(address);
}

/** What a file is now. Throws a RemoteError. */
export async function stateOf(address: string): Promise<RemoteState> {
  const file = new RemoteFile(address);
  try {
    return await file.open();
  } finally {
    await file.close();
  }
}

export class RemoteFile {
  readonly #address: string;
  readonly #signal: AbortSignal | undefined;
  #state: RemoteState | undefined;
  #body: RemoteBody | undefined;
  #stop = new AbortController();
  /** Where `#rest`, the bytes at hand, begins. */
  #at = 0;
  #rest: Uint8Array = new Uint8Array();

  /** `address` as it is shown: see `conceal`. */
  constructor(address: string, signal?: AbortSignal) {
    this.#address = address;
    this.#signal = signal;
    this.#state = states.get(address);
  }

  /** Asks for the file, unless that was done. Throws a RemoteError. */
  async open(): Promise<RemoteState> {
    if (this.#body === undefined) await this.#insist(() => this.#ask(0));
    return this.#state ?? { size: undefined, tag: undefined };
  }

  /** As `ByteSource.read`. Throws a RemoteError where reading fails for good, InterruptedError on abort. */
  async read(target: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const count = await this.#insist(() => this.#take(target.subarray(done), position + done));
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  /** `bytes`, or the size if that is less. */
  async extent(bytes: number): Promise<number> {
    const { size } = this.#state?.size === undefined ? await this.open() : this.#state;
    if (size !== undefined) return Math.min(bytes, size);
    // Its server does not say it: the file is read to there.
    const scratch = new Uint8Array(1 << 16);
    for (let position = 0; position < bytes; ) {
      const count = await this.read(scratch.subarray(0, Math.min(scratch.length, bytes - position)), position);
      if (count === 0) return position;
      position += count;
    }
    return bytes;
  }

  async close(): Promise<void> {
    this.#drop();
  }

  /** As long as no byte came in between. */
  #insist<T>(act: () => Promise<T>): Promise<T> {
    return insist(act, this.#signal, () => this.#drop());
  }

  /** Some bytes from `position`; 0 at the end. */
  async #take(target: Uint8Array, position: number): Promise<number> {
    if (this.#state?.size !== undefined && position >= this.#state.size) return 0;
    if (this.#body === undefined || position < this.#at || position > this.#at + this.#rest.length + MOST_SKIPPED)
      await this.#ask(position);
    while (this.#at + this.#rest.length <= position) if (!(await this.#next())) return 0;
    const from = position - this.#at;
    const bytes = this.#rest.subarray(from, from + target.length);
    target.set(bytes);
    this.#at = position + bytes.length;
    this.#rest = this.#rest.subarray(from + bytes.length);
    return bytes.length;
  }

  async #ask(from: number): Promise<void> {
    this.#drop();
    this.#stop = new AbortController();
    this.#signal?.addEventListener("abort", this.#interrupt);
    const body = await this.#soon(request(this.#address, from, this.#state, this.#stop.signal));
    this.#remember(body.state);
    [this.#body, this.#at, this.#rest] = [body, body.from, new Uint8Array()];
  }

  /** The next bytes at hand; false at the end. */
  async #next(): Promise<boolean> {
    if (this.#body === undefined) return false;
    const next = await this.#soon(this.#body.bytes.next()).catch((cause) => {
      throw cause instanceof RemoteError ? cause : unreachable(this.#address, cause, this.#stop.signal);
    });
    this.#at += this.#rest.length;
    this.#rest = next.done ? new Uint8Array() : next.value;
    if (!next.done) return true;
    const size = this.#state?.size;
    if (size !== undefined && this.#at < size) {
      throw new RemoteError(this.#address, `its server ends it after ${this.#at} of ${size} bytes`, {
        isPassing: true,
      });
    }
    this.#state = { size: this.#at, tag: this.#state?.tag };
    return false;
  }

  /** Gives a silent server up. */
  async #soon<T>(answer: Promise<T>): Promise<T> {
    const stop = this.#stop;
    const timer = setTimeout(() => stop.abort(new Error("silence")), PATIENCE.silence);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  #remember(now: RemoteState): void {
    if (this.#state !== undefined && isOther(this.#state, now)) throw changed(this.#address);
    this.#state = { size: now.size ?? this.#state?.size, tag: now.tag ?? this.#state?.tag };
    if (states.size >= MOST_STATES) states.clear();
    states.set(this.#address, this.#state);
  }

  readonly #interrupt = (): void => this.#stop.abort(new InterruptedError());

  #drop(): void {
    this.#signal?.removeEventListener("abort", this.#interrupt);
    if (this.#body === undefined && this.#rest.length === 0) return;
    this.#body = undefined;
    this.#rest = new Uint8Array();
    this.#stop.abort(new Error("dropped"));
  }
}
