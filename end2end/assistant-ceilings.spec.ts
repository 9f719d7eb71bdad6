// What one person, one address and all together may have of a model, in front of a page: each ceiling says what it is and when
// to come back, what was typed is not lost, and where one has only to wait it can be asked again. That the interface says the
// same in JSON is tests/chat_cases/ceilings.rs; here is only what is missing there. Addresses are told by a header.
import { type Browser, type Page } from "@playwright/test";
import { act, answer, ask, CONVERSATION, enter, field, pending } from "./assistant.ts";
import { expect, test } from "./fixtures.ts";
import type { Model } from "./model.ts";
import { linkFor, signIn } from "./people.ts";
import type { Env, Server } from "./server.ts";

const DAY_S = 24 * 60 * 60;

const assistant = (settings: Record<string, number>): Env =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`TIDEMARK_ASSISTANT__${name}`, `${value}`]));

/** A server that has ceilings, and who comes to it. */
class Stage {
  #visitors = 0;
  #leaving = new AbortController();
  /** What nobody holds is let go. */
  #held: Response[] = [];
  #pages: Page[] = [];

  constructor(
    readonly server: Server,
    private model: Model,
    private browser: Browser,
  ) {}

  /** The headers of somebody at an address of their own. */
  elsewhere(): Record<string, string> {
    return { "x-forwarded-for": `198.51.100.${++this.#visitors}` };
  }

  /** A page of somebody there. */
  async visitor(headers = this.elsewhere()): Promise<Page> {
    const context = await this.browser.newContext({ baseURL: this.server.url, extraHTTPHeaders: headers });
    this.#pages.push(await context.newPage());
    return this.#pages.at(-1)!;
  }

  /** The same of somebody who has signed in: only they have ceilings of their own. */
  async ada(headers = this.elsewhere()): Promise<Page> {
    const page = await this.visitor(headers);
    await page.goto("/");
    await signIn(page, await linkFor(page, "ada@example.com"));
    return page;
  }

  /** `POST /api/chat`, which is answered for as long as it is read. */
  async chat(headers: Record<string, string>, content: string): Promise<Response> {
    const body = JSON.stringify({ messages: [{ role: "user", content }] });
    return fetch(`${this.server.url}/api/chat`, { method: "POST", headers, body, signal: this.#leaving.signal });
  }

  /** Has answers written that do not end, until `letGo`. */
  async hold(headers: Record<string, string>[]): Promise<void> {
    this.#held = await Promise.all(headers.map((headers) => this.chat(headers, "[endless]")));
    expect(this.#held.map(({ status }) => status)).toEqual(headers.map(() => 200));
  }

  async letGo(): Promise<void> {
    this.#leaving.abort();
    this.#leaving = new AbortController();
    this.#held = [];
    await expect.poll(() => this.model.open(), { message: "nothing is written any more" }).toBe(0);
  }

  async leave(): Promise<void> {
    for (const page of this.#pages.splice(0)) await page.context().close();
  }
}

type Ceiling = {
  name: string;
  /** Goes so far that this page's next question is too much. */
  reach: (stage: Stage) => Promise<Page>;
  /** "Tell me more." if nothing else. */
  question?: string;
  /** What the page says. */
  says: RegExp;
  /** What it was told: the status, whose fault it is, and the least and the most seconds until it may be asked again. */
  refusal: { status: number; kind: string; wait?: [number, number] };
  /** Lets what stands in the way come to an end, where that does not take a minute or a day. */
  free?: (stage: Stage) => Promise<void>;
  /** The code that the interface tells others from now on, where no other test looks. */
  code?: string;
};

const letGo = (stage: Stage) => stage.letGo();

/** Each is of one server, in this order. */
const GROUPS: { title: string; settings: Record<string, number>; ceilings: Ceiling[] }[] = [
  {
    title: "so long a message, and so long a conversation",
    settings: { MESSAGE_CHARS: 60, CONVERSATION_CHARS: 100, CONVERSATION_MESSAGES: 3 },
    ceilings: [
      {
        name: "a message",
        reach: async (stage) => {
          const page = await stage.visitor();
          await enter(page, stage.server);
          return page;
        },
        question: "ä".repeat(61),
        says: /^Not asked: A message has at most 60 characters; shorten it, or send it in parts\.$/,
        refusal: { status: 422, kind: "Invalid" },
      },
      {
        name: "a conversation, in characters",
        reach: (stage) => asked(stage, `[say ${"a".repeat(45)}]`),
        says: /^Not asked: A conversation has at most 100 characters; begin a new one\.$/,
        refusal: { status: 422, kind: "Invalid" },
      },
      {
        name: "a conversation, in messages",
        reach: (stage) => asked(stage, "[say One]", "[say Two]"),
        says: /^Not asked: A conversation has at most 3 messages; begin a new one\.$/,
        refusal: { status: 422, kind: "Invalid" },
      },
    ],
  },
  {
    title: "so many answers at once",
    settings: { ANSWERS_AT_ONCE_PER_PERSON: 2, ANSWERS_AT_ONCE_PER_ADDRESS: 3, ANSWERS_AT_ONCE: 4 },
    ceilings: [
      {
        name: "for a person",
        reach: async (stage) => {
          const headers = stage.elsewhere();
          const page = await stage.ada(headers);
          const cookies = await page.context().cookies();
          const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
          await stage.hold(Array(2).fill({ ...headers, cookie }));
          await enter(page, stage.server);
          return page;
        },
        says: /^Not asked: 2 answers are being written for you already; wait for one to end, or stop one\.$/,
        refusal: { status: 429, kind: "Busy", wait: [5, 5] },
        free: letGo,
      },
      {
        name: "for an address",
        reach: async (stage) => {
          const headers = stage.elsewhere();
          const page = await stage.visitor(headers);
          await stage.hold(Array(3).fill(headers));
          await enter(page, stage.server);
          return page;
        },
        says: /^Not asked: 3 answers are being written for your network address already; wait for one to end, or stop one\.$/,
        refusal: { status: 429, kind: "Busy", wait: [5, 5] },
        free: letGo,
      },
      {
        name: "in all",
        reach: async (stage) => {
          const page = await stage.visitor();
          await stage.hold(Array.from({ length: 4 }, () => stage.elsewhere()));
          await enter(page, stage.server);
          return page;
        },
        says: /^Not asked: As many answers are being written as the server writes at once; try again in a moment\.$/,
        refusal: { status: 503, kind: "Full", wait: [5, 5] },
        free: letGo,
      },
    ],
  },
  {
    title: "so many questions a minute, of one",
    settings: { REQUESTS_A_MINUTE_PER_PERSON: 1, REQUESTS_A_MINUTE_PER_ADDRESS: 1 },
    ceilings: [
      {
        name: "of a person",
        reach: async (stage) => {
          const page = await stage.ada();
          await askAndRead(page, stage.server, "[say One]");
          return page;
        },
        says: /^Not asked: You have asked more than once a minute; try again in \d+ s\.$/,
        refusal: { status: 429, kind: "Busy", wait: [1, 60] },
      },
      {
        name: "of an address",
        reach: (stage) => asked(stage, "[say One]"),
        says: /^Not asked: People at your network address have asked more than once a minute; try again in \d+ s\.$/,
        refusal: { status: 429, kind: "Busy", wait: [1, 60] },
      },
    ],
  },
  {
    title: "so many questions a minute, of all",
    settings: { REQUESTS_A_MINUTE: 1 },
    ceilings: [
      {
        name: "of all",
        reach: async (stage) => {
          await asked(stage, "[say One]");
          const page = await stage.visitor();
          await enter(page, stage.server);
          return page;
        },
        says: /^Not asked: The server is asked more often than it answers; try again in \d+ s\.$/,
        refusal: { status: 503, kind: "Full", wait: [1, 60] },
        code: "full",
      },
    ],
  },
  {
    title: "so many tokens a day",
    settings: { TOKENS_A_DAY_PER_PERSON: 100, TOKENS_A_DAY_PER_ADDRESS: 200, TOKENS_A_DAY: 500 },
    ceilings: [
      {
        name: "for a person",
        reach: async (stage) => {
          const page = await stage.ada();
          await askAndRead(page, stage.server, "[usage 60 60] [say One]");
          return page;
        },
        says: /^Not asked: You have used all tokens of the day; there are new ones at midnight \(UTC\), in (\d+ h )?\d+ min\.$/,
        refusal: { status: 429, kind: "Busy", wait: [1, DAY_S] },
      },
      {
        name: "for an address",
        reach: (stage) => asked(stage, "[usage 150 60] [say One]"),
        says: /^Not asked: People at your network address have used all tokens of the day; there are new ones at midnight \(UTC\), in (\d+ h )?\d+ min\.$/,
        refusal: { status: 429, kind: "Busy", wait: [1, DAY_S] },
      },
      {
        name: "for all",
        reach: async (stage) => {
          await asked(stage, "[usage 150 60] [say One]");
          const page = await stage.visitor();
          await enter(page, stage.server);
          return page;
        },
        says: /^Not asked: All tokens of the day are used; there are new ones at midnight \(UTC\), in (\d+ h )?\d+ min\.$/,
        refusal: { status: 429, kind: "Busy", wait: [1, DAY_S] },
      },
    ],
  },
];

async function askAndRead(page: Page, server: Server, ...questions: string[]): Promise<void> {
  for (const [at, question] of questions.entries()) {
    await ask(page, server, question);
    // What it has cost is noted by then.
    await expect(answer(page, "complete")).toHaveCount(at + 1);
  }
}

/** The page of a visitor whose questions were answered. */
async function asked(stage: Stage, ...questions: string[]): Promise<Page> {
  const page = await stage.visitor();
  await askAndRead(page, stage.server, ...questions);
  return page;
}

/** Reaches a ceiling, and looks at what a page makes of it. */
async function expectRefused(stage: Stage, model: Model, ceiling: Ceiling): Promise<void> {
  const { question = "Tell me more.", says, refusal } = ceiling;
  const page = await ceiling.reach(stage);
  const before = (await model.requests()).length;
  const why = pending(page).locator(".question__why");
  const is = async (press: () => Promise<unknown>) => {
    const answered = page.waitForResponse((response) => response.url().endsWith("/api/fn/ask-assistant"));
    await press();
    const response = await answered;
    const { kind } = await response.json();
    const wait = response.headers()["retry-after"];
    expect({ status: response.status(), kind }).toEqual({ status: refusal.status, kind: refusal.kind });
    const [least, most] = refusal.wait ?? [];
    if (least === undefined) expect(wait).toBeUndefined();
    else expect(Number(wait)).toBeGreaterThanOrEqual(least);
    if (most !== undefined) expect(Number(wait)).toBeLessThanOrEqual(most);
    await expect(why).toHaveText(says);
    await expect(pending(page).locator(".question__text")).toHaveText(question);
  };
  await field(page).fill(question);
  await is(() => field(page).press("Enter"));
  await is(() => pending(page).getByRole("button", { name: "Try again" }).click());
  await is(() => page.reload());
  // What one types meanwhile is not in the way.
  await field(page).fill("And this.");
  expect((await model.requests()).length, "nobody was asked").toBe(before);
  if (ceiling.code !== undefined) {
    const refused = await stage.chat(stage.elsewhere(), "And I?");
    const wait = Number(refused.headers.get("retry-after"));
    expect({ status: refused.status, ...(await refused.json()) }).toMatchObject({ status: refusal.status, error: { code: ceiling.code } });
    expect(wait).toBeGreaterThanOrEqual(refusal.wait![0]);
    expect(wait).toBeLessThanOrEqual(refusal.wait![1]);
  }
  if (ceiling.free) {
    await ceiling.free(stage);
    await pending(page).getByRole("button", { name: "Try again" }).click();
    await expect(page).toHaveURL(CONVERSATION);
    await expect(answer(page, "complete")).toContainText(question);
    await expect(field(page)).toHaveValue("And this.");
  } else {
    await pending(page).getByRole("button", { name: "Discard" }).click();
    await expect(pending(page)).toHaveCount(0);
    await expect(field(page)).toHaveValue(`${question}\nAnd this.`);
  }
}

for (const { title, settings, ceilings } of GROUPS) {
  test(`there is a ceiling, which is said in words and takes nothing that was typed: ${title}`, async ({ start, model, browser }) => {
    const server = await start({ ...model.settings, ...assistant(settings), TIDEMARK_CLIENT_ADDRESS: "x-forwarded-for" });
    const stage = new Stage(server, model, browser);
    for (const ceiling of ceilings) {
      await test.step(ceiling.name, () => expectRefused(stage, model, ceiling));
      await stage.leave();
    }
  });
}

test("a ceiling refuses another answer, too: that is said, and the one there is stays", async ({ page, start, model, allowed }) => {
  // Chromium tells of a refusal that the page expects.
  allowed.push(/429 \(Too Many Requests\)/);
  const server = await start({ ...model.settings, ...assistant({ TOKENS_A_DAY_PER_ADDRESS: 100 }) });
  await askAndRead(page, server, "[usage 60 60] [say One]");
  await act(page, "Answer again").click();
  await expect(page.getByRole("alert").filter({ hasText: /^People at your network address have used all tokens of the day;/ })).toBeVisible();
  await expect(answer(page, "complete").locator(".markdown")).toHaveText("One");
  await expect(page.getByRole("img", { name: /^Version/ })).toHaveCount(0);
  expect((await model.requests()).length).toBe(1);
});

test("an answer is as long as it may be and no longer, and is gone on with", async ({ page, start, script }) => {
  const server = await start({ ...script.settings, ...assistant({ OUTPUT_TOKENS: 64 }) });
  await ask(page, server, "How high is the tide?");
  const pen = await script.next();
  expect(pen.request.max_tokens).toBe(64);
  pen.write("It is ");
  pen.end("max_tokens");
  await expect(answer(page, "too-long")).toContainText("This is as long as an answer may be.");
  await act(page, "Continue").click();
  const more = await script.next();
  more.write("high.");
  more.end();
  await expect(answer(page, "complete")).toContainText("high.");
  await expect(answer(page, "complete")).toContainText("It is");
});
