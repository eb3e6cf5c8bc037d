/** A Redis of a test's own: Debian's redis-server on loopback, on a free port, its data in a temporary folder. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { connect as connectPlain, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";

export interface TestRedis {
  url: string;
  port: number;
  /** Ends it, waits a little, and starts it again on the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Why tests that need Redis skip, or undefined where it is installed. */
export const noRedis: string | undefined =
  spawnSync("redis-server", ["--version"]).status === 0 ? undefined : "redis-server is not installed";

/** Why tests that need a Redis with TLS skip. */
export const noTlsRedis: string | undefined =
  noRedis ?? (spawnSync("openssl", ["version"]).status === 0 ? undefined : "openssl is not installed");

/** `tls` makes a certificate for 127.0.0.1, signed by itself: `cert.pem` in `folder`. */
export async function startRedis(folder: string, { tls = false, password = "" } = {}): Promise<TestRedis> {
  const port = await freePort();
  const more = [...(tls ? makeCertificate(folder, port) : ["--port", String(port)]), "--requirepass", password];
  let server = await launch(port, folder, tls, more);
  const stop = async (): Promise<void> => {
    if (server.exitCode !== null) return;
    server.kill("SIGTERM");
    await once(server, "exit");
  };
  return {
    url: `redis${tls ? "s" : ""}://127.0.0.1:${port}`,
    port,
    stop,
    restart: async () => {
      await stop();
      await sleep(500);
      server = await launch(port, folder, tls, more);
    },
  };
}

function makeCertificate(folder: string, port: number): string[] {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const request = "req -x509 -nodes -days 2 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=canopy".split(
    " ",
  );
  const made = spawnSync("openssl", [
    ...request,
    "-addext",
    "subjectAltName=IP:127.0.0.1",
    "-keyout",
    key,
    "-out",
    cert,
  ]);
  if (made.status !== 0) throw new Error(`openssl makes no certificate: ${made.stderr}`);
  const files = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no"];
  return ["--port", "0", "--tls-port", String(port), ...files];
}

async function launch(port: number, folder: string, tls: boolean, more: readonly string[]): Promise<ChildProcess> {
  const options = [...more, "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes", "--save", ""];
  const server = spawn("redis-server", options, { stdio: "ignore" });
  for (let tries = 0; !(await answers(port, tls)); tries++) {
    if (tries === 100 || server.exitCode !== null) throw new Error("redis-server does not start");
    await sleep(50);
  }
  return server;
}

function answers(port: number, tls: boolean): Promise<boolean> {
  const options = { port, host: "127.0.0.1" };
  return new Promise((resolve) => {
    const ask = (): void => void socket.write("PING\r\n");
    const socket = tls ? connectTls({ ...options, rejectUnauthorized: false }, ask) : connectPlain(options, ask);
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", (text) => end(String(text).match(/^(\+PONG|-NOAUTH)/) !== null));
    socket.once("error", () => end(false));
  });
}

/**
 * Below the ports that systems give out themselves: one of those may become that of a connection before the server has it, or while
 * it is away.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 30_000);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return port;
  }
}
