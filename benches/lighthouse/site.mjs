// The release server with something on every page: messages in rooms, a finished answer of the assistant, a finished job. Its
// data is in a folder of its own and goes with it.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

// The server takes every variable that begins so for a setting, and refuses one that is none.
const { TIDEMARK_BIN, ...inherited } = process.env;
const BINARY = path.resolve(TIDEMARK_BIN ?? `${process.env.CARGO_TARGET_DIR ?? "target"}/release/tidemark`);

/** Starts it. `asker` makes requests as the person to whom the conversation and the job belong. */
export async function startSite() {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const data = mkdtempSync(path.join(tmpdir(), "tidemark-lighthouse-"));
  const env = {
    ...inherited,
    LEPTOS_SITE_ADDR: `127.0.0.1:${port}`,
    LEPTOS_ENV: "PROD",
    LEPTOS_HASH_FILES: "true",
    TIDEMARK_DATA_DIR: data,
    TIDEMARK_LOG: "warn",
    // Off in production; looked at all the same.
    TIDEMARK_INSPECTOR: "on",
    // The offline guide answers, whatever there is in the shell.
    TIDEMARK_ASSISTANT__ANTHROPIC_KEY: "",
    TIDEMARK_ASSISTANT__OPENAI_BASE_URL: "",
  };
  execFileSync(BINARY, ["seed", "--messages", "500"], { env, stdio: ["ignore", "ignore", "inherit"] });
  const server = spawn(BINARY, { env, stdio: ["ignore", "ignore", "inherit"] });
  const stop = async () => {
    // It may write until its very end.
    const ended = server.exitCode === null && once(server, "exit");
    server.kill();
    await ended;
    rmSync(data, { recursive: true, force: true });
  };
  try {
    const cookie = await firstCookie(origin, server);
    const asker = (address, init = {}) =>
      fetch(origin + address, { ...init, headers: { cookie, "content-type": "application/json", ...init.headers } });
    return { origin, cookie, asker, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A conversation with a finished answer; returns its id, which is not the one that a client gives it. */
export async function converse(asker) {
  const id = randomBytes(16).toString("hex");
  const part = { type: "text", text: "How does a stream resume after a restart?" };
  const message = { id: randomBytes(8).toString("hex"), role: "user", parts: [part] };
  const answer = await asker("/api/chat", { method: "POST", body: JSON.stringify({ id, messages: [message] }) });
  const said = await answer.text();
  if (!answer.ok || !said.includes('"finishReason":"stop"')) throw new Error(`the assistant does not answer: ${said.slice(0, 300)}`);
  return (await (await asker("/api/conversations")).json())[0].id;
}

/** A finished job; returns its id. */
export async function work(asker, kind) {
  const order = { method: "POST", body: JSON.stringify({ kind, input: { room: "lobby" } }) };
  const ordered = await asker("/api/jobs", order);
  if (ordered.status !== 202) throw new Error(`no job is taken: ${await ordered.text()}`);
  const { id } = await ordered.json();
  for (const deadline = Date.now() + 30_000; ; ) {
    const { status } = await (await asker(`/api/jobs/${id}`)).json();
    if (status === "completed") return id;
    if (Date.now() > deadline) throw new Error(`a job is ${status} after half a minute`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Waits until the server answers; who asks for a page is made a person. */
async function firstCookie(origin, server) {
  for (const deadline = Date.now() + 10_000; ; ) {
    const page = await fetch(`${origin}/`, { headers: { accept: "text/html" } }).catch(() => null);
    if (page?.ok) return page.headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
    if (Date.now() > deadline || server.exitCode !== null) throw new Error("the release server does not answer");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
