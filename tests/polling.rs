//! Polling, as far as it can be tested without a browser: the schedule does what npm's `swr` was recorded to do
//! (`tests/polling/swr.json`, by `end2end/swr-recording.mjs`), except where it differs on purpose; and it keeps its word
//! whatever happens.

mod polling {
    pub mod chance;
    pub mod page;
    pub mod script;
}

use polling::{chance, page::Page, script::Script};
use proptest::test_runner::{Config, TestRunner};

/// The scripts in which ours asks at other times, and when it does. Why: `src/client/polling/mod.rs`.
const DIFFERENCES: &[(&str, &[f64])] = &[
    ("differs: a retry that is due while hidden", &[0.0, 20_000.0]),
    ("differs: an error that came while hidden, shortly before the page is looked at", &[0.0, 10_900.0]),
    ("differs: a retry whose error is gone", &[0.0, 5_500.0]),
    ("differs: an older request that fails", &[0.0, 300.0]),
    ("differs: a component that goes before its answer, and another that comes", &[0.0, 600.0]),
    ("differs: an interval that was zero for a while", &[0.0, 7_000.0, 10_120.0, 13_240.0]),
];

#[test]
fn we_ask_when_swr_asks_and_show_what_swr_shows() {
    let scripts = Script::all();
    let alike: Vec<_> = scripts.iter().filter(|script| difference(script).is_none()).collect();
    assert_eq!(alike.len() + DIFFERENCES.len(), scripts.len(), "each difference has a script");
    for script in alike {
        let page = Page::play(script);
        assert_eq!(page.asked, script.asked, "asked in: {}", script.name);
        assert_eq!(page.shown, script.shown, "shown in: {}", script.name);
    }
}

#[test]
fn where_we_ask_at_other_times_than_swr_it_is_on_purpose() {
    for script in Script::all() {
        let Some(ours) = difference(&script) else { continue };
        let asked: Vec<_> = Page::play(&script).asked.into_iter().map(|(at, _)| at).collect();
        assert_eq!(asked, ours, "{}", script.name);
        let theirs: Vec<_> = script.asked.iter().map(|(at, _)| *at).collect();
        assert_ne!(theirs, ours, "no difference any more: {}", script.name);
    }
}

fn difference(script: &Script) -> Option<&'static [f64]> {
    DIFFERENCES.iter().find(|(name, _)| *name == script.name).map(|(_, asked)| *asked)
}

#[test]
fn it_keeps_its_word_whatever_happens() {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { 1_000 };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 5_000, ..Config::default() };
    let run = TestRunner::new(config).run(&chance::happenings(), |happenings| {
        chance::World::default().live(&happenings);
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
}
