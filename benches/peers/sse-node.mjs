// A peer for `scripts/soak`: the same feed from Node's own HTTP server, without dependencies, as well as is usual:
// one payload encoded for all, clients that do not read are dropped, a comment keeps silent streams alive.
// `PORT=3100 node benches/peers/sse-node.mjs`

import { createServer } from "node:http";

const INTERVAL_MS = 1_000;
const HEARTBEAT_MS = 15_000;
// Past this many unsent bytes a client is gone or hopeless.
const UNSENT_BYTES = 64 * 1024;
const EPOCH = "0000000000000001";

const clients = new Set();
let offset = 0;

const server = createServer((request, response) => {
  if (!request.url.startsWith("/api/stream")) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  });
  response.write(`retry: 3000\nid: feed@${EPOCH}:${offset}\nevent: connected\ndata: {}\n\n`);
  clients.add(response);
  response.on("close", () => clients.delete(response));
});

function toAll(text) {
  const bytes = Buffer.from(text);
  for (const client of clients) {
    if (client.writableLength > UNSENT_BYTES) client.destroy();
    else client.write(bytes);
  }
}

// Each sample is due on a full interval of the wall clock; a late timer makes none later.
function sampleAt(due) {
  setTimeout(() => {
    offset += 1;
    const { rss } = process.memoryUsage();
    const sample = { time: due, value: 0.1, memory: rss, connections: clients.size, interval_ms: INTERVAL_MS };
    toAll(`id: feed@${EPOCH}:${offset}\ndata: ${JSON.stringify(sample)}\n\n`);
    sampleAt(due + INTERVAL_MS);
  }, Math.max(0, due - Date.now()));
}

sampleAt(Math.ceil(Date.now() / INTERVAL_MS) * INTERVAL_MS);
setInterval(() => toAll(": idle\n\n"), HEARTBEAT_MS).unref();
server.keepAliveTimeout = 0;
server.requestTimeout = 0;
server.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 3100), backlog: 4_096 });
