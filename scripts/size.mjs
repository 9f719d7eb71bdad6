// What a first visit to a page of each bundle downloads of JavaScript and WASM, over HTTP from the release build: `make bench`.
// Starts the server, follows the page's references, adds up the brotli bytes; fails when they are over the budget.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { brotliDecompressSync } from "node:zlib";

// First load of the home page; docs/ARCHITECTURE.md says what it cost to get there.
const BUDGET = 100_000;

// Of any other page.
const OTHER_BUDGET = 110_000;

const port = await freePort();
const origin = `http://127.0.0.1:${port}`;
const data = mkdtempSync(path.join(tmpdir(), "tidemark-size-"));
const server = spawn(`${process.env.CARGO_TARGET_DIR ?? "target"}/release/tidemark`, {
  env: {
    ...process.env,
    LEPTOS_SITE_ADDR: `127.0.0.1:${port}`,
    LEPTOS_HASH_FILES: "true",
    LEPTOS_ENV: "PROD",
    TIDEMARK_DATA_DIR: data,
    TIDEMARK_INSPECTOR: "on",
  },
  stdio: ["ignore", "ignore", "inherit"],
});

try {
  await firstPage();
  for (const [name, address, budget] of [
    ["the home page", "/", BUDGET],
    ["a room", "/rooms/lobby", OTHER_BUDGET],
    ["the list of rooms", "/rooms", OTHER_BUDGET],
    ["the list of jobs", "/jobs", OTHER_BUDGET],
    ["the assistant", "/assistant", OTHER_BUDGET],
    ["the inspector", "/inspector", OTHER_BUDGET],
  ]) {
    const page = await get(origin + address);
    const files = new Map();
    await follow(page.text, /["'`]([^"'`\s$]+\.(?:js|mjs|wasm))["'`]/g, `${origin}/`, files);
    let total = 0;
    for (const [url, bytes] of files) {
      console.log(`${`${bytes}`.padStart(9)}  ${new URL(url).pathname}`);
      total += bytes;
    }
    console.log(`${`${total}`.padStart(9)}  first load of ${name}, JavaScript and WASM, brotli (budget ${budget})`);
    if (files.size === 0) throw new Error(`${name} loads neither JavaScript nor WASM: is the release build complete?`);
    if (total > budget) throw new Error(`the first load of ${name} is ${total - budget} bytes over its budget`);
  }
} catch (error) {
  console.error(`size: ${error.message}`);
  process.exitCode = 1;
} finally {
  server.kill();
  rmSync(data, { recursive: true, force: true });
}

/** Adds what a text refers to by `pattern`, and what those scripts import, to `files`. */
async function follow(text, pattern, base, files) {
  for (const [, reference] of text.matchAll(pattern)) {
    const url = new URL(reference, base).href;
    if (!url.startsWith(origin) || files.has(url)) continue;
    const file = await get(url);
    if (file.status !== 200) throw new Error(`${url} answers ${file.status}`);
    files.set(url, file.bytes);
    if (!url.endsWith(".wasm")) await follow(file.text, /\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g, url, files);
  }
}

async function firstPage() {
  for (const deadline = Date.now() + 10_000; ; ) {
    const page = await get(`${origin}/`).catch(() => null);
    if (page?.status === 200) return page;
    if (Date.now() > deadline || server.exitCode !== null) throw new Error("the release server does not answer");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** One request as a browser makes it: the bytes are those that travel. */
function get(url) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { headers: { accept: "text/html, */*", "accept-encoding": "br" } }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        const body = Buffer.concat(chunks);
        const text = response.headers["content-encoding"] === "br" ? brotliDecompressSync(body) : body;
        resolve({ status: response.statusCode, bytes: body.length, text: text.toString() });
      });
    });
    request.on("error", reject);
  });
}

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
