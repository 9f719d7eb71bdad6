// The ways in which a completed job is asked for: by its owner's cookie, by an API key, by its capability, by a reader who
// holds it already; and the same answer from the peers. Each is tried once before it is measured.

import { deepStrictEqual, strictEqual } from "node:assert";

const DEADLINE_MS = 30_000;
const LOOK_MS = 100;

/** `{ title, server, url, headers }` of each. Throws if a server answers anything else than it should. */
export async function ways({ tidemark, axum, next }, key) {
  const cookie = await visit(tidemark.url);
  const own = await order(tidemark.url, { cookie });
  const ours = await order(tidemark.url, { authorization: `Bearer ${key}` });
  const all = [
    { title: "Tidemark, cookie", server: tidemark, url: own.url, headers: { cookie } },
    { title: "Tidemark, API key", server: tidemark, url: ours.url, headers: ours.headers },
    { title: "Tidemark, capability", server: tidemark, url: own.shared, headers: {} },
    { title: "Tidemark, cookie, 304", server: tidemark, url: own.url, headers: { cookie, "if-none-match": own.tag }, status: 304 },
  ];
  const peers = [
    ["axum, SQLite", axum, `/sqlite/${own.job.id}`],
    ["axum, map", axum, `/memory/${own.job.id}`],
    ["Next.js, map", next, `/api/jobs/${own.job.id}`],
  ];
  for (const [title, server, path] of peers) {
    if (server) all.push({ title, server, url: await give(server.url + path, own.job), headers: {} });
  }
  for (const way of all) await check(way, own.job);
  return all;
}

/** The cookie of somebody who is written down. */
async function visit(url) {
  const page = await fetch(`${url}/`, { headers: { accept: "text/html" } });
  const cookie = page.headers.getSetCookie()[0]?.split(";")[0];
  if (!cookie) throw new Error("the home page gave no cookie");
  await fetch(`${url}/api/head?topic=feed`, { headers: { cookie } });
  return cookie;
}

/** Has a digest of the lobby made, and waits for it. */
async function order(url, headers) {
  const body = JSON.stringify({ kind: "digest", input: { room: "lobby" } });
  const taken = await fetch(`${url}/api/jobs`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
  if (taken.status !== 202) throw new Error(`a job was refused: ${taken.status} ${await taken.text()}`);
  const { id, shared } = await taken.json();
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; ) {
    const answer = await fetch(`${url}/api/jobs/${id}`, { headers });
    const job = await answer.json();
    if (job.status === "completed") {
      return { job, headers, url: `${url}/api/jobs/${id}`, shared: url + shared, tag: answer.headers.get("etag") };
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error("the job was not completed in time");
}

async function give(url, job) {
  const headers = { "content-type": "application/json" };
  const given = await fetch(url, { method: "PUT", headers, body: JSON.stringify(job) });
  if (given.status !== 204) throw new Error(`${url} did not take the job: ${given.status}`);
  return url;
}

/** What is measured has to be an answer, and the same from all. */
async function check({ title, url, headers, status = 200 }, { title: what, doing, status: state }) {
  const answer = await fetch(url, { headers });
  strictEqual(answer.status, status, title);
  if (status !== 200) return;
  const job = await answer.json();
  deepStrictEqual([job.title, job.doing, job.status], [what, doing, state], title);
}
