// A language model whose answers the test writes, piece by piece: for what is to be seen while an answer is on its way. It
// speaks Anthropic's wire, as far as our server reads it. `fixtures.ts` hands it to tests as `script`; `start(script.settings)`
// is a server that asks it, and `await script.next()` the pen for the answer that was asked for.
import { once } from "node:events";
import { createServer, type Server as Site, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as after } from "node:timers/promises";
import { expect } from "@playwright/test";
import { anthropicAt } from "./model.ts";
import type { Env } from "./server.ts";

/** Longer than a server waits until it tells of more (`TELL` in src/server/features/runs.rs), in milliseconds. */
const PACE_MS = 50;

export class Script {
  readonly settings: Env;
  #pens: Pen[] = [];

  private constructor(private site: Site) {
    this.settings = anthropicAt(`http://127.0.0.1:${(site.address() as AddressInfo).port}`);
    site.on("request", (request, response) => {
      const body: Buffer[] = [];
      request.on("data", (bytes: Buffer) => body.push(bytes));
      request.once("end", () => this.#pens.push(new Pen(JSON.parse(Buffer.concat(body).toString()), response)));
    });
  }

  static async start(): Promise<Script> {
    const site = createServer();
    site.listen(0, "127.0.0.1");
    await once(site, "listening");
    return new Script(site);
  }

  /** Waits until one more answer is asked for. */
  async next(): Promise<Pen> {
    await expect.poll(() => this.#pens.length, { message: "the model is asked", intervals: [20] }).toBeGreaterThan(0);
    return this.#pens.shift()!;
  }

  stop(): void {
    this.site.closeAllConnections();
    this.site.close();
  }
}

/** Writes one answer. */
export class Pen {
  /** Nobody reads it any more. */
  gone = false;
  #index = 0;
  #open?: string;

  constructor(
    /** What the model was asked. */
    readonly request: any,
    private response: ServerResponse,
  ) {
    response.once("close", () => (this.gone = true));
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    const usage = { input_tokens: 10, output_tokens: 1 };
    this.#event({ type: "message_start", message: { id: "msg_1", type: "message", role: "assistant", content: [], usage } });
  }

  write(text: string): void {
    this.#begin("text", { text: "" });
    this.#delta({ type: "text_delta", text });
  }

  /** A few letters at a time, each told by itself: as models write, so that every half of a mark is seen once. */
  async type(text: string, letters = 3): Promise<void> {
    const all = Array.from(text);
    for (let at = 0; at < all.length; at += letters) {
      this.write(all.slice(at, at + letters).join(""));
      await after(PACE_MS);
    }
  }

  think(text: string): void {
    this.#begin("thinking", { thinking: "", signature: "" });
    this.#delta({ type: "thinking_delta", thinking: text });
  }

  /** Asks for a tool, and waits for what comes of it: that is the end of this answer. */
  call(name: string, input: object): void {
    this.#begin("tool_use", { id: "toolu_1", name, input: {} });
    this.#delta({ type: "input_json_delta", partial_json: JSON.stringify(input) });
    this.end("tool_use");
  }

  end(reason = "end_turn"): void {
    this.#close();
    this.#event({ type: "message_delta", delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 20 } });
    this.#event({ type: "message_stop" });
    this.response.end();
  }

  /** In the middle of it. */
  fail(): void {
    this.#event({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } });
    this.response.end();
  }

  #begin(kind: string, block: object): void {
    if (this.#open === kind) return;
    this.#close();
    this.#open = kind;
    this.#event({ type: "content_block_start", index: this.#index, content_block: { type: kind, ...block } });
  }

  #close(): void {
    if (this.#open === undefined) return;
    if (this.#open === "thinking") this.#delta({ type: "signature_delta", signature: "signed" });
    this.#open = undefined;
    this.#event({ type: "content_block_stop", index: this.#index++ });
  }

  #delta(delta: object): void {
    this.#event({ type: "content_block_delta", index: this.#index, delta });
  }

  #event(data: { type: string; [field: string]: unknown }): void {
    this.response.write(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}
