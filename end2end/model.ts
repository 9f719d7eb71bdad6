// The fake of language models' providers as a child process of the test (tests/provider/fake_model.rs lists the markers by
// which a question chooses what happens): started on a free port, ended by its process id. `fixtures.ts` hands it to tests
// as `model`; `start(model.settings)` is a server that asks it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Env } from "./server.ts";

const BINARY = fileURLToPath(new URL("../target/debug/examples/fake_model", import.meta.url));

/** What a provider was asked. */
export type Request = { path: string; body: any; peer: string };

// Tests ask faster than people do.
const PACE: Env = {
  TIDEMARK_ASSISTANT__REQUESTS_A_MINUTE_PER_PERSON: "1000",
  TIDEMARK_ASSISTANT__REQUESTS_A_MINUTE_PER_ADDRESS: "1000",
};

/** Settings of a server that asks whoever speaks Anthropic's wire there, for the model `claude-sonnet-4-6`. */
export const anthropicAt = (url: string): Env => ({
  ...PACE,
  TIDEMARK_ASSISTANT__ANTHROPIC_KEY: "key",
  TIDEMARK_ASSISTANT__ANTHROPIC_BASE_URL: url,
});

export class Model {
  /** A server with these asks over Anthropic's wire, for the model `claude-sonnet-4-6`. */
  readonly settings: Env;
  /** And with these over OpenAI's, for the model `small`. */
  readonly openAiSettings: Env;

  private constructor(
    readonly url: string,
    private process: ChildProcess,
  ) {
    this.settings = anthropicAt(url);
    this.openAiSettings = {
      ...PACE,
      TIDEMARK_ASSISTANT__OPENAI_BASE_URL: `${url}/v1`,
      TIDEMARK_ASSISTANT__OPENAI_MODELS: "small",
    };
  }

  static async start(): Promise<Model> {
    const process = spawn(BINARY, ["127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
    const failed = once(process, "error").then(([error]) => Promise.reject(error));
    const [line] = (await Promise.race([once(process.stdout!, "data"), failed])) as [Buffer];
    return new Model(`http://${line.toString().trim()}`, process);
  }

  /** The newest thousand, oldest first. */
  async requests(): Promise<Request[]> {
    return (await fetch(`${this.url}/requests`)).json() as Promise<Request[]>;
  }

  async forget(): Promise<void> {
    await fetch(`${this.url}/requests`, { method: "DELETE" });
  }

  /** How many answers are being read now. */
  async open(): Promise<number> {
    return (await fetch(`${this.url}/open`)).json() as Promise<number>;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill();
    await ended;
  }
}
