// How we speak RFC 6455, against the cases of the Autobahn test suite (conformance/). The endpoint is an example with the
// limits, faults and ends of `GET /ws` (tests/conformance/echo.rs). `make conformance` runs the suite itself.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test as base } from "@playwright/test";
import { type Case, SECTIONS } from "./conformance/cases.ts";
import { CLOSE, closeFrame, Connection } from "./conformance/frames.ts";
import { utf8 } from "./conformance/utf8.ts";

const ECHO = fileURLToPath(new URL("../target/debug/examples/echo", import.meta.url));

/** What the suite has in each section. */
const COUNTS = { framing: 16, pings: 11, reservedBits: 7, opcodes: 10, fragmentation: 20, utf8: 145, closing: 37, limits: 54, misc: 1 };

/** Cases that run at a time. After a fault the server leaves its goodbye a moment to arrive. */
const AT_ONCE = 32;

const test = base.extend<{}, { port: number }>({
  port: [
    async ({}, use) => {
      const echo = spawn(ECHO, { stdio: ["ignore", "pipe", "inherit"] });
      const [line] = (await once(echo.stdout, "data")) as [Buffer];
      await use(Number(line.toString()));
      const ended = once(echo, "exit");
      echo.kill();
      await ended;
    },
    { scope: "worker" },
  ],
});

/** What is wrong, if anything. */
async function run(port: number, { sends, chop, hears, end }: Case): Promise<string | undefined> {
  const connection = await Connection.open(port);
  for (const step of sends) await (typeof step === "number" ? connection.hears(step) : connection.send(step, chop));
  if (end === "us") {
    await connection.hears(hears.length);
    await connection.send(closeFrame(1000));
  }
  await connection.ends();
  const { heard, fault } = connection;
  if (fault) return fault;
  if (end === "anyhow") return undefined;
  const last = heard.at(-1);
  if (last?.opcode !== CLOSE) return "ended without a close frame";
  const code = last.payload.length < 2 ? 1005 : last.payload.readUInt16BE();
  const codes = end === "us" ? [1000] : "sent" in end ? end.sent : end.fails;
  if (!codes.includes(code)) return `closed with ${code} (${last.payload.subarray(2)})`;
  const same = (at: number) => heard[at]!.fin && heard[at]!.opcode === hears[at]!.opcode && heard[at]!.payload.equals(hears[at]!.payload);
  if (heard.length !== hears.length + 1) return `heard ${heard.length - 1} frames, not ${hears.length}`;
  const other = hears.findIndex((_, at) => !same(at));
  return other < 0 ? undefined : `frame ${other + 1} is another`;
}

for (const [name, cases] of Object.entries({ ...SECTIONS, utf8 })) {
  test(`Autobahn's cases: ${name}`, async ({ port }) => {
    const waiting = cases();
    expect(new Set(waiting.map(({ id }) => id)).size).toBe(COUNTS[name as keyof typeof COUNTS]);
    const wrong: string[] = [];
    const worker = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const fault = await run(port, next);
        if (fault) wrong.push(`${next.id}: ${fault}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    expect(wrong).toEqual([]);
  });
}
