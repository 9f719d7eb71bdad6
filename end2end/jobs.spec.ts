// Jobs as people use them: asked for, watched, fetched; cancelled, failed, begun again after a crash. And what the network
// sees of it: questions while there is something to tell, answers without a body where nothing is new, then silence.
import { readFile } from "node:fs/promises";
import { connectionIs, expect, NETWORK_ERROR, type Page, test } from "./fixtures.ts";

/** A server that takes jobs on and leaves them to others: they wait for as long as a test needs. */
const NO_WORKERS = { TIDEMARK_JOBS__WORKERS: "0" };

const status = (page: Page, word: string) => page.locator(`.job[data-status="${word}"]`);

async function ask(page: Page, name = "Export its transcript", format?: string): Promise<string> {
  // The first page makes a person, who may have something done from the second on.
  if (page.url() === "about:blank") await page.goto("/");
  await page.goto("/jobs");
  if (format) await page.getByLabel("Format of a transcript").selectOption(format);
  await page.getByRole("button", { name }).click();
  await expect(page).toHaveURL(/\/jobs\/[0-9a-f]{16}$/);
  return page.url().split("/").at(-1)!;
}

/** What a page asks about its job, as it is answered: the statuses so far. */
function questions(page: Page, id: string): number[] {
  const seen: number[] = [];
  page.on("response", (response) => {
    if (response.url().endsWith(`/api/jobs/${id}`)) seen.push(response.status());
  });
  return seen;
}

test("a transcript is asked for, watched, downloaded, and is what was said", async ({ page, server }) => {
  const key = await server.key("publish:room/lobby");
  for (let number = 1; number <= 5; number++) {
    const body = JSON.stringify({ type: "MessagePosted", data: { text: `report ${number} <b>"ä"</b>` } });
    const headers = { authorization: `Bearer ${key}` };
    await fetch(`${server.url}/api/topics/room/lobby/events`, { method: "POST", headers, body });
  }
  const id = await ask(page, "Export its transcript", "json");
  await connectionIs(page, "done");
  await expect(status(page, "completed")).toBeVisible();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download the file" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe("lobby.json");
  const { messages } = await (await fetch(`${server.url}/api/rooms/lobby/messages`)).json();
  expect(JSON.parse(await readFile(await file.path(), "utf8"))).toEqual(messages);
  await expect(page.locator(".bell")).toContainText("1 unread");
  await page.goto("/notifications");
  await page.getByRole("link", { name: "Done: Transcript of Lobby as JSON" }).click();
  await expect(page).toHaveURL(new RegExp(`/jobs/${id}$`));
});

test("a digest is shown with who said most, and when", async ({ page, server }) => {
  await server.command("seed", "--messages", "3000");
  await page.goto("/");
  await page.goto("/jobs?room=demo-archive");
  await page.getByRole("button", { name: "Make a digest" }).click();
  await page.getByRole("link", { name: "Open the digest" }).click();
  await expect(page.getByRole("heading", { name: "Digest of Demo archive" })).toBeVisible();
  await expect(page.getByText("3,000", { exact: true })).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "Demo Ada" })).toContainText("1,5");
});

test.describe("with a job that waits", () => {
  test.use({ settings: NO_WORKERS });

  test("questions are answered without a body where nothing is new, and end with the job", async ({ page, server, start }) => {
    const id = await ask(page);
    await connectionIs(page, "live");
    const seen = questions(page, id);
    await expect.poll(() => seen.length).toBeGreaterThanOrEqual(3);
    expect(new Set(seen.slice(1))).toEqual(new Set([304]));
    // Another process on the same data does it.
    await start({ TIDEMARK_DATA_DIR: server.dataDir });
    await connectionIs(page, "done");
    await expect(page.getByRole("link", { name: "Download the file" })).toBeVisible();
    const asked = seen.length;
    expect(seen.at(-1)).toBe(200);
    // As long as three more questions would have taken.
    const beats = page.waitForResponse((response) => response.url().includes("/api/jobs/") && response.url().endsWith(id), { timeout: 3_500 });
    await expect(beats).rejects.toThrow(/Timeout/);
    expect(seen.length).toBe(asked);
  });

  test("nobody asks from a hidden tab or without a network, and everybody at once when they are back", async ({ page, context, allowed }) => {
    allowed.push(NETWORK_ERROR);
    const id = await ask(page);
    await connectionIs(page, "live");
    const asks = () => page.waitForResponse((response) => response.url().endsWith(`/api/jobs/${id}`), { timeout: 2_500 });
    await asks();
    const seen = (hidden: boolean) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        Object.defineProperty(document, "visibilityState", { value: hidden ? "hidden" : "visible", configurable: true });
        document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
      }, hidden);
    await seen(true);
    await connectionIs(page, "resting");
    await expect(asks()).rejects.toThrow(/Timeout/);
    const shown = asks();
    await seen(false);
    await shown;
    await context.setOffline(true);
    await connectionIs(page, "offline");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await expect(asks()).rejects.toThrow(/Timeout/);
    expect(asked.filter((url) => url.endsWith(id))).toEqual([]);
    const back = asks();
    await context.setOffline(false);
    await back;
  });

  test("a job is cancelled, and begun again", async ({ page, server, start }) => {
    await ask(page);
    await connectionIs(page, "live");
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect(status(page, "cancelled")).toBeVisible();
    await expect(page.getByRole("status").filter({ hasText: "Cancelled" })).toBeFocused();
    await expect(page.getByRole("progressbar")).toBeHidden();
    await connectionIs(page, "done");
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(status(page, "queued")).toBeVisible();
    await connectionIs(page, "live");
    await start({ TIDEMARK_DATA_DIR: server.dataDir });
    await expect(status(page, "completed")).toBeVisible();
  });

  test("a job that fails says why, on every tab, and can be tried again", async ({ page, context, server, start }) => {
    await page.goto("/");
    await page.goto("/rooms");
    await page.getByLabel("What it is called").fill("Plans");
    await page.getByLabel(/^Private/).check();
    await page.getByRole("button", { name: "Make the room" }).click();
    const room = page.url();
    await page.getByText("Members and settings").click();
    await page.getByRole("button", { name: "Make an invitation" }).click();
    const link = /http\S+/.exec(await page.getByText(/within a week becomes a member/).innerText())![0];
    const other = await (await context.browser()!.newContext({ baseURL: server.url })).newPage();
    await other.goto("/");
    await other.goto(link);
    await other.getByRole("button", { name: "Join" }).click();
    await other.getByText("Members and settings").click();
    await other.getByRole("link", { name: "Export this room, or make a digest of it" }).click();
    await expect(other.getByLabel("Room")).toHaveValue(room.split("/").at(-1)!);
    await other.getByRole("button", { name: "Make a digest" }).click();
    await expect(status(other, "queued")).toBeVisible();
    const second = await other.context().newPage();
    await second.goto("/");
    await page.goto(room);
    await page.getByText("Members and settings").click();
    await page.getByRole("button", { name: /^Remove / }).click();
    await start({ TIDEMARK_DATA_DIR: server.dataDir });
    await expect(status(other, "failed")).toBeVisible();
    await expect(other.getByText("What it is about may not be read any more.")).toBeVisible();
    for (const tab of [other, second]) await expect(tab.locator(".bell")).toContainText("1 unread");
    await other.getByRole("button", { name: "Try again" }).click();
    await expect(other.locator(".bell")).toContainText("2 unread");
    await expect(status(other, "failed")).toBeVisible();
    await other.context().close();
  });

  test("who has too many waiting is told so beside the form", async ({ page, server }) => {
    for (let number = 0; number < 10; number++) await ask(page);
    await page.goto("/jobs");
    await page.getByLabel("Format of a transcript").selectOption("csv");
    await page.getByRole("button", { name: "Export its transcript" }).click();
    await expect(page.getByText("10 of your jobs wait or run already")).toBeVisible();
    await expect(page.getByLabel("Format of a transcript")).toHaveValue("csv");
    await expect(page.locator(".job-item")).toHaveCount(10);
  });

  test("a row of the list keeps the focus while its job goes on", async ({ page, server, start }) => {
    await ask(page);
    await page.goto("/jobs");
    await connectionIs(page, "live");
    const link = page.getByRole("link", { name: "Transcript of Lobby" });
    await link.focus();
    await start({ TIDEMARK_DATA_DIR: server.dataDir });
    await expect(page.locator('.job-item[data-status="completed"]')).toContainText("Completed");
    await connectionIs(page, "done");
    await expect(link).toBeFocused();
  });

  test("no other room is chosen in place of one that is not there", async ({ page }) => {
    await page.goto("/");
    await page.goto("/jobs?room=nowhere");
    await expect(page.getByText("That room is not there, or is not yours to read.")).toBeVisible();
    await expect(page.getByLabel("Room")).toHaveValue("");
    await expect(page.getByText("nothing to ask about")).toBeVisible();
  });
});

test.describe("with processes that die", () => {
  test.use({ settings: NO_WORKERS, allowed: [NETWORK_ERROR] });

  test("a job goes on after its process was killed, and after the server was, and is done once", async ({ page, server, start }) => {
    test.setTimeout(120_000);
    await server.command("seed", "--messages", "100000");
    await page.goto("/");
    await page.goto("/jobs?room=demo-archive");
    await page.getByLabel("Format of a transcript").selectOption("csv");
    await page.getByRole("button", { name: "Export its transcript" }).click();
    await connectionIs(page, "live");
    const address = page.url().replace("/jobs/", "/api/jobs/");
    const now = async () => (await (await page.request.get(address)).json()).status;
    const other = await start({ TIDEMARK_DATA_DIR: server.dataDir });
    await expect.poll(now, { intervals: [10] }).toBe("running");
    await other.kill();
    await expect(status(page, "running")).toBeVisible();
    await server.restart({ TIDEMARK_JOBS__WORKERS: "2" });
    expect(await now()).toBe("running");
    await expect(status(page, "completed")).toBeVisible({ timeout: 60_000 });
    const file = await (await page.request.get(`${address}/result`)).text();
    // A line for each message, and one of titles.
    expect(file.trimEnd().split("\r\n").length).toBe(100_001);
    await page.goto("/notifications");
    await expect(page.getByRole("link", { name: /^Done: / })).toHaveCount(1);
  });

  test("a page whose script did not come because the server died hydrates when it is back", async ({ page, server }) => {
    await page.goto("/");
    await server.kill();
    await page.route("**/*.wasm", (route) => route.abort(), { times: 1 });
    await server.restart();
    await page.goto("/jobs");
    await expect(page.locator("html[data-hydrated]")).toBeAttached({ timeout: 15_000 });
  });
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("a job is asked for, its page asks again by itself, and its result is there", async ({ page }) => {
    await ask(page);
    await expect(page.getByText("Completed", { exact: true })).toBeVisible();
    await expect(page.getByRole("link", { name: "Download the file" })).toBeVisible();
    await page.goto("/jobs");
    await expect(page.getByRole("link", { name: "Transcript of Lobby as Markdown" })).toBeVisible();
  });

  test("messages are found by their words", async ({ page }) => {
    await page.goto("/rooms");
    await page.getByLabel("Words in messages of these rooms").fill("welc window");
    await page.getByRole("button", { name: "Search" }).click();
    await expect(page.getByText("No message of a room that you may read has these words.")).toBeVisible();
    await page.getByLabel("Words in messages of your rooms").fill("WELCOME windo");
    await page.getByRole("button", { name: "Search" }).click();
    await expect(page.locator("mark")).toHaveText(["Welcome", "window"]);
    await page.locator(".hit").getByRole("link", { name: "Lobby" }).click();
    await expect(page.getByText("Welcome. This room is there from the start")).toBeVisible();
  });
});
