/**
 * Tags pictures over HTTP: `node server.js MODEL_DIR [PORT]`, then `curl --data-binary @tile.jpg http://127.0.0.1:8080/`.
 * Requests that come at the same time share batches.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { CanopyError, Tagger } from "canopy-tagger";

const [model = "model", port = "8080"] = process.argv.slice(2);
const tagger = await Tagger.open(model);

const server = createServer((request, response) => {
  answer(request, response).catch((error: Error) => {
    if (!response.headersSent) send(response, 500, { error: error.message });
  });
});
server.listen(Number(port), "127.0.0.1", () => console.log(JSON.stringify(server.address())));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, async () => {
    server.close();
    await tagger.close();
  });
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const picture = await buffer(request);
  try {
    const [result] = await tagger.tag([picture], { signal: gone.signal });
    send(response, result?.error ? 422 : 200, result);
  } catch (error) {
    if (gone.signal.aborted) return;
    send(response, error instanceof CanopyError && error.code === "CLOSED" ? 503 : 500, { error: String(error) });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
}
