// The WebSocket protocol of docs/protocol.md, spoken by the npm client: what it says, what it refuses, how it ends.
import type { IncomingMessage } from "node:http";
import { connect as tcp } from "node:net";
import WebSocket from "ws";
import { expect, test } from "./fixtures.ts";
import type { Server } from "./server.ts";

type Said = { type: string; [field: string]: unknown };

/** A connection whose messages are waited for in turn. */
class Client {
  readonly #waiting: Said[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  #heard = () => {};

  private constructor(readonly socket: WebSocket) {
    socket.on("message", (data, binary) => {
      expect(binary).toBe(false);
      this.#waiting.push(JSON.parse(data.toString()) as Said);
      this.#heard();
    });
    this.closed = new Promise((resolve) => socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() })));
  }

  static async open(server: Server, options: { cookie?: string; key?: string; origin?: string; protocols?: string[] } = {}): Promise<Client> {
    const headers: Record<string, string> = {};
    if (options.cookie) headers.cookie = options.cookie;
    if (options.key) headers.authorization = `Bearer ${options.key}`;
    if (options.origin) headers.origin = options.origin;
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`, options.protocols ?? ["tidemark.1"], { headers });
    const client = new Client(socket);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return client;
  }

  say(message: object | string): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** The next message of this type; others before it are passed over. */
  async next(type: string): Promise<Said> {
    for (;;) {
      while (this.#waiting.length) {
        const said = this.#waiting.shift()!;
        if (said.type === type) return said;
      }
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }
}

/** A visitor who has loaded two pages, so that they may write. */
async function visitor(server: Server): Promise<string> {
  const page = await fetch(server.url, { headers: { accept: "text/html" } });
  const cookie = page.headers.get("set-cookie")!.split(";")[0]!;
  await fetch(`${server.url}/api/head?topic=feed`, { headers: { cookie } });
  return cookie;
}

/** Everything that comes back, up to the connection's end, for these bytes after a handshake. */
async function raw(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = tcp(port, "127.0.0.1");
  socket.write("GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  const heard: Buffer[] = [];
  socket.on("data", (data) => heard.push(data)).on("error", () => {});
  await new Promise((resolve) => socket.once("data", resolve));
  socket.write(bytes);
  await new Promise((resolve) => socket.once("close", resolve));
  return Buffer.concat(heard);
}

const post = (id: string, text: string, client = id) => ({ type: "post", id, room: "lobby", client, text });

test.use({ settings: { TIDEMARK_LIMITS__WRITES_PER_MINUTE: "100000" } });

test("a client subscribes from a position, posts, and is told what it asked for", async ({ server }) => {
  const cookie = await visitor(server);
  const [writer, reader] = [await Client.open(server, { cookie }), await Client.open(server)];
  expect(writer.socket.protocol).toBe("tidemark.1");
  expect(await writer.next("connected")).toMatchObject({ heartbeat_ms: 15_000, topics: [] });
  reader.say({ type: "subscribe", topics: ["room/lobby"] });
  const { topics } = await reader.next("subscribed");
  const [{ head }] = topics as { head: string }[];
  writer.say(post("c1", "Hello"));
  const done = await writer.next("done");
  const event = await reader.next("event");
  expect(event).toMatchObject({ topic: "room/lobby", data: { type: "MemberJoined" } });
  const message = await reader.next("event");
  expect(message).toMatchObject({ position: done.position, data: { type: "MessagePosted", message: { id: done.message, text: "Hello", client: "c1" } } });

  // The same again is the same; another text under the same id is a mistake that is pointed out.
  writer.say(post("again", "Hello", "c1"));
  expect(await writer.next("done")).toEqual({ type: "done", id: "again", message: done.message });
  writer.say(post("other", "Another", "c1"));
  expect(await writer.next("failed")).toMatchObject({ id: "other", code: "invalid" });

  // Somebody who comes later from the old position has it too.
  const late = await Client.open(server, { protocols: [] });
  late.say({ type: "subscribe", topics: [`room/lobby@${head}`] });
  expect(await late.next("event")).toMatchObject({ data: { type: "MemberJoined" } });
  expect(await late.next("event")).toMatchObject({ data: { message: { text: "Hello" } } });
  late.say({ type: "unsubscribe", id: "u", topics: ["room/lobby"] });
  await late.next("done");
  late.say({ type: "subscribe", topics: ["room/lobby@00000000000000aa:1"] });
  expect(await late.next("reset")).toMatchObject({ reason: "unknown-epoch", topic: "room/lobby" });
});

test("what is not for one, or makes no sense, is refused in words and changes nothing", async ({ server }) => {
  const [cookie, other] = [await visitor(server), await visitor(server)];
  const [client, stranger] = [await Client.open(server, { cookie }), await Client.open(server, { cookie: other })];
  client.say(post("c1", "mine"));
  const { message } = await client.next("done");
  const refusals: [Client, object | string, string][] = [
    [stranger, { type: "edit", id: "x", room: "lobby", message, text: "yours" }, "not-found"],
    [stranger, { type: "delete", id: "x", room: "lobby", message }, "not-found"],
    [client, post("x", "  \n "), "invalid"],
    [client, post("x", "a".repeat(4_001)), "invalid"],
    [client, post("x", "fine", "not an id!"), "invalid"],
    [client, { ...post("x", "fine"), room: "nowhere" }, "not-found"],
    [client, { type: "subscribe", id: "x", topics: ["room/nowhere"] }, "not-found"],
    [client, { type: "subscribe", id: "x", topics: ["nonsense"] }, "not-found"],
    [client, { type: "subscribe", id: "x", topics: Array.from({ length: 17 }, (_, n) => `channel/a/${n}`) }, "too-many-topics"],
    // Refused before any of them is looked at.
    [client, { type: "subscribe", id: "x", topics: Array.from({ length: 4_000 }, () => "room/nowhere") }, "too-many-topics"],
    [await Client.open(server), post("x", "nobody's"), "not-found"],
    [client, "not json", "malformed"],
    [client, { type: "dance" }, "malformed"],
    [client, { type: "post", room: "lobby" }, "malformed"],
  ];
  for (const [from, command, code] of refusals) {
    from.say(command);
    const failed = await from.next("failed");
    expect(failed.code, JSON.stringify(command).slice(0, 80)).toBe(code);
    expect((failed.message as string).length).toBeGreaterThan(10);
  }
  const { messages } = (await (await fetch(`${server.url}/api/rooms/lobby/messages`)).json()) as { messages: { text: string }[] };
  expect(messages.slice(1).map(({ text }) => text)).toEqual(["mine"]);
});

test("each end has its code", async ({ server }) => {
  const cookie = await visitor(server);
  const ended = async (act: (client: Client) => void, protocols?: string[]) => {
    const client = await Client.open(server, { cookie, ...(protocols ? { protocols } : {}) });
    act(client);
    return (await client.closed).code;
  };
  expect(await ended((client) => Array.from({ length: 10 }, () => client.say("nonsense")))).toBe(1002);
  expect(await ended((client) => client.socket.send(Buffer.from([1, 2, 3])))).toBe(1003);
  expect(await ended((client) => client.say(`"${"a".repeat(70_000)}"`))).toBe(1009);
  expect(await ended((client) => Array.from({ length: 1_000 }, () => client.say({ type: "heartbeat" })))).toBe(4429);
  // Far more than is read to its end.
  expect(await ended((client) => client.say("a".repeat(32 << 20)))).toBe(1009);
  // This client breaks off, as browsers do, if none of what it offers is taken: it has to be, for the code to be heard.
  expect(await ended(() => {}, ["tidemark.9", "other"])).toBe(4406);

  const [leaving, staying] = [await Client.open(server, { cookie }), await Client.open(server)];
  const form = { cookie, "content-type": "application/x-www-form-urlencoded" };
  for (const client of [leaving, staying]) client.say({ type: "subscribe", topics: ["room/lobby"] });
  await leaving.next("subscribed");
  await staying.next("subscribed");
  await fetch(`${server.url}/api/fn/sign-out-everywhere`, { method: "POST", headers: form });
  expect(await leaving.closed).toEqual({ code: 4401, reason: "you have signed out" });
  const exit = server.stop();
  expect((await staying.next("draining")).retry_ms).toBeGreaterThan(0);
  expect((await staying.closed).code).toBe(1012);
  await exit;
});

test("a handshake of another version is told which is known", async ({ server }) => {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`, { protocolVersion: 8 });
  const response = await new Promise<IncomingMessage>((resolve) => socket.once("unexpected-response", (_, response) => resolve(response)));
  expect(response.statusCode).toBe(426);
  expect(response.headers).toMatchObject({ "sec-websocket-version": "13", upgrade: "websocket" });
  response.destroy();
});

test("a goodbye is answered even while something is due", async ({ server }) => {
  const frame = (first: number, payload: number[]) => [first, 0x80 | payload.length, 0, 0, 0, 0, ...payload];
  // Whether an answer or the goodbye is handled first is left to chance: of many tries, all have to end well.
  for (let number = 0; number < 50; number++) {
    const heard = await raw(server.port, Buffer.from([...frame(0x81, [0x78]), ...frame(0x81, [0x78]), ...frame(0x88, [0x03, 0xe8])]));
    expect([...heard.subarray(-4)]).toEqual([0x88, 2, 0x03, 0xe8]);
  }
});

test.describe("with a short heartbeat", () => {
  test.use({ settings: { TIDEMARK_STREAM__HEARTBEAT_MS: "1000" } });

  test("whoever says nothing is taken for gone, and whoever does is kept", async ({ server }) => {
    const [silent, talking] = [await Client.open(server), await Client.open(server)];
    const beat = setInterval(() => talking.say({ type: "heartbeat" }), 500);
    expect((await silent.closed).code).toBe(1013);
    await talking.next("heartbeat");
    expect(talking.socket.readyState).toBe(WebSocket.OPEN);
    clearInterval(beat);
  });
});

test("pages of other origins are kept out, and those of allowed ones are nobody", async ({ start }) => {
  const server = await start({ TIDEMARK_ALLOWED_ORIGINS: "https://friend.test" });
  const cookie = await visitor(server);
  await expect(Client.open(server, { cookie, origin: "https://evil.test" })).rejects.toThrow("403");
  const friend = await Client.open(server, { cookie, origin: "https://friend.test" });
  friend.say({ type: "subscribe", topics: ["room/lobby"] });
  await friend.next("subscribed");
  friend.say(post("c1", "as whom?"));
  expect(await friend.next("failed")).toMatchObject({ code: "not-found" });
});

test("who reads nothing while others flood is sent on later, and misses nothing", async ({ server }) => {
  const [key, slow] = [await server.key("publish:room/lobby"), await Client.open(server)];
  slow.say({ type: "subscribe", topics: ["room/lobby"] });
  await slow.next("subscribed");
  slow.socket.pause();
  const count = 1_200;
  const flood = async () => {
    const body = JSON.stringify({ type: "MessagePosted", data: { text: "~".repeat(1_000) } });
    const headers = { authorization: `Bearer ${key}` };
    const answer = await fetch(`${server.url}/api/topics/room/lobby/events`, { method: "POST", headers, body });
    expect(answer.status).toBe(201);
  };
  // Far more than the sockets' buffers and the topic's ring hold.
  for (let number = 0; number < count; number += 50) await Promise.all(Array.from({ length: 50 }, flood));
  slow.socket.resume();
  let before = 0;
  for (let number = 1; number <= count; number++) {
    const event = await slow.next("event");
    const offset = Number((event.position as string).split(":")[1]);
    if (before) expect(offset).toBe(before + 1);
    before = offset;
  }
});

test("frames that are none of a WebSocket's end the connection and nothing else", async ({ server }) => {
  const { port } = server;
  await raw(port, Buffer.from([0x81, 0x05, 1, 2, 3, 4, 5])); // not masked
  await raw(port, Buffer.from([0xff, 0x80, 0, 0, 0, 0])); // reserved bits and an unknown opcode
  await raw(port, Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28])); // not UTF-8
  await raw(port, Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])); // 2^63 bytes to come
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  const fine = await fetch(`${server.url}/ws`);
  expect(fine.status).toBe(400);
  expect(await fine.json()).toMatchObject({ error: { message: "this takes a WebSocket" } });
});
