// The form that changes the sampling interval for everyone: with JavaScript, without it, and before hydration; and
// what it says when the server does not accept what was sent.
import { connectionIs, cutButton, expect, holdWasm, openLive, type Page, PRELOADED, test } from "./fixtures.ts";
import { publishes } from "./feed.ts";
import type { Server } from "./server.ts";

const interval = (page: Page, name: string) =>
  page.getByRole("group", { name: "One sample every" }).getByRole("button", { name, exact: true });

const NOTE = "It changes for everyone who watches.";
const WRONG = /^123 ms is not one of the intervals to choose from: /;

/** The interval that the newest sample was taken with, as the interface tells. */
async function sampledEvery(server: Server): Promise<number> {
  type Snapshot = { events: { data: { interval_ms: number } }[] };
  const response = await fetch(`${server.url}/api/snapshot?topic=feed`);
  return ((await response.json()) as Snapshot).events.at(-1)!.data.interval_ms;
}

async function expectInterval(server: Server, ms: number): Promise<void> {
  await expect.poll(() => sampledEvery(server)).toBe(ms);
}

/** Gives the button a value that the page does not offer, as somebody with developer tools would. */
const craft = (page: Page, value: string) =>
  interval(page, "2 s").evaluate((button, value) => button.setAttribute("value", value), value);

/** Lets somebody else's change arrive right before the next one that this page sends. */
async function otherIsFirst(page: Page, server: Server, ms: number): Promise<void> {
  const body = new URLSearchParams({ interval_ms: String(ms) });
  const other = () => fetch(`${server.url}/api/fn/set-sampling-interval`, { method: "POST", body });
  await page.route(
    "**/api/fn/**",
    async (route) => {
      expect((await other()).ok).toBe(true);
      await route.continue();
    },
    { times: 1 },
  );
}

/** Without JavaScript a click is a new page: returns when it is there. */
async function submit(page: Page, name: string): Promise<void> {
  await Promise.all([page.waitForEvent("load"), interval(page, name).click()]);
}

test("a change is seen by every tab, without a reload", async ({ context, page, server }) => {
  const other = await context.newPage();
  await openLive(page);
  await openLive(other);
  await expect(interval(page, "250 ms")).toHaveAttribute("aria-pressed", "true");
  await interval(page, "500 ms").click();
  for (const tab of [page, other]) {
    await expect(interval(tab, "500 ms")).toHaveAttribute("aria-pressed", "true");
    await expect(interval(tab, "250 ms")).toHaveAttribute("aria-pressed", "false");
    await expect(tab.getByText(NOTE)).toBeVisible();
  }
  await expectInterval(server, 500);
  await connectionIs(page, "live");
});

test("who changes it again within a second is told to wait, and succeeds afterwards", async ({ page, server, allowed }) => {
  allowed.push(/^error: Failed to load resource: .* \(.*\/set-sampling-interval.*\)$/);
  await openLive(page);
  await otherIsFirst(page, server, 500);
  await interval(page, "1 s").click();
  await expect(page.getByText(/less than a second ago; try again in a moment/)).toBeVisible();
  await publishes(server, 3);
  await interval(page, "1 s").click();
  await expect(interval(page, "1 s")).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByText(NOTE)).toBeVisible();
});

test("a value that is not offered is refused in words", async ({ page, server, allowed }) => {
  allowed.push(/^error: Failed to load resource: .* \(.*\/set-sampling-interval.*\)$/);
  await openLive(page);
  await craft(page, "123");
  await interval(page, "2 s").click();
  await expect(page.getByText(WRONG)).toBeVisible();
  await expectInterval(server, 250);
});

test("before hydration the form is sent as plain HTML, and the page comes back", async ({ page, server }) => {
  const release = await holdWasm(page);
  await page.goto("/", { waitUntil: "commit" });
  await expect(cutButton(page)).toBeDisabled();
  const sent = page.waitForRequest((request) => request.method() === "POST");
  const back = page.waitForResponse((response) => response.url() === `${server.url}/` && response.ok());
  await interval(page, "500 ms").click();
  expect((await sent).isNavigationRequest()).toBe(true);
  await back;
  await expectInterval(server, 500);
  release();
  await connectionIs(page, "live");
  await expect(interval(page, "500 ms")).toHaveAttribute("aria-pressed", "true");
});

test("an error that came back with the page stays through hydration, and goes with the next change", async ({ page }) => {
  const release = await holdWasm(page);
  await page.goto("/", { waitUntil: "commit" });
  await craft(page, "123");
  await interval(page, "2 s").click();
  await expect(page.getByText(WRONG)).toBeVisible();
  release();
  await connectionIs(page, "live");
  await expect(page.getByText(WRONG)).toBeVisible();
  await interval(page, "500 ms").click();
  await expect(interval(page, "500 ms")).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByText(NOTE)).toBeVisible();
  await expect(page.getByText(WRONG)).toHaveCount(0);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, allowed: [PRELOADED] });

  test("a change comes back with the page", async ({ page, server }) => {
    await publishes(server, 1);
    await page.goto("/");
    await submit(page, "500 ms");
    await expect(page).toHaveURL(`${server.url}/`);
    await expectInterval(server, 500);
    await page.reload();
    await expect(interval(page, "500 ms")).toHaveAttribute("aria-pressed", "true");
  });

  test("the page that comes back shows the new choice, though no sample was taken with it yet", async ({ page, server }) => {
    await publishes(server, 1);
    await page.goto("/");
    await submit(page, "2 s");
    await expect(page).toHaveURL(`${server.url}/`);
    expect(await interval(page, "2 s").getAttribute("aria-pressed")).toBe("true");
  });

  test("an error stands on the page that comes back, not in its address, and once", async ({ page, server }) => {
    await publishes(server, 1);
    await page.goto("/");
    await craft(page, "123");
    await submit(page, "2 s");
    await expect(page.getByText(WRONG)).toBeVisible();
    await expect(page).toHaveURL(`${server.url}/`);
    await page.reload();
    await expect(page.getByText(NOTE)).toBeVisible();
    await expect(page.getByText(WRONG)).toHaveCount(0);
    await expectInterval(server, 250);
  });

  test("what is not even a number is answered the same way", async ({ page, server }) => {
    await publishes(server, 1);
    await page.goto("/");
    await craft(page, "soon");
    await submit(page, "2 s");
    await expect(page.getByText(/^soon ms is not one of the intervals to choose from: /)).toBeVisible();
    await expect(page).toHaveURL(`${server.url}/`);
    await page.reload();
    await expect(page.getByText(NOTE)).toBeVisible();
  });

  test("who changes it again within a second is told on the page", async ({ page, server }) => {
    await publishes(server, 1);
    await page.goto("/");
    await otherIsFirst(page, server, 500);
    await submit(page, "1 s");
    await expect(page.getByText(/less than a second ago; try again in a moment/)).toBeVisible();
    await expect(page).toHaveURL(`${server.url}/`);
  });
});
