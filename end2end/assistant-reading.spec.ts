// What one sees and hears while an answer is written, and takes away when it is there: how often screen readers are told, code
// that is begun, thoughts that go on, what is copied. The test writes the answer itself, piece by piece.
import { type Locator, type Page } from "@playwright/test";
import { act, answer, ask } from "./assistant.ts";
import { connectionIs, expect, test } from "./fixtures.ts";

declare global {
  interface Window {
    /** What regions that tell screen readers of changes have said in this document. */
    told: string[];
    /** What was to be seen of the code of the last answer. */
    looks: { blocks: number; code: string; marks: boolean }[];
  }
}

/** Whatever changes in one of these is read out. */
const LIVE = '[aria-live]:not([aria-live="off"]), [role=status], [role=alert], [role=log], output';

/** From the next page on, notes each text that any such region ever has, from before it is hydrated. */
async function listen(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript((live) => {
    window.told = [];
    const last = new WeakMap<Element, string>();
    const look = () => {
      for (const region of document.querySelectorAll(live)) {
        const words = region.textContent!.trim();
        if (words !== (last.get(region) ?? "")) window.told.push(words);
        last.set(region, words);
      }
    };
    const attributeFilter = ["role", "aria-live"];
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter });
  }, LIVE);
  return () => page.evaluate(() => window.told);
}

const ended = (page: Page, count: number) => expect(page.locator(".answer__took")).toHaveCount(count);
const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

test("an answer is told to screen readers once, when it has ended, and not a word of it before", async ({ page, start, script }) => {
  const server = await start(script.settings);
  const heard = await listen(page);
  // That a question is on its way is told, too, however short that is.
  const told = async () => (await heard()).filter((text) => text !== "sending …");
  await ask(page, server, "How high is the tide?");
  await connectionIs(page, "live");
  const said: string[] = [];
  const streams = async (words: string[]) => {
    const pen = await script.next();
    for (const piece of words) {
      pen.write(piece);
      await expect(answer(page, "running").locator(".markdown")).toContainText(piece.replace(/[^\p{L} ]/gu, "").trim());
      await expect(page.locator(`:is(${LIVE}) .answer, .answer :is(${LIVE})`)).toHaveCount(0);
      expect(await told()).toEqual(said);
    }
    return pen;
  };

  const first = await streams(["It is ", "**high** ", "tide. ", "And it ", "rises on.\n\n", "- by noon", "\n- by night"]);
  first.end();
  await ended(page, 1);
  said.push("The assistant has answered: It is high tide.");
  expect(await told()).toEqual(said);

  // The same document from here on: from before it is asked.
  said.push("");
  await ask(page, server, "And tomorrow?");
  const second = await streams(["Low ", "water. ", "Then it ", "comes back."]);
  second.end();
  await ended(page, 2);
  said.push("The assistant has answered: Low water.");
  expect(await told()).toEqual(said);

  said.push("");
  await ask(page, server, "And then?");
  await streams(["Nobody ", "knows."]);
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await expect(answer(page, "stopped")).toBeVisible();
  said.push("The answer was stopped.");

  // Whatever becomes of the conversation afterwards, nothing of it is said again.
  await page.getByText("Share", { exact: true }).click();
  await page.getByRole("switch").click();
  await expect(page.getByText("Shared", { exact: true })).toBeVisible();
  expect(await told()).toEqual(said);
  await page.reload();
  await connectionIs(page, "live");
  await expect(page.getByText("Shared", { exact: true })).toBeVisible();
  expect(await told()).toEqual([]);
});

test("an answer that breaks off, and one that waits for a yes, are told once as well", async ({ page, start, script }) => {
  const server = await start(script.settings);
  const told = await listen(page);
  await ask(page, server, "How high is the tide?");
  await connectionIs(page, "live");
  const failing = await script.next();
  failing.write("It is ");
  await expect(answer(page, "running")).toContainText("It is");
  failing.fail();
  await expect(answer(page, "failed")).toBeVisible();
  await act(page, "Try again").click();
  const asking = await script.next();
  asking.write("Let me count.");
  await expect(answer(page, "running")).toContainText("Let me count.");
  asking.call("start_job", { kind: "digest", room: "lobby" });
  await expect(page.getByRole("button", { name: "Allow" })).toBeVisible();
  await page.getByText("Share", { exact: true }).click();
  await page.getByRole("switch").click();
  await expect(page.getByText("Shared", { exact: true })).toBeVisible();
  expect(await told()).toEqual([
    expect.stringMatching(/^The answer broke off\. ./),
    "",
    "The assistant asks whether it may go on.",
  ]);
});

/** Notes from now on, at each change, what is to be seen of the code of the last answer. */
const watchCode = (page: Page) =>
  page.evaluate(() => {
    const messages = document.querySelector(".conversation__messages")!;
    window.looks = [];
    const look = () => {
      const shown = [...messages.querySelectorAll(".answer")].at(-1)!;
      const blocks = [...shown.querySelectorAll("pre")];
      const code = blocks[0]?.textContent!.trimEnd() ?? "";
      window.looks.push({ blocks: blocks.length, code, marks: shown.textContent!.includes("`") });
    };
    new MutationObserver(look).observe(messages, { subtree: true, childList: true, characterData: true, attributes: true });
  });

test("code is there from its first line to the end, grows only, and its marks are never seen", async ({ page, start, script }) => {
  const server = await start(script.settings);
  for (const [indent, before] of [["", "Some words.\n\n"], ["  ", "Some words.\n\n- in a list\n\n"]]) {
    const lines = ["```rust", "fn main() {", "    let high = [1, 2];", "", '    println!("{high:?}");', "}", "```"];
    await ask(page, server, "Show me code");
    await connectionIs(page, "live");
    const pen = await script.next();
    pen.write(before);
    await expect(answer(page, "running")).toContainText("Some words.");
    await watchCode(page);
    await pen.type(lines.map((line) => `${indent}${line}\n`).join(""));
    await expect(answer(page, "running").locator("pre")).toContainText("println!");
    await pen.type("\nWhat follows it.\n\nAnd more.");
    await expect(answer(page, "running")).toContainText("And more.");
    pen.end();
    await expect(answer(page, "running")).toHaveCount(0);
    await expect(page.locator(".answer__took").last()).toBeVisible();

    const looks = await page.evaluate(() => window.looks);
    const code = looks.slice(looks.findIndex(({ blocks }) => blocks > 0));
    expect(new Set(code.map(({ code }) => code)).size, "it was seen to grow").toBeGreaterThan(5);
    expect(code.filter(({ blocks }) => blocks !== 1)).toEqual([]);
    expect(looks.filter(({ marks }) => marks)).toEqual([]);
    code.slice(1).forEach((now, at) => expect(now.code.startsWith(code[at].code), now.code).toBe(true));
    expect(code.at(-1)!.code).toBe(lines.slice(1, -1).join("\n"));
  }
});

test("thoughts are folded while they come, unless one opens them, and then they stay open", async ({ page, start, script }) => {
  const server = await start(script.settings);
  await ask(page, server, "How high is the tide?");
  await connectionIs(page, "live");
  const thoughts = page.locator(".folded");
  const summary = thoughts.locator("summary");
  const text = thoughts.locator(".folded__text--thought");
  const is = async (open: boolean, words: string) => {
    await expect(text).toHaveText(words);
    await expect(text).toBeVisible({ visible: open });
    await expect(thoughts).toHaveJSProperty("open", open);
  };
  const pen = await script.next();
  pen.think("The moon");
  await expect(summary).toBeVisible();
  await expect(summary).toHaveText("Thinking …");
  await is(false, "The moon");
  // It is this one that stays, not another in its place.
  const first = (await thoughts.elementHandle())!;
  pen.think(" is full,");
  await is(false, "The moon is full,");
  await summary.click();
  await is(true, "The moon is full,");
  for (const [piece, words] of [[" and", "The moon is full, and"], [" near.", "The moon is full, and near."]]) {
    pen.think(piece);
    await is(true, words);
    await expect(summary).toHaveText("Thinking …");
  }
  pen.write("It is high. ");
  await expect(summary).toHaveText("Thought for a while");
  await is(true, "The moon is full, and near.");
  await summary.click();
  pen.write("And it rises.");
  await expect(answer(page, "running")).toContainText("And it rises.");
  await is(false, "The moon is full, and near.");
  await summary.click();
  pen.end();
  await ended(page, 1);
  await is(true, "The moon is full, and near.");
  expect(await first.evaluate((element) => element.isConnected)).toBe(true);
});

test("what is copied is the Markdown as it was written, and of code the code", async ({ page, context, start, script }) => {
  const server = await start(script.settings);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const code = ["// Grüße & <b>more</b>", 'fn main() {\n\tlet words = "quoted";\n\n    // two blanks at the end  \n}'];
  const source = [
    "# The tide",
    "Some **bold** and `plain` words, a [link](https://example.com/) & <b>no tags</b>.",
    "- one\n  - two\n- three",
    "| when | height |\n|------|-------:|\n| noon | 3 m |",
    `\`\`\`rust\n${code[0]}\n\`\`\``,
    `\`\`\`rust\n${code[1]}\n\`\`\``,
    "The end.",
  ].join("\n\n");
  await ask(page, server, "Write **something** <b>long</b>");
  await connectionIs(page, "live");
  const pen = await script.next();
  pen.write(source);
  pen.end();
  await ended(page, 1);
  const press = async (button: Locator) => {
    await button.click();
    await expect(button).toHaveText("Copied");
    return copied(page);
  };
  // As it came, and as the server renders what is stored.
  for (const reloads of [false, true]) {
    if (reloads) await page.reload();
    await connectionIs(page, "live");
    const blocks = page.locator(".answer .code");
    await expect(blocks.last().locator(".hl-keyword").first(), "there is markup to leave out").toHaveText("fn");
    for (const at of [0, 1]) expect(await press(blocks.nth(at).getByRole("button"))).toBe(`${code[at]}\n`);
    expect(await press(page.locator(".answer__foot [data-do=copy]"))).toBe(source);
    expect(await press(page.locator(".question [data-do=copy]"))).toBe("Write **something** <b>long</b>");
  }
});
