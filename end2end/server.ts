// The real binary as a child process of the test: started on a free port with a data folder of its own, ended by its
// process id. `fixtures.ts` hands it to the tests and ends what they leave running.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@playwright/test";

/** Settings as environment variables, over those of `Leptos.toml`. */
export type Env = Record<string, string>;

export type Exit = { code: number | null; signal: NodeJS.Signals | null; ms: number };

// Leptos.toml is read from here.
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BINARY = resolve(process.env.TIDEMARK_BIN ?? join(ROOT, "target/debug/tidemark"));

// Four samples a second, so that no test waits long; what a developer has in the shell or in `.env` changes nothing.
const DEFAULTS: Env = {
  LEPTOS_ENV: "DEV",
  TIDEMARK_INSPECTOR: "auto",
  TIDEMARK_ALLOWED_ORIGINS: "",
  TIDEMARK_CLIENT_ADDRESS: "peer",
  TIDEMARK_FEED__INTERVAL_MS: "250",
  TIDEMARK_LOG: "info",
  NO_COLOR: "1",
};

export class Server {
  readonly url: string;
  output = "";
  #process?: ChildProcess;

  private constructor(
    readonly port: number,
    /** Another server can be started on it: `start({ TIDEMARK_DATA_DIR: server.dataDir })`. */
    readonly dataDir: string,
    private settings: Env,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(settings: Env, port?: number): Promise<Server> {
    const dataDir = await mkdtemp(join(tmpdir(), "tidemark-e2e-"));
    const server = new Server(port ?? (await freePort()), dataDir, settings);
    await server.restart();
    return server;
  }

  /** Ends the process if it runs, and starts it on the same port, perhaps with other settings. Returns when it is ready. */
  async restart(settings: Env = {}): Promise<void> {
    await this.kill();
    this.settings = { ...this.settings, ...settings };
    const child = spawn(BINARY, { cwd: ROOT, env: this.#environment(), stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    const keep = (bytes: Buffer) => (this.output += bytes.toString());
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => (this.output += `${BINARY} cannot be started: ${error.message}\n`));
    const ready = async () => {
      if (child.pid === undefined || child.exitCode !== null) throw new Error(`the server ended:\n${this.output}`);
      return fetch(`${this.url}/readyz`).then((response) => response.ok, () => false);
    };
    await expect.poll(ready, { message: "the server is ready", intervals: [20], timeout: 15_000 }).toBe(true);
  }

  /** An API key from the command line. */
  async key(...grants: string[]): Promise<string> {
    return (await this.command("keys", "create", "deployments", ...grants)).trim();
  }

  /** Runs a command of the binary on the same data, and returns what it prints. */
  async command(...words: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(BINARY, words, { cwd: ROOT, env: this.#environment() });
    return stdout;
  }

  /** As a crash or a power cut: no goodbye. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** As a deployment: a polite signal, then however long the server takes. */
  async stop(politely: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<Exit> {
    const since = performance.now();
    const [code, signal] = await this.#end(politely);
    return { code, signal, ms: performance.now() - since };
  }

  get running(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null;
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<[number | null, NodeJS.Signals | null]> {
    const child = this.#process;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      return [child?.exitCode ?? null, child?.signalCode ?? null];
    }
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
    return [child.exitCode, child.signalCode];
  }

  #environment(): Env {
    // Which build is tested is the shell's business, with which settings is ours.
    const build = ["LEPTOS_SITE_ROOT", "LEPTOS_HASH_FILES"];
    const settings = (name: string) => /^(TIDEMARK|LEPTOS)_/.test(name) && !build.includes(name);
    const inherited = Object.entries(process.env).filter(([name]) => !settings(name));
    return {
      ...(Object.fromEntries(inherited) as Env),
      ...DEFAULTS,
      TIDEMARK_DATA_DIR: this.dataDir,
      LEPTOS_SITE_ADDR: `127.0.0.1:${this.port}`,
      ...this.settings,
    };
  }
}

let tried = 0;

/**
 * A port nobody listens on, from a range of this worker's own. It lies below those that systems hand out for outgoing
 * connections: one of these could otherwise take the port while a test has its server stopped.
 */
export async function freePort(): Promise<number> {
  const first = 20_000 + (test.info().parallelIndex % 10) * 1_000;
  for (; tried < 10_000; ) {
    const port = first + ((process.pid + tried++) % 1_000);
    const probe = createServer();
    const free = await new Promise<boolean>((done) => {
      probe.once("error", () => done(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => done(true)));
    });
    if (free) return port;
  }
  throw new Error("no free port");
}
