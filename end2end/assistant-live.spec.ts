// What changes under a reader's hands changes nothing else: the list of conversations is as live as the conversation, and what
// is selected, opened or typed stays while the page grows. The model is a fake.
import { type Page } from "@playwright/test";
import { connectionIs, expect, NETWORK_ERROR, test } from "./fixtures.ts";
import { type Server } from "./server.ts";

const CONVERSATION = /\/assistant\/[0-9a-f]{32}$/;
// An answer of the server that is no success, in Chromium's words.
const NOT_FOUND = /^error: Failed to load resource: the server responded with a status of 404/;

const field = (page: Page) => page.getByRole("textbox", { name: "Your question" });
const answer = (page: Page, status: string) => page.locator(`.answer[data-status="${status}"]`);
const talks = (page: Page) => page.getByRole("navigation", { name: "Conversations" });
const talk = (page: Page, title: string) => talks(page).getByRole("link", { name: title, exact: true });

async function ask(page: Page, server: Server, question: string): Promise<string> {
  // The first page makes a person, who may ask from the second on.
  if (page.url() === "about:blank") await page.goto(server.url);
  await page.goto(`${server.url}/assistant`);
  await connectionIs(page, "live");
  await field(page).fill(question);
  await field(page).press("Enter");
  await expect(page).toHaveURL(CONVERSATION);
  await connectionIs(page, "live");
  return page.url();
}

test("the list of conversations follows what is asked, renamed and deleted in another tab, and what is typed in it stays", async ({
  page,
  context,
  start,
  model,
}) => {
  const server = await start(model.settings);
  await ask(page, server, "[say One] first");
  const other = await context.newPage();
  await ask(other, server, "[say Two] second");
  // It has come to the first tab, above what was there.
  await expect(talks(page).locator(".talk__name")).toHaveText(["[say Two] second", "[say One] first"]);
  await expect(talk(page, "[say One] first")).toHaveAttribute("aria-current", "page");

  // Somebody is about to rename the first while the second is renamed elsewhere.
  await talks(page).getByLabel("Rename or delete: [say One] first").click();
  const name = talks(page).locator(".talk").filter({ hasText: "[say One] first" }).getByRole("textbox", { name: "What it is called" });
  await name.fill("Half a na");
  await talks(other).getByLabel("Rename or delete: [say Two] second").click();
  const theirs = talks(other).locator(".talk").filter({ hasText: "[say Two] second" });
  await theirs.getByRole("textbox", { name: "What it is called" }).fill("Streams");
  await theirs.getByRole("button", { name: "Rename" }).click();
  await expect(talk(page, "Streams")).toBeVisible();
  await expect(talk(page, "[say Two] second")).toHaveCount(0);
  await expect(name).toBeFocused();
  await expect(name).toHaveValue("Half a na");
  await name.pressSequentially("me");
  await name.press("Enter");
  await expect(talk(other, "Half a name")).toBeVisible();

  await talks(page).getByLabel("Rename or delete: Streams").click();
  const gone = talks(page).locator(".talk").filter({ hasText: "Streams" });
  await gone.getByText("Delete …").click();
  await gone.getByRole("button", { name: "Delete it for good" }).click();
  await expect(talk(other, "Streams")).toHaveCount(0);
  await expect(other.getByText("This conversation was deleted.")).toBeVisible();
  await expect(talk(other, "Half a name")).toBeVisible();
});

test("what is selected and how far a block is scrolled stays while more is written", async ({ page, start, model }) => {
  const server = await start(model.settings);
  await ask(page, server, "[rate 15] [words 90]");
  const block = page.locator(".answer .block").first();
  await expect(block).toContainText("w5");
  await block.evaluate((element) => {
    const words = element.querySelector("p")!.firstChild!;
    getSelection()!.setBaseAndExtent(words, 0, words, 5);
    (element as any).seen = true;
  });
  const selected = () => page.evaluate(() => getSelection()!.toString());
  expect(await selected()).toBe("w1 w2");
  await expect(block).toContainText("w40");
  await expect(answer(page, "running")).toHaveCount(1);
  expect(await selected()).toBe("w1 w2");
  await expect(answer(page, "complete")).toHaveCount(1);
  expect(await selected()).toBe("w1 w2");
  expect(await block.evaluate((element) => (element as any).seen)).toBe(true);
});

test("what a tool was given stays open while it comes to an end", async ({ page, start, model }) => {
  const server = await start(model.settings);
  await ask(page, server, '[tool start_job {"kind":"digest","room":"lobby"}]');
  const card = page.locator(".tool details");
  await expect(card).toHaveAttribute("open", "");
  await page.getByRole("button", { name: "Decline" }).click();
  await expect(card.locator(".folded__state")).toHaveText("declined");
  await expect(card).toHaveAttribute("open", "");
});

test("a question that was being edited is so again after a reload, until it is left", async ({ page, start, model }) => {
  const server = await start(model.settings);
  await ask(page, server, "[say One]");
  await expect(answer(page, "complete")).toHaveCount(1);
  const edit = page.getByRole("textbox", { name: "Ask this instead" });
  await page.getByText("Edit", { exact: true }).click();
  await edit.fill("[say Two]");
  await page.reload();
  await connectionIs(page, "live");
  await expect(edit).toHaveValue("[say Two]");
  await page.getByText("Cancel", { exact: true }).click();
  await page.reload();
  await connectionIs(page, "live");
  await expect(edit).toBeHidden();
  await page.getByText("Edit", { exact: true }).click();
  await expect(edit).toHaveValue("[say One]");
  await edit.fill("[say Three]");
  await edit.press("Enter");
  await expect(page.locator(".answer .markdown")).toHaveText("Three");
  await page.reload();
  await expect(edit).toBeHidden();
});

test("a question that waited for the network is not asked in a conversation that was deleted meanwhile, and is not lost", async ({
  page,
  browser,
  context,
  start,
  model,
  allowed,
}) => {
  allowed.push(NETWORK_ERROR, NOT_FOUND);
  const server = await start(model.settings);
  await ask(page, server, "[say One]");
  await expect(answer(page, "complete")).toHaveCount(1);
  // The same person in another browser, which stays in the network.
  const elsewhere = await browser.newContext({ storageState: await context.storageState() });
  const other = await elsewhere.newPage();
  await other.goto(page.url());
  await context.setOffline(true);
  await connectionIs(page, "offline");
  await field(page).fill("[say Two] later");
  await field(page).press("Enter");
  await expect(page.locator(".question--pending")).toContainText("waits for a connection");
  await field(page).fill("and a third");
  await talks(other).getByLabel("Rename or delete: [say One]").click();
  await talks(other).getByText("Delete …").click();
  await talks(other).getByRole("button", { name: "Delete it for good" }).click();
  await expect(other).toHaveURL(/\/assistant$/);
  await context.setOffline(false);
  await expect(page.getByText(/^This conversation was deleted.* What you were writing is kept for a new one\.$/)).toBeVisible();
  await expect(talks(page).getByText("Nothing asked yet.")).toBeVisible();
  await talks(page).getByRole("link", { name: "New conversation" }).click();
  await expect(field(page)).toHaveValue("[say Two] later\nand a third");
  await elsewhere.close();
});

test("Escape in a field of something else does not stop an answer", async ({ page, start, model }) => {
  const server = await start(model.settings);
  await ask(page, server, "[slow] [words 400] on and on");
  await expect(answer(page, "running")).toContainText(/\S/);
  await talks(page).getByRole("searchbox").press("Escape");
  await talks(page).getByLabel("Rename or delete: [slow] [words 400] on and on").click();
  await talks(page).getByRole("textbox", { name: "What it is called" }).press("Escape");
  // A tenth of a second is a word: more come.
  const words = async () => (await answer(page, "running").innerText()).split(" ").length;
  const before = await words();
  await expect.poll(words).toBeGreaterThan(before + 3);
  await field(page).press("Escape");
  await expect(answer(page, "stopped")).toBeVisible();
});
