// The pages for people who use a keyboard, a screen reader or much contrast: axe finds nothing, in either colour
// scheme and on narrow and wide screens, and everything can be reached and worked without a mouse.
import { AxeBuilder } from "@axe-core/playwright";
import { answer, ask, field, pending } from "./assistant.ts";
import { hasRows, publishes } from "./feed.ts";
import { button, connectionIs, cutButton, expect, NETWORK_ERROR, openLive, type Page, reconnectButton, test } from "./fixtures.ts";

async function expectNoViolations(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, any }) => `${id} (${help}): ${target.join(" ")} ${any[0]?.message ?? ""}`));
  expect(found).toEqual([]);
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [390, 1280]) {
    test.describe(`${colorScheme}, ${width} pixels wide`, () => {
      // Without motion nothing is looked at half-way through a change of colour.
      test.use({ colorScheme, viewport: { width, height: 900 }, contextOptions: { reducedMotion: "reduce" } });

      test(`axe finds nothing on the live feed, whole or cut, ${colorScheme}, ${width} pixels wide`, async ({ page, server }) => {
        await openLive(page);
        await publishes(server, 2);
        await expectNoViolations(page);
        await cutButton(page).click();
        await connectionIs(page, "cut");
        await button(page, "Pause").click();
        await publishes(server, 2);
        await expectNoViolations(page);
      });

      test(`axe finds nothing in a room, ${colorScheme}, ${width} pixels wide`, async ({ page }) => {
        await openLive(page);
        await openLive(page, "/rooms/lobby");
        const field = page.getByRole("textbox", { name: "Your message" });
        await field.fill("Is this readable? https://example.org");
        await field.press("Enter");
        await expect(page.getByRole("button", { name: "Delete" })).toBeVisible();
        await expectNoViolations(page);
      });

      test(`axe finds nothing on a job and its digest, ${colorScheme}, ${width} pixels wide`, async ({ page }) => {
        await page.goto("/");
        await page.goto("/jobs");
        await page.getByRole("button", { name: "Make a digest" }).click();
        await connectionIs(page, "done");
        await expectNoViolations(page);
        await page.getByRole("link", { name: "Open the digest" }).click();
        await expectNoViolations(page);
        await page.goto("/jobs");
        await expectNoViolations(page);
      });

      test(`axe finds nothing on the inspector and the not-found page, ${colorScheme}, ${width} pixels wide`, async ({ page, allowed }) => {
        allowed.push(/404 \(Not Found\) \(.*\/nowhere\)$/);
        await openLive(page, "/inspector");
        await expectNoViolations(page);
        await page.goto("/nowhere");
        await expectNoViolations(page);
        for (const path of ["/account", "/notifications", "/rooms", "/jobs", "/search?q=welcome", "/docs/protocol.md", "/docs/Leptos.toml"]) {
          await page.goto(path);
          await expectNoViolations(page);
        }
      });
    });
  }
}

test.describe("with a divider", () => {
  for (const colorScheme of ["light", "dark"] as const) {
    test.describe(colorScheme, () => {
      test.use({ colorScheme, contextOptions: { reducedMotion: "reduce" }, allowed: [NETWORK_ERROR] });

      test(`axe finds nothing while the tab reconnects and after a restart, ${colorScheme}`, async ({ page, server }) => {
        await openLive(page);
        await hasRows(page);
        await server.kill();
        await connectionIs(page, "reconnecting");
        await expectNoViolations(page);
        await server.restart();
        await expect(page.getByTestId("divider")).toBeVisible({ timeout: 20_000 });
        await expectNoViolations(page);
      });
    });
  }
});

test.describe("the assistant", () => {
  for (const colorScheme of ["light", "dark"] as const) {
    test.describe(colorScheme, () => {
      test.use({ colorScheme, contextOptions: { reducedMotion: "reduce" }, allowed: [NETWORK_ERROR] });

      const title = "axe finds nothing while it thinks and writes, when it is done, has failed or asks, and offline";
      test(`${title}, ${colorScheme}`, async ({ page, context, start, script }) => {
        const server = await start(script.settings);
        const look = (at: string) => test.step(at, () => expectNoViolations(page));
        await ask(page, server, "How high is the tide?");
        await connectionIs(page, "live");
        await expect(page.locator(".answer__begins")).toBeVisible();
        await look("before the first word");

        const pen = await script.next();
        pen.think("The moon is full.");
        await page.getByText("Thinking …").click();
        await expect(page.getByText("The moon is full.")).toBeVisible();
        await look("thinking");
        pen.write("# The tide\n\nIt is **high**, says `tide`, and [others](https://example.com/).\n\n> Low later.\n\n");
        pen.write("| when | height |\n|---|---:|\n| noon | 3 m |\n\n");
        pen.write('```rust\n// A comment, a string and a number.\nfn tide() -> (&str, f64) { ("high", 3.0) }\n');
        await expect(answer(page, "running").locator("pre")).toContainText("fn tide");
        await look("writing");
        pen.write("```\n\nThat is all.");
        pen.end();
        await expect(answer(page, "complete").locator(".hl-keyword").first()).toBeVisible();
        await expect(page.locator(".answer__took")).toBeVisible();
        await look("done, with a table and code");

        await context.setOffline(true);
        await connectionIs(page, "offline");
        await field(page).fill("And tomorrow?");
        await field(page).press("Enter");
        await expect(pending(page)).toContainText("waits for a connection");
        await look("a question that waits, offline");
        await context.setOffline(false);
        const failing = await script.next();
        failing.write("Tomorrow it");
        await expect(answer(page, "running")).toContainText("Tomorrow it");
        failing.fail();
        await expect(answer(page, "failed")).toContainText("The model is overloaded");
        await look("failed");

        await ask(page, server, "Count who said how much");
        (await script.next()).call("start_job", { kind: "digest", room: "lobby" });
        await expect(page.getByRole("button", { name: "Allow" })).toBeVisible();
        await look("a tool that waits for a yes");
      });
    });
  }

  test("long thoughts, wide code and wide tables, which scroll in themselves, are scrolled without a mouse", async ({ page, start, script }) => {
    const server = await start(script.settings);
    await ask(page, server, "How high is the tide?");
    const pen = await script.next();
    pen.think("The moon is full, and near. ".repeat(200));
    const cells = (text: string) => `| ${Array(20).fill(text).join(" | ")} |\n`;
    pen.write(`\`\`\`\n${"high ".repeat(60)}\n\`\`\`\n\n${cells("a place")}${cells("---")}${cells("on the pier")}\nThat is all.`);
    pen.end();
    await expect(page.locator(".answer__took")).toBeVisible();
    await page.getByText("Thought for a while").click();
    for (const scrolls of [".folded__text--thought", ".code > pre", ".answer .table-scroll"]) {
      const hidden = await page.locator(scrolls).evaluate((it) => it.scrollHeight - it.clientHeight + it.scrollWidth - it.clientWidth);
      expect(hidden, `there is more of ${scrolls}`).toBeGreaterThan(0);
    }
    await expectNoViolations(page);
  });
});

/** What has the focus: its words, and whether its outline can be seen. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement as HTMLElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const { top, bottom, width } = element.getBoundingClientRect();
    return {
      name: element.getAttribute("aria-label") ?? element.textContent!.trim().replace(/^You are .*/, "You"),
      outlined: element.matches(":focus-visible") && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
      inSight: width > 0 && bottom > 0 && top < innerHeight,
    };
  });

const TAB_ORDER = {
  "/": [
    "Skip to content", "Tidemark", "Live feed", "Rooms", "Assistant", "Jobs", "Inspector", "Notifications", "You", "Cut my connection", "Pause", "250 ms",
    "500 ms", "1 s", "2 s", "The newest 50 events",
  ],
  "/inspector": ["Skip to content", "Tidemark", "Live feed", "Rooms", "Assistant", "Jobs", "Inspector", "Notifications", "You", "Topics", "Connections"],
};

for (const [path, names] of Object.entries(TAB_ORDER)) {
  test(`the Tab key goes through everything on ${path} in the order it is read, and one sees where one is`, async ({ page }) => {
    await openLive(page, path);
    const expected = names.map((name) => ({ name, outlined: true, inSight: true }));
    const seen: unknown[] = [];
    for (const _ of names) {
      await page.keyboard.press("Tab");
      seen.push(await focused(page));
    }
    expect(seen).toEqual(expected);
  });
}

test("the first stop is a link that leads past the navigation", async ({ page }) => {
  await openLive(page);
  const skip = page.getByRole("link", { name: "Skip to content" });
  await expect(skip).not.toBeInViewport();
  await page.keyboard.press("Tab");
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(cutButton(page)).toBeFocused();
});

test("cutting, reconnecting, pausing and choosing an interval need no mouse, and keep the focus", async ({ page, server }) => {
  await openLive(page);
  await cutButton(page).focus();
  await page.keyboard.press("Enter");
  await connectionIs(page, "cut");
  await expect(reconnectButton(page)).toBeFocused();
  await publishes(server, 2);
  await page.keyboard.press("Space");
  await connectionIs(page, "live");
  await expect(cutButton(page)).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await expect(button(page, "Resume")).toBeFocused();
  await page.keyboard.press("Space");
  await expect(button(page, "Pause")).toBeFocused();
  await button(page, "500 ms").focus();
  await page.keyboard.press("Enter");
  await expect(button(page, "500 ms")).toHaveAttribute("aria-pressed", "true");
  await expect(button(page, "500 ms")).toBeFocused();
});

test("what the page says after a cut is a status that screen readers announce", async ({ page, server }) => {
  await openLive(page);
  await cutButton(page).click();
  const said = page.getByRole("status").filter({ hasText: "The numbers run on; your mark stays where it is." });
  await expect(said).toBeVisible();
  await publishes(server, 2);
  await reconnectButton(page).click();
  await expect(page.getByRole("status").filter({ hasText: /missed, .* recovered, 0 lost$/ })).toBeVisible();
});

test.describe("on a touch screen", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

  test("every control is at least 44 pixels high, and the page is no wider than the screen", async ({ page }) => {
    await openLive(page);
    for (const control of await page.locator("main button, nav a, .masthead__name").all()) {
      const box = (await control.boundingBox())!;
      expect(box.height, (await control.textContent()) ?? "").toBeGreaterThanOrEqual(44);
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await openLive(page, "/inspector");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  });

  test("a room with a long title makes the form for jobs no wider than the screen", async ({ page }) => {
    await page.goto("/");
    await page.goto("/rooms");
    await page.getByLabel("What it is called").fill("A room whose title is as long as ".padEnd(60, "the rules allow "));
    await page.getByRole("button", { name: "Make the room" }).click();
    await expect(page).toHaveURL(/\/rooms\/./);
    await page.goto("/jobs");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  });
});
