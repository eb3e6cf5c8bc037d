/**
 * ContenderProcess: a new process for each contender, so that heap, caches and threads of one do not disturb another.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { CanopyError } from "../errors.js";
import { benchInterrupted } from "./interrupted.js";
import type { ContenderReply, ContenderRequest, RoundReply, SetupRequest } from "./protocol.js";
import { PYTHON_PROGRAM } from "./python.js";

/** Longest that one round or start may take. */
const PATIENCE_SECONDS = 300;

/** A contender in Python. */
export interface PythonProgram {
  source: string;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

export class ContenderProcess {
  readonly name: string;
  version = "";
  note: string | undefined;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #replies: AsyncIterator<string>;
  readonly #lines: Interface;
  readonly #signal: AbortSignal | undefined;
  #complaints = "";

  private constructor(name: string, child: ChildProcessWithoutNullStreams, signal: AbortSignal | undefined) {
    this.name = name;
    this.#child = child;
    this.#signal = signal;
    this.#lines = createInterface({ input: child.stdout });
    this.#replies = this.#lines[Symbol.asyncIterator]();
    child.stderr.on("data", (data: Buffer) => {
      this.#complaints = (this.#complaints + data.toString()).slice(-2000);
    });
    // If the process is gone, its missing reply shows it.
    child.stdin.on("error", () => {});
    child.on("error", (error) => {
      this.#complaints += error.message;
    });
  }

  /** Starts a contender: this program's own (contender-main.ts), or, given a Python, `program`, by default PYTHON_PROGRAM. */
  static async open(
    name: string,
    setup: Omit<SetupRequest, "type">,
    options: { python?: string; program?: PythonProgram; signal?: AbortSignal | undefined } = {},
  ): Promise<ContenderProcess> {
    const child =
      options.python === undefined
        ? spawn(process.execPath, [fileURLToPath(new URL("./contender-main.js", import.meta.url))], {
            env: { ...process.env, UV_THREADPOOL_SIZE: String(Math.max(4, 2 * setup.threads)) },
          })
        : spawnPython(options.python, options.program ?? { source: PYTHON_PROGRAM });
    const contender = new ContenderProcess(name, child, options.signal);
    try {
      const reply = await contender.#ask({ type: "setup", ...setup });
      if ("version" in reply) {
        contender.version = reply.version;
        contender.note = reply.note;
      }
      return contender;
    } catch (error) {
      contender.close();
      throw error;
    }
  }

  async round(indices: readonly number[]): Promise<RoundReply> {
    return (await this.#ask({ type: "round", indices })) as RoundReply & ContenderReply;
  }

  async writeColours(indices: readonly number[], folder: string): Promise<void> {
    await this.#ask({ type: "colours", indices, folder });
  }

  /** Kills the process: it has nothing to save. */
  close(): void {
    this.#lines.close();
    this.#child.kill("SIGKILL");
  }

  /** @throws InterruptedError on abort, CanopyError if the contender fails or falls silent. */
  async #ask(request: ContenderRequest): Promise<ContenderReply & { ok: true }> {
    if (this.#signal?.aborted) throw benchInterrupted();
    const abandon = () => this.close();
    const timer = setTimeout(abandon, PATIENCE_SECONDS * 1000);
    this.#signal?.addEventListener("abort", abandon, { once: true });
    try {
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await this.#replies.next();
      if (this.#signal?.aborted) throw benchInterrupted();
      const reply: ContenderReply = done ? { ok: false, message: this.#lastWords() } : JSON.parse(value);
      if (!reply.ok) throw new CanopyError("BENCH", `The contender ${this.name} failed: ${reply.message}`);
      return reply;
    } finally {
      clearTimeout(timer);
      this.#signal?.removeEventListener("abort", abandon);
    }
  }

  #lastWords(): string {
    const last = this.#complaints.trim().split("\n").at(-1);
    return last ? `its process ended: ${last}` : "its process ended or took too long.";
  }
}

function spawnPython(python: string, { source, args = [], env = {} }: PythonProgram): ChildProcessWithoutNullStreams {
  return spawn(python, ["-B", "-c", source, ...args], { env: { ...process.env, ...env } });
}
