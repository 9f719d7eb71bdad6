// A stream as it is on the wire, comments and all, and a relay in front of the server whose connections can be cut.
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect } from "@playwright/test";

/** One block of a stream: its fields, or comments only. */
export type Frame = { id: string; event: string; data: string; retry: number | undefined; comments: string[] };

export class Wire {
  text = "";
  ended = false;

  private constructor(readonly response: IncomingMessage) {
    response.setEncoding("utf8");
    response.on("data", (text: string) => (this.text += text));
    response.on("close", () => (this.ended = true));
    // A connection that is cut ends, which is all that anybody wants to know.
    response.on("error", () => {});
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<Wire> {
    const request = get(url, { headers: { accept: "text/event-stream", ...headers }, agent: false });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return new Wire(response);
  }

  /** What has arrived in whole. */
  frames(event?: string): Frame[] {
    const frames = this.text.split("\n\n").slice(0, -1).map(parse);
    return event === undefined ? frames : frames.filter((frame) => frame.event === event);
  }

  /** Waits for at least `count` frames with this event (`message` for those without a name). */
  async hears(event: string, count = 1): Promise<Frame[]> {
    await expect.poll(() => this.frames(event).length, { message: `${count} × ${event}`, timeout: 15_000 }).toBeGreaterThanOrEqual(count);
    return this.frames(event);
  }

  async ends(timeout = 10_000): Promise<void> {
    await expect.poll(() => this.ended, { message: "the stream ends", timeout }).toBe(true);
  }

  close(): void {
    this.response.destroy();
  }
}

function parse(block: string): Frame {
  const lines = block.split("\n").map((line) => /^([^:]*):? ?(.*)$/.exec(line)!);
  const all = (name: string) => lines.filter((line) => line[1] === name).map((line) => line[2]!);
  const data = all("data");
  const retry = all("retry").at(-1);
  return {
    id: all("id").at(-1) ?? "",
    // A block without data is no event (WHATWG HTML, 9.2.6).
    event: data.length === 0 ? "" : (all("event").at(-1) ?? "message"),
    data: data.join("\n"),
    retry: retry === undefined ? undefined : Number(retry),
    comments: all(""),
  };
}

/** Stands between a client and the server, and drops connections as a bad network does. */
export class Relay {
  #sockets = new Set<Socket>();
  #server;

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const upstream = connect(port, "127.0.0.1");
      for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
        this.#sockets.add(socket);
        socket.on("error", () => other.destroy());
        socket.on("close", () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
  }

  static async before(port: number): Promise<Relay> {
    const relay = new Relay(port);
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  drop(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.drop();
    this.#server.close();
  }
}
