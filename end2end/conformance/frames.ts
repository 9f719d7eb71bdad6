// Frames of RFC 6455 made by hand, malformed ones too, over a bare TCP socket: no library stands in between that would
// refuse to send them.
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";

export const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10] as const;

export type Frame = { opcode: number; fin: boolean; payload: Buffer };

type Options = { fin?: boolean; rsv?: number };

export const bytes = (payload: string | Buffer) => (typeof payload === "string" ? Buffer.from(payload) : payload);

/** A frame as a client sends it: masked, its length in the shortest form. */
export function frame(opcode: number, payload: string | Buffer = "", { fin = true, rsv = 0 }: Options = {}): Buffer {
  const data = Buffer.from(bytes(payload));
  const [short, extended] = data.length < 126 ? [data.length, 0] : data.length < 65_536 ? [126, 2] : [127, 8];
  const head = Buffer.alloc(2 + extended);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = 0x80 | short;
  if (extended === 2) head.writeUInt16BE(data.length, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(data.length), 2);
  const mask = randomBytes(4);
  for (let at = 0; at < data.length; at++) data[at]! ^= mask[at & 3]!;
  return Buffer.concat([head, mask, data]);
}

export function closeFrame(code?: number, reason: string | Buffer = ""): Buffer {
  const payload = Buffer.alloc(code === undefined ? 0 : 2);
  if (code !== undefined) payload.writeUInt16BE(code);
  return frame(CLOSE, Buffer.concat([payload, bytes(reason)]));
}

/** A message in fragments of `size` bytes, one frame each. */
export function fragments(opcode: number, payload: Buffer, size: number): Buffer[] {
  const parts = Array.from({ length: Math.ceil(payload.length / size) }, (_, at) => payload.subarray(at * size, (at + 1) * size));
  return parts.map((part, at) => frame(at ? CONTINUATION : opcode, part, { fin: at === parts.length - 1 }));
}

/** A WebSocket after its handshake, as bytes. */
export class Connection {
  readonly heard: Frame[] = [];
  /** What is wrong with what the server sent, if anything. */
  fault?: string;
  ended = false;
  #unread: Buffer[] = [];
  #missing = 2;
  #changed = () => {};

  private constructor(private readonly socket: Socket) {
    socket.on("data", (data) => {
      this.#unread.push(data);
      this.#missing -= data.length;
      if (this.#missing <= 0) this.#read();
      this.#changed();
    });
    socket.on("close", () => {
      this.ended = true;
      this.#changed();
    });
    // A connection that is cut ends, which is all that a case wants to know.
    socket.on("error", () => {});
    socket.setTimeout(20_000, () => {
      this.fault ??= "nothing went over the connection for 20 s";
      socket.destroy();
    });
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.write(
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    const head = await new Promise<string>((resolve, reject) => {
      // Nothing follows the head before we have said something.
      socket.once("data", (data) => resolve(data.toString())).once("error", reject);
    });
    if (!head.startsWith("HTTP/1.1 101 ") || !head.includes("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) throw new Error(`no handshake: ${head}`);
    return new Connection(socket);
  }

  /** Sends all of it at once, or `chop` bytes at a time. What the server does not want to hear any more is not sent. */
  async send(data: Buffer, chop = data.length || 1): Promise<void> {
    for (let at = 0; at < data.length && !this.closing && !this.ended; at += chop) {
      this.socket.write(data.subarray(at, at + chop));
      if (chop < data.length) await setImmediate();
    }
  }

  get closing(): boolean {
    return this.heard.at(-1)?.opcode === CLOSE;
  }

  /** Waits for so many frames, or for the end. */
  async hears(count: number): Promise<void> {
    while (this.heard.length < count && !this.ended) await new Promise<void>((resolve) => (this.#changed = resolve));
  }

  async ends(): Promise<void> {
    while (!this.ended) await new Promise<void>((resolve) => (this.#changed = resolve));
  }

  /** The server's frames: never masked, never fragmented by ours. */
  #read(): void {
    let data = Buffer.concat(this.#unread);
    for (;;) {
      const short = data.length < 2 ? 0 : data[1]! & 0x7f;
      const start = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (data.length < start) {
        this.#missing = start - data.length;
        break;
      }
      const length = start === 4 ? data.readUInt16BE(2) : start === 10 ? Number(data.readBigUInt64BE(2)) : short;
      if (data.length < start + length) {
        this.#missing = start + length - data.length;
        break;
      }
      if (data[0]! & 0x70) this.fault ??= "a reserved bit is set";
      if (data[1]! & 0x80) this.fault ??= "a frame of the server is masked";
      if (this.closing) this.fault ??= "a frame came after the server's goodbye";
      this.heard.push({ opcode: data[0]! & 0x0f, fin: (data[0]! & 0x80) !== 0, payload: data.subarray(start, start + length) });
      data = data.subarray(start + length);
    }
    this.#unread = [data];
  }
}
