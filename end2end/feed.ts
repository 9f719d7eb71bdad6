// The feed as tests see it: rows of the table, offsets that came over the wire, the head that the server tells.
import { expect, type Page } from "@playwright/test";
import type { Server } from "./server.ts";

export type Position = { epoch: string; offset: number };

export type Heard = { source: number; name: string; data: string; topic: string } & Position;

declare global {
  interface Window {
    heard: Heard[];
    sources: string[];
  }
}

/** `feed@9f3ac04e51d27b86:7,…` → the first mark of it. */
export function firstMark(id: string): { topic: string } & Position {
  const [topic = "", epoch = "", offset = ""] = id.split(",")[0]!.split(/[@:]/);
  return { topic, epoch, offset: Number(offset) };
}

/** From the next navigation on, notes every event that any EventSource of the page gets, and every one it opens. */
export async function record(page: Page): Promise<void> {
  await page.addInitScript(() => {
    window.heard = [];
    window.sources = [];
    window.EventSource = class extends EventSource {
      constructor(url: string | URL, options?: EventSourceInit) {
        super(url, options);
        const source = window.sources.push(this.url) - 1;
        for (const name of ["message", "connected", "subscribed", "reset", "draining", "refused"]) {
          this.addEventListener(name, ({ lastEventId, data }: MessageEvent<string>) => {
            const [topic = "", epoch = "", offset = ""] = lastEventId.split(",")[0]!.split(/[@:]/);
            window.heard.push({ source, name, data, topic, epoch, offset: Number(offset) });
          });
        }
      }
    };
  });
}

/** What was recorded of the feed's own events, in the order it came. */
export const heardEvents = (page: Page): Promise<Heard[]> =>
  page.evaluate(() => window.heard.filter((event) => event.name === "message" && event.topic === "feed"));

export const sources = (page: Page): Promise<number> => page.evaluate(() => window.sources.length);

/** The table's lines, newest first; a divider is `null`. One look: a locator finds rows and reads them in two. */
export const lines = (page: Page): Promise<(Position | null)[]> =>
  page.evaluate(() =>
    Array.from(document.querySelectorAll<HTMLElement>("tr[data-offset], tr[data-testid=divider]"), (row) => {
      const { epoch, offset } = row.dataset;
      return epoch === undefined ? null : { epoch, offset: Number(offset) };
    }),
  );

export const rows = async (page: Page): Promise<Position[]> => (await lines(page)).filter((line) => line !== null);

/** A server that has just begun has measured nothing yet, and a page may be faster. */
export const hasRows = (page: Page) => expect(page.locator("tr[data-offset]").first()).toBeVisible();

/** Rises by one from first to last: nothing lost, nothing doubled. */
export function expectUnbroken(positions: Position[]): void {
  expect(positions.length, "there is something to compare").toBeGreaterThan(0);
  const { epoch, offset } = positions[0]!;
  expect(positions.map(mark)).toEqual(positions.map((_, index) => mark({ epoch, offset: offset + index })));
}

/** The rows hold together, newest first. Waits until there is one as new as `offset`. */
export async function expectRowsUnbroken(page: Page, offset: number): Promise<void> {
  await expect.poll(async () => (await rows(page))[0]?.offset ?? 0).toBeGreaterThanOrEqual(offset);
  expectUnbroken((await rows(page)).reverse());
}

export const mark = ({ epoch, offset }: Position): string => `${epoch}:${offset}`;

/** How far the feed has come, asked beside every stream. */
export async function head(server: Server): Promise<Position> {
  const response = await fetch(`${server.url}/api/head?topic=feed`);
  return firstMark(`feed@${((await response.json()) as { position: string }).position}`);
}

/** Waits until the server has published `count` more events. Returns the head then. */
export async function publishes(server: Server, count: number): Promise<Position> {
  const { offset } = await head(server);
  return reaches(server, offset + count);
}

export async function reaches(server: Server, offset: number): Promise<Position> {
  const patience = { timeout: 25_000, intervals: [50] };
  await expect.poll(async () => (await head(server)).offset, patience).toBeGreaterThanOrEqual(offset);
  return head(server);
}

/** This tab's own mark, as the strip shows it. */
export async function ownMark(page: Page): Promise<Position> {
  const text = await page.getByTestId("mark").getAttribute("data-mark");
  return firstMark(`feed@${text}`);
}
