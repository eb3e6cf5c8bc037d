/** Metrics of a queue worker for Prometheus. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Counter, collectDefaultMetrics, Histogram, Registry } from "prom-client";
import { InputError } from "../errors.js";
import type { JobResult } from "./queue.js";

export interface MetricsAddress {
  /** @default "127.0.0.1" */
  host?: string | undefined;
  /** 0 chooses a free one. */
  port: number;
}

export class WorkerMetrics {
  readonly #registry = new Registry();
  readonly #tiles = new Counter({
    name: "canopy_tiles_total",
    help: "Tiles done by this worker",
    labelNames: ["outcome"],
    registers: [this.#registry],
  });
  readonly #parts = new Counter({
    name: "canopy_parts_total",
    help: "Parts this worker took, by how they ended",
    labelNames: ["result"],
    registers: [this.#registry],
  });
  readonly #seconds = new Histogram({
    name: "canopy_part_seconds",
    help: "Seconds a part took",
    buckets: [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500],
    registers: [this.#registry],
  });
  /** The queue's own counts, as lines in the Prometheus format. */
  readonly #more: () => Promise<string>;
  #server: Server | undefined;

  constructor(more: () => Promise<string>) {
    this.#more = more;
    collectDefaultMetrics({ register: this.#registry });
  }

  done({ predicted, rejected, seconds }: JobResult): void {
    this.#tiles.inc({ outcome: "predicted" }, predicted);
    this.#tiles.inc({ outcome: "rejected" }, rejected);
    this.#parts.inc({ result: "done" });
    this.#seconds.observe(seconds);
  }

  failed(): void {
    this.#parts.inc({ result: "failed" });
  }

  /** Serves `/metrics`; returns its URL. Throws an InputError if the address cannot be used. */
  async listen({ host = "127.0.0.1", port }: MetricsAddress): Promise<string> {
    const server = createServer(async (request, response) => {
      if (request.url !== "/metrics") return void response.writeHead(404).end();
      const text = `${await this.#registry.metrics()}${await this.#more().catch(() => "")}`;
      response.setHeader("Content-Type", this.#registry.contentType).end(text);
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve)).catch(
      (error) => {
        throw new InputError(`Metrics cannot be served on ${host}:${port} (${error.code}): give another address.`, {
          cause: error,
        });
      },
    );
    return `http://${host}:${(server.address() as AddressInfo).port}/metrics`;
  }

  close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }
}
