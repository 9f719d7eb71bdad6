// What is done to npm's `swr` and to ours (tests/polling.rs): each script is options, answers, and what happens when.
// Times are milliseconds of a fake clock. No two things happen in the same one: their order would be an accident.
//
// The n-th question of a script gets its n-th answer, further ones the last. A component is named by `who` ("a" unless
// said otherwise) and reads "/one" unless its mount says otherwise.

const ok = (data, after = 120) => ({ data, after });
const fails = (error, after = 120) => ({ error, after });
const at = (time, action, rest = {}) => ({ at: time, do: action, ...rest });
const script = (name, options, answers, events, until) => ({ name, options, answers, events, until });

export const scripts = [
  script("a component asks once", {}, [ok("x")], [at(0, "mount")], 9000),

  script(
    "an interval counts from the answer",
    { refreshInterval: 3000 },
    [ok("x"), ok("x", 700), ok("y")],
    [at(0, "mount")],
    13000,
  ),

  script(
    "components of one key share a request, and its answer for two seconds",
    {},
    [ok("x"), ok("y")],
    [at(0, "mount"), at(50, "mount", { who: "b" }), at(1500, "mount", { who: "c" }), at(2500, "mount", { who: "d" })],
    6000,
  ),

  script(
    "components of one key have intervals of their own",
    {},
    [ok("x"), ok("y"), ok("z")],
    [
      at(0, "mount", { options: { refreshInterval: 2500 } }),
      at(310, "mount", { who: "b", options: { refreshInterval: 4100 } }),
      at(12010, "unmount"),
    ],
    23000,
  ),

  script("an interval within the two seconds waits for their end", { refreshInterval: 700 }, [ok("x")], [at(0, "mount")], 9000),

  script(
    "the two seconds may be others",
    { refreshInterval: 500, dedupingInterval: 130 },
    [ok("x"), ok("y", 40)],
    [at(0, "mount"), at(1777, "mount", { who: "b" })],
    4000,
  ),

  script(
    "an interval of the data stops when it is zero",
    { refreshInterval: { none: 3000, by: { done: 0 }, other: 2600 } },
    [ok("10 %"), ok("60 %"), ok("done")],
    [at(0, "mount")],
    20000,
  ),

  script(
    "coming to the front asks, at most every five seconds",
    {},
    [ok("x"), ok("y"), ok("z")],
    [at(0, "mount"), at(4999, "focus"), at(5002, "focus"), at(5003, "visible"), at(9900, "focus"), at(10100, "focus")],
    14000,
  ),

  script(
    "the five seconds begin with the component that is there longest",
    { focusThrottleInterval: 3000 },
    [ok("x")],
    [at(0, "mount"), at(3100, "mount", { who: "b" }), at(5500, "focus"), at(5600, "unmount"), at(8700, "focus")],
    12000,
  ),

  script(
    "coming to the front may be switched off",
    { revalidateOnFocus: false },
    [ok("x")],
    [at(0, "mount"), at(7000, "focus"), at(15000, "visible")],
    20000,
  ),

  script(
    "nothing is asked while the page is hidden",
    { refreshInterval: 3000 },
    [ok("x"), ok("y")],
    [at(0, "mount"), at(3500, "hidden"), at(14001, "visible")],
    22000,
  ),

  script(
    "a hidden page may be allowed to ask",
    { refreshInterval: 3000, refreshWhenHidden: true },
    [ok("x")],
    [at(0, "mount"), at(500, "hidden"), at(700, "offline"), at(6200, "online")],
    11000,
  ),

  script(
    "nothing is asked while the page is offline, and at once when it is not",
    { refreshInterval: 3000 },
    [ok("x"), ok("y")],
    [at(0, "mount"), at(2500, "offline"), at(7100, "focus"), at(10000, "online")],
    18000,
  ),

  script(
    "coming online may be switched off, and being offline ignored",
    { refreshInterval: 3000, refreshWhenOffline: true, revalidateOnReconnect: false },
    [ok("x")],
    [at(0, "mount"), at(500, "offline"), at(5500, "online")],
    10000,
  ),

  script(
    "errors are retried after growing waits",
    {},
    [fails("1"), fails("2"), fails("3"), ok("x")],
    [at(0, "mount")],
    80000,
  ),

  script(
    "the waits double eight times",
    { errorRetryInterval: 10, dedupingInterval: 5 },
    [fails("no", 10)],
    [at(0, "mount")],
    20000,
  ),

  script(
    "retries may be counted",
    { errorRetryCount: 2, errorRetryInterval: 1000 },
    [fails("1"), fails("2"), fails("3"), ok("x")],
    [at(0, "mount"), at(20000, "focus")],
    30000,
  ),

  script(
    "without retries an error ends the interval until somebody looks",
    { shouldRetryOnError: false, refreshInterval: 2500 },
    [ok("x"), fails("no"), ok("y")],
    [at(0, "mount"), at(9999, "focus")],
    18000,
  ),

  script(
    "data stays while errors are retried, and the interval waits for the retry",
    { refreshInterval: 2500 },
    [ok("x"), fails("no"), fails("still no"), ok("y")],
    [at(0, "mount")],
    45000,
  ),

  script(
    "who joins others that wait for a retry waits with them",
    {},
    [fails("no"), ok("x")],
    [at(0, "mount"), at(3000, "mount", { who: "b" })],
    15000,
  ),

  script(
    "a first value that is fresh is not asked for",
    { refreshInterval: 3000, revalidateOnMount: false },
    [ok("x")],
    [at(0, "mount", { first: "first" })],
    9000,
  ),

  script("a first value is stale unless said otherwise", {}, [ok("x", 300)], [at(0, "mount", { first: "first" })], 5000),

  script(
    "stale data may be good enough",
    { revalidateIfStale: false },
    [ok("x"), ok("y")],
    [at(0, "mount"), at(5000, "mount", { who: "b" }), at(9000, "mount", { who: "c", key: "/two", first: "first" })],
    14000,
  ),

  script(
    "a component may be told not to ask",
    { revalidateOnMount: false },
    [ok("x")],
    [at(0, "mount"), at(6000, "focus")],
    10000,
  ),

  script(
    "without a key nothing is asked, and a key that comes back shows what it showed",
    { refreshInterval: 4000 },
    [ok("x"), ok("y"), ok("z")],
    [
      at(0, "mount", { key: null }),
      at(1000, "key", { key: "/one" }),
      at(6000, "key", { key: null }),
      at(13000, "key", { key: "/one" }),
      at(13500, "key", { key: "/two" }),
    ],
    16000,
  ),

  script(
    "another key's data may stay until there is some of the new",
    { keepPreviousData: true },
    [ok("x"), ok("y", 600)],
    [at(0, "mount"), at(3000, "key", { key: "/two" }), at(7000, "key", { key: null })],
    9000,
  ),

  script(
    "another key asks even if the component did not when it began",
    { revalidateOnMount: false },
    [ok("x")],
    [at(0, "mount"), at(1000, "key", { key: "/two" })],
    4000,
  ),

  script(
    "a component begins with its first key",
    { revalidateOnMount: false },
    [ok("x")],
    [at(0, "mount", { key: null }), at(1000, "key", { key: "/one" }), at(3000, "key", { key: "/two" })],
    5000,
  ),

  script(
    "whoever wants it anew gets it, and the older answer is dropped",
    {},
    [ok("old", 900), ok("new", 100), ok("newest")],
    [at(0, "mount"), at(400, "mutate"), at(1000, "mutate"), at(1500, "mount", { who: "b" })],
    6000,
  ),

  script(
    "what was asked before a change is dropped",
    {},
    [ok("x", 500)],
    [at(0, "mount"), at(200, "set", { data: "mine", revalidate: false }), at(6000, "focus")],
    9000,
  ),

  script(
    "a change that is set is asked for",
    {},
    [ok("x"), ok("y", 300)],
    [at(0, "mount"), at(1000, "set", { data: "mine", revalidate: true })],
    6000,
  ),

  script(
    "a change is shown before it is done, then confirmed",
    {},
    [ok("x"), ok("server's", 200)],
    [at(0, "mount"), at(1000, "change", { takes: 400, optimistic: "mine", data: "done" })],
    6000,
  ),

  script(
    "a change that fails shows again what there was",
    {},
    [ok("x"), ok("y", 200)],
    [at(0, "mount"), at(1000, "change", { takes: 400, optimistic: "mine", fails: true })],
    6000,
  ),

  script(
    "a change that fails may stay until the server has said",
    {},
    [ok("x"), ok("y", 200)],
    [at(0, "mount"), at(1000, "change", { takes: 400, optimistic: "mine", fails: true, rollback: false })],
    6000,
  ),

  script(
    "what a change came to may be left to the server",
    {},
    [ok("x"), ok("y", 200)],
    [at(0, "mount"), at(1000, "change", { takes: 400, optimistic: "mine", populate: false })],
    6000,
  ),

  script(
    "of two changes the later decides, and goes back to before the first",
    {},
    [ok("x"), ok("y", 200)],
    [
      at(0, "mount"),
      at(1000, "change", { takes: 900, optimistic: "first", data: "first done" }),
      at(1200, "change", { takes: 300, optimistic: "second", fails: true }),
    ],
    6000,
  ),

  script(
    "a change without revalidation asks nothing",
    {},
    [ok("x")],
    [at(0, "mount"), at(3000, "change", { takes: 400, optimistic: "mine", data: "done", revalidate: false })],
    6000,
  ),

  script(
    "an interval goes on during a change, and what it asks is dropped",
    { refreshInterval: 3000 },
    [ok("x"), ok("from within"), ok("after")],
    [at(0, "mount"), at(2500, "change", { takes: 1400, optimistic: "mine", data: "done" })],
    9000,
  ),

  script(
    "the last component's end ends the asking",
    { refreshInterval: 2500 },
    [ok("x"), ok("y")],
    [at(0, "mount"), at(3000, "mount", { who: "b" }), at(4000, "unmount"), at(8000, "unmount", { who: "b" }), at(15000, "mount")],
    16000,
  ),

  // From here on ours differs on purpose: tests/polling.rs says how, and src/client/polling/mod.rs why.
  script(
    "differs: a retry that is due while hidden",
    {},
    [fails("no"), ok("x")],
    [at(0, "mount"), at(1000, "hidden"), at(20000, "visible")],
    24000,
  ),
  script(
    "differs: an error that came while hidden, shortly before the page is looked at",
    {},
    [fails("no", 900), ok("x")],
    [at(0, "mount"), at(500, "hidden"), at(3000, "visible")],
    24000,
  ),
  script(
    "differs: a retry whose error is gone",
    {},
    [fails("no"), ok("x"), ok("y")],
    [at(0, "mount"), at(5500, "focus")],
    16000,
  ),
  script(
    "differs: an older request that fails",
    {},
    [fails("no", 900), ok("x", 200), ok("y")],
    [at(0, "mount"), at(300, "mutate")],
    16000,
  ),
  script(
    "differs: a component that goes before its answer, and another that comes",
    {},
    [ok("x", 900), ok("y", 900)],
    [at(0, "mount"), at(300, "unmount"), at(600, "mount")],
    5000,
  ),
  script(
    "differs: an interval that was zero for a while",
    { refreshInterval: { none: 3000, by: { done: 0 }, other: 3000 } },
    [ok("done"), ok("begun anew")],
    [at(0, "mount"), at(7000, "focus")],
    15000,
  ),
];
