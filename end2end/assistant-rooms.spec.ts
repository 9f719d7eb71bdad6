// `@assistant` in a room: two people see an answer grow, formatted from the first word on, and find it whole. The guide answers
// with no key at all; where it matters what is written, the fake of a model does.
import { type BrowserContext, type Page } from "@playwright/test";
import { expect, NETWORK_ERROR, openLive, test } from "./fixtures.ts";

const field = (page: Page) => page.getByRole("textbox", { name: /message/ });
const log = (page: Page) => page.getByRole("log", { name: "Messages" });
const answer = (page: Page) => log(page).locator(".message").filter({ hasText: /^Assistant/ });
/** All of them, also those that stand under the name of the one before. */
const answers = (page: Page) => log(page).locator(".message__text.markdown");
const text = (page: Page) => answer(page).locator(".message__text").last();

async function enter(page: Page): Promise<void> {
  // The first page makes a person, who may write from the second on.
  if (page.url() === "about:blank") await page.goto("/");
  await openLive(page, "/rooms/lobby");
}

const another = async (context: BrowserContext, url: string): Promise<Page> =>
  (await context.browser()!.newContext({ baseURL: url })).newPage();

/** All the texts that this page's answer has had from now on. */
async function watch(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const seen: string[] = ((window as any).seen = []);
    const look = () => {
      const shown = [...document.querySelectorAll(".message")].find((line) => line.textContent!.startsWith("Assistant"));
      const words = shown?.querySelector(".message__text")?.textContent;
      if (words && words !== seen.at(-1)) seen.push(words);
    };
    new MutationObserver(look).observe(document.querySelector(".chat__messages")!, { childList: true, subtree: true });
  });
  return () => page.evaluate(() => (window as any).seen as string[]);
}

async function ask(page: Page, text = "what does a reset mean?"): Promise<void> {
  await expect(field(page)).toHaveAttribute("placeholder", /ask @assistant/);
  await field(page).fill(`@assistant, ${text}`);
  await field(page).press("Enter");
}

/** What is left of a text when all that Markdown may take away is gone. */
const letters = (text: string) => text.replace(/[^\p{L}\p{N}]+/gu, "");

/** How an answer is shown: all of its HTML, but for what a framework writes between. */
const html = (page: Page) => text(page).evaluate((element) => element.innerHTML.replace(/<!--.*?-->/g, ""));

const whole = (page: Page) => expect(page.locator('.message[aria-busy="true"]')).toHaveCount(0, { timeout: 20_000 });

test("one asks, and both see the answer grow and end", async ({ page, context, server }) => {
  const other = await another(context, server.url);
  await enter(page);
  await enter(other);
  const seen = [await watch(page), await watch(other)];
  await ask(page);
  await expect(log(other).locator(".message__mention").first()).toHaveText("@assistant");
  for (const person of [page, other]) {
    await expect(text(person)).toContainText("This is search, not a model.", { timeout: 20_000 });
    await expect(person.locator('.message[aria-busy="true"]')).toHaveCount(0);
    await expect(answer(person)).toHaveCount(1);
    await expect(answer(person)).not.toContainText("edited");
    await expect(answer(person).locator(".message__bot")).toHaveText("bot");
  }
  expect(await text(page).textContent()).toBe(await text(other).textContent());
  for (const look of seen) {
    const texts = await look();
    expect(texts.length, "it grew").toBeGreaterThan(10);
    // Each is what was there before and more; only the end may be put in order.
    texts.slice(1).forEach((now, at) => expect(letters(now).startsWith(letters(texts[at])), now).toBe(true));
  }
  await other.context().close();
});

test("a page that is loaded in the middle of an answer shows it whole in the end", async ({ page, context, server }) => {
  const other = await another(context, server.url);
  await enter(page);
  await enter(other);
  await ask(page);
  await expect(text(page)).toContainText("From the documentation:");
  await page.reload();
  await expect(text(page)).toContainText("This is search, not a model.", { timeout: 20_000 });
  await expect(text(other)).toContainText("This is search, not a model.", { timeout: 20_000 });
  await expect(page.locator('.message[aria-busy="true"]')).toHaveCount(0);
  expect(await text(page).textContent()).toBe(await text(other).textContent());
  await page.reload();
  expect(await text(page).textContent()).toBe(await text(other).textContent());
  await other.context().close();
});

test("an answer is formatted in front of everybody, and the same after a reload", async ({ page, context, model, start }) => {
  const server = await start(model.settings);
  const other = await another(context, server.url);
  await page.goto(server.url);
  await openLive(page, `${server.url}/rooms/lobby`);
  await enter(other);
  const seen = [await watch(page), await watch(other)];
  await ask(page, "[markdown][rate 20] **mine** <b>");
  for (const person of [page, other]) {
    await expect(text(person).locator(".code .hl-keyword").first()).toHaveText("fn", { timeout: 20_000 });
    await expect(text(person)).toContainText("The end.", { timeout: 20_000 });
    await whole(person);
    const shown = text(person);
    await expect(shown.getByRole("heading")).toHaveText(["A heading", "A list"]);
    await expect(shown.locator("strong")).toHaveText("bold");
    await expect(shown.getByRole("row")).toHaveCount(3);
    await expect(shown.getByRole("link")).toHaveText(["a link"]);
    await expect(shown.locator("script, img, [onclick], [onerror]")).toHaveCount(0);
    // What people say is text.
    await expect(log(person).locator(".message").filter({ hasText: "**mine** <b>" })).toHaveCount(1);
    await expect(person).not.toHaveTitle(/attacked/);
  }
  for (const look of seen) {
    const texts = await look();
    expect(texts.length, "it grew").toBeGreaterThan(10);
    texts.slice(1).forEach((now, at) => expect(letters(now).startsWith(letters(texts[at])), now).toBe(true));
  }
  const live = await html(page);
  expect(await html(other)).toBe(live);
  await other.reload();
  expect(await html(other)).toBe(live);
  await other.context().close();

  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const copy = text(page).getByRole("button").first();
  await copy.click();
  await expect(copy).toHaveText("Copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("<b>not bold</b> & not a tag");
  await expect(copy).toHaveText("Copy", { timeout: 5_000 });
});

test("a formatted answer fits into a room on a phone", async ({ page, model, start }) => {
  const server = await start(model.settings);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(server.url);
  await openLive(page, `${server.url}/rooms/lobby`);
  const wide = "| a | b | c | d | e | f |\n|---|---|---|---|---|---|\n" + "| some words | more | even more | x | y | z |\n".repeat(3);
  await ask(page, `[say ${wide}\n\n\`\`\`\n${"long ".repeat(40)}\n\`\`\`\n\n${"unbroken".repeat(30)}]`);
  await expect(text(page)).toContainText("unbroken");
  await whole(page);
  const overflow = (selector: string) => page.locator(selector).first().evaluate((it) => it.scrollWidth - it.clientWidth);
  for (const still of ["html", ".chat__log", ".message__text.markdown"]) expect(await overflow(still), still).toBeLessThanOrEqual(0);
  for (const scrolls of [".table-scroll", ".code > pre"]) expect(await overflow(scrolls), scrolls).toBeGreaterThan(0);
});

test("what is asked meanwhile waits for its turn, and says whom it answers", async ({ page, context, model, start }) => {
  const server = await start(model.settings);
  const other = await another(context, server.url);
  await page.goto(server.url);
  await openLive(page, `${server.url}/rooms/lobby`);
  await enter(other);
  await ask(page, "[slow][words 60] first");
  await expect(text(other)).toContainText("w3");
  await ask(other, "[say To the second.]");
  await ask(page, "[say To the third.]");
  for (const person of [page, other]) {
    await expect(answers(person)).toContainText([/w60$/, /^@.*To the second\.$/s, /^@.*To the third\.$/s], {
      timeout: 20_000,
    });
  }
  const link = answers(page).getByRole("link").first();
  const question = log(page).locator(".message").filter({ hasText: "[say To the second.]" });
  expect(await link.getAttribute("href")).toBe(`/rooms/lobby#${await question.getAttribute("id")}`);
  await link.click();
  await expect(page.locator(".message:target")).toContainText("[say To the second.]");
  await other.context().close();
});

test("a question that waits outlives the process", async ({ page, allowed, model, start }) => {
  allowed.push(NETWORK_ERROR, /WebSocket connection to/);
  const server = await start(model.settings);
  await page.goto(server.url);
  await openLive(page, `${server.url}/rooms/lobby`);
  await ask(page, "[slow][words 500] first");
  await expect(text(page)).toContainText("w12");
  await ask(page, "[say Here I am again.]");
  await expect(log(page).locator(".message").filter({ hasText: "[say Here I am again.]" })).not.toContainText("sending");
  await server.restart();
  await expect(answers(page)).toContainText([/\(interrupted\)$/, /Here I am again\.$/], { timeout: 30_000 });
  await whole(page);
});
