// A tab that loses its connection, by a button, the network, a dead server or sleep, and what it has afterwards:
// every number that it missed, each once, or a divider that says why not.
import {
  expectRowsUnbroken,
  expectUnbroken,
  hasRows,
  heardEvents,
  lines,
  mark,
  ownMark,
  publishes,
  record,
  rows,
  sources,
} from "./feed.ts";
import { button, connectionIs, cutButton, expect, NETWORK_ERROR, openLive, type Page, reconnectButton, test } from "./fixtures.ts";

/** What the strip says of the last interruption. */
async function outcome(page: Page): Promise<{ missed: number; recovered: number; lost: number }> {
  const text = page.getByTestId("outcome");
  await expect(text).toHaveText(/^[\d,]+ missed, [\d,]+ recovered, [\d,]+ lost$/);
  const [missed, recovered, lost] = (await text.textContent())!.replaceAll(",", "").match(/\d+/g)!.map(Number);
  return { missed: missed!, recovered: recovered!, lost: lost! };
}

/** The state in words, beside the light. */
const words = (page: Page) => page.locator("[data-connection]").first();

async function expectNothingMissing(page: Page, atLeast: number): Promise<void> {
  const { missed, recovered, lost } = await outcome(page);
  expect(missed).toBeGreaterThanOrEqual(atLeast);
  expect({ recovered, lost }).toEqual({ recovered: missed, lost: 0 });
  expectUnbroken(await heardEvents(page));
  await expectRowsUnbroken(page, (await ownMark(page)).offset);
}

test("who cuts the connection and reconnects gets every number that was missed, each once", async ({ page, server }) => {
  await record(page);
  await openLive(page);
  await publishes(server, 2);
  await cutButton(page).click();
  await connectionIs(page, "cut");
  const cutAt = await ownMark(page);
  await publishes(server, 8);
  await expect.poll(async () => Number(await page.getByTestId("behind").getAttribute("data-behind"))).toBeGreaterThanOrEqual(5);
  expect(mark(await ownMark(page)), "the mark stays where it is").toBe(mark(cutAt));
  await reconnectButton(page).click();
  await connectionIs(page, "live");
  await expectNothingMissing(page, 8);
  const { missed } = await outcome(page);
  const caughtUp = (await heardEvents(page)).filter((event) => event.source === 1 && event.offset <= cutAt.offset + missed);
  expect(caughtUp.map((event) => event.offset)).toEqual(Array.from({ length: missed }, (_, n) => cutAt.offset + 1 + n));
  await expect(page.getByTestId("behind")).toHaveText("up to date");
});

test("cutting again and again loses and doubles nothing", async ({ page, server }) => {
  await record(page);
  await openLive(page);
  for (const missing of [1, 3, 2]) {
    await cutButton(page).click();
    await connectionIs(page, "cut");
    await publishes(server, missing);
    await reconnectButton(page).click();
    await connectionIs(page, "live");
    await expectNothingMissing(page, missing);
  }
});

test("a page that is left and opened again starts from its own position, with nothing doubled", async ({ page, server }) => {
  await record(page);
  await openLive(page);
  await page.getByRole("link", { name: "Inspector" }).click();
  await connectionIs(page, "live");
  await page.getByRole("link", { name: "Live feed" }).click();
  await connectionIs(page, "live");
  await expectRowsUnbroken(page, (await publishes(server, 3)).offset);
  expectUnbroken(await heardEvents(page));
});

test.describe("with a server that dies", () => {
  // A server that says goodbye asks for a pause long enough to be looked at.
  const pause = { TIDEMARK_STREAM__RETRY_MIN_MS: "4000", TIDEMARK_STREAM__RETRY_MAX_MS: "6000" };
  test.use({ allowed: [NETWORK_ERROR], settings: pause });

  test("a killed server that comes back starts a new epoch beneath a divider, and each epoch is unbroken", async ({ page, server }) => {
    await record(page);
    await openLive(page);
    await publishes(server, 3);
    await server.kill();
    await connectionIs(page, "reconnecting");
    await expect(words(page)).toHaveText(/^reconnecting( in \d+ s)?$/);
    await expect(page.getByTestId("outcome")).toHaveText("Connection lost. Your mark keeps the place.");
    await server.restart();
    await connectionIs(page, "live", 20_000);
    await expect(page.getByTestId("divider")).toHaveText(/new epoch/);
    await expect(page.getByTestId("outcome")).toHaveText(/new epoch/);
    const { epoch, offset } = await publishes(server, 4);
    await expect.poll(async () => (await rows(page))[0]).toMatchObject({ epoch, offset: expect.any(Number) });
    await expect.poll(async () => (await rows(page))[0]!.offset).toBeGreaterThanOrEqual(offset);
    const all = (await lines(page)).reverse();
    const divider = all.indexOf(null);
    const [before, after] = [all.slice(0, divider), all.slice(divider + 1)].map((part) => part.filter((line) => line !== null));
    expectUnbroken(before!);
    expectUnbroken(after!);
    expect(after![0], "the new epoch is shown from its first number").toEqual({ epoch, offset: 1 });
    expect(before!.every((row) => row.epoch !== epoch)).toBe(true);
    const heard = await heardEvents(page);
    expectUnbroken(heard.filter((event) => event.epoch === epoch));
    expectUnbroken(heard.filter((event) => event.epoch !== epoch));
  });

  test("who pauses and cuts while the server is replaced twice finds a divider, and nothing missing since", async ({ page, server }) => {
    await openLive(page);
    await publishes(server, 2);
    await button(page, "Pause").click();
    await cutButton(page).click();
    await connectionIs(page, "cut");
    await server.kill();
    await server.restart();
    await server.kill();
    await server.restart();
    await connectionIs(page, "cut");
    await reconnectButton(page).click();
    await connectionIs(page, "live");
    await expect(page.getByTestId("divider"), "the rows stand still").toHaveCount(0);
    await button(page, "Resume").click();
    await expect(page.getByTestId("divider")).toHaveCount(1);
    const { epoch, offset } = await publishes(server, 2);
    await expect.poll(async () => (await rows(page))[0]!.offset).toBeGreaterThanOrEqual(offset);
    expectUnbroken((await rows(page)).reverse().filter((row) => row.epoch === epoch));
  });

  test("a server that is replaced says goodbye, and the tab counts the seconds until it comes back", async ({ page, server }) => {
    await record(page);
    await openLive(page);
    await hasRows(page);
    expect((await server.stop()).code).toBe(0);
    await connectionIs(page, "reconnecting");
    await expect(words(page)).toHaveText(/^reconnecting in [2-6] s$/);
    expect(await page.evaluate(() => window.heard.map((event) => event.name))).toContain("draining");
    expect(await sources(page), "nobody knocks before the time that was told").toBe(1);
    await server.restart();
    await connectionIs(page, "live", 20_000);
    await expect(page.getByTestId("divider")).toBeVisible();
  });

  test("a form that cannot be sent says so", async ({ page, server }) => {
    await openLive(page);
    await server.kill();
    await page.getByRole("button", { name: "500 ms" }).click();
    await expect(page.getByText("The server cannot be reached.")).toBeVisible();
  });
});

test.describe("without a network", () => {
  test.use({ allowed: [NETWORK_ERROR] });

  test("a tab that goes offline says so, and comes back with nothing lost", async ({ context, page, server }) => {
    await record(page);
    await openLive(page);
    await context.setOffline(true);
    await connectionIs(page, "offline");
    await publishes(server, 6);
    await context.setOffline(false);
    await connectionIs(page, "live");
    await expectNothingMissing(page, 6);
    await expect(page.getByTestId("divider")).toHaveCount(0);
  });
});

test.describe("with one stream an address", () => {
  test.use({ settings: { TIDEMARK_LIMITS__CONNECTIONS_PER_ADDRESS: "1" } });

  test("a tab that is refused says why, and is let in by itself once there is room", async ({ context, page, server }) => {
    await openLive(page);
    const other = await context.newPage();
    await record(other);
    await other.clock.install();
    await other.goto("/");
    await connectionIs(other, "refused");
    await expect(words(other)).toHaveText("refused: too many streams are open from your address; close one");
    await page.close();
    await publishes(server, 2);
    // Longer than any wait that a refusal asks for.
    await other.clock.fastForward("00:16");
    await connectionIs(other, "live");
    await expectRowsUnbroken(other, (await publishes(server, 2)).offset);
    expectUnbroken(await heardEvents(other));
  });
});

test.describe("while the clock stands still", () => {
  test.use({ allowed: [NETWORK_ERROR] });

  // No timer fires, so only the event itself can have opened the new connection.
  for (const [event, target] of [["online", "window"], ["visibilitychange", "document"]] as const) {
    test(`the event ${event} ends the wait at once`, async ({ page, server }) => {
      await record(page);
      await page.clock.install();
      await openLive(page);
      await server.kill();
      await connectionIs(page, "reconnecting");
      await page.clock.pauseAt(await page.evaluate(() => Date.now() + 60_000));
      // The last attempt has failed, the next is being waited for, and that wait does not end by itself.
      await expect(words(page)).toHaveText(/^reconnecting in \d+ s$/);
      await server.restart();
      const opened = await sources(page);
      await page.evaluate(([name, on]) => (on === "window" ? window : document).dispatchEvent(new Event(name)), [event, target] as const);
      expect(await sources(page)).toBe(opened + 1);
      await page.clock.resume();
      await connectionIs(page, "live");
    });
  }
});

test("a laptop that was closed for an hour resumes from its mark when it is opened", async ({ page, server }) => {
  await record(page);
  await page.clock.install();
  await openLive(page);
  await publishes(server, 2);
  const before = await sources(page);
  // Timers stand still and the clock jumps on, as in sleep. The browser still believes in its connection.
  await page.clock.fastForward("01:00:00");
  await expect.poll(() => sources(page)).toBe(before + 1);
  await connectionIs(page, "live");
  await publishes(server, 2);
  expectUnbroken(await heardEvents(page));
  await expect(page.getByTestId("divider")).toHaveCount(0);
});

test("a tab that nobody sees gives its connection up and is whole again when it is looked at", async ({ page, server }) => {
  await record(page);
  await page.clock.install();
  await openLive(page);
  await publishes(server, 2);
  const seen = (hidden: boolean) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await seen(false);
  await seen(true);
  await page.clock.runFor("00:11");
  await connectionIs(page, "resting");
  await publishes(server, 3);
  await seen(false);
  await connectionIs(page, "live");
  await publishes(server, 2);
  expectUnbroken(await heardEvents(page));
  await expect(page.getByTestId("divider")).toHaveCount(0);
});
