//! The contract of `server/topics/mod.rs`, held against every kind of topic: one suite (`topics/world.rs`), any
//! interleaving of what may happen, an oracle a kind. Then the same with threads, and with thousands.

mod topics {
    pub mod crowds;
    pub mod durable_log;
    pub mod latest;
    pub mod log;
    pub mod operations;
    pub mod oracle;
    pub mod reader;
    pub mod threads;
    pub mod wakes;
    pub mod world;
}

use proptest::test_runner::{Config, TestRunner};
use topics::{
    durable_log::{DurableLog, RUNTIME},
    latest::Latest,
    log::Log,
    operations::operations,
    oracle::Oracle,
    world::World,
};

#[test]
fn a_log_keeps_the_contract_whatever_happens() {
    keeps_the_contract::<Log>();
}

#[test]
fn a_latest_keeps_the_contract_whatever_happens() {
    keeps_the_contract::<Latest>();
}

#[test]
fn a_durable_log_keeps_the_contract_whatever_happens() {
    let _within = RUNTIME.enter();
    keeps_the_contract::<DurableLog>();
}

fn keeps_the_contract<O: Oracle>() {
    let usual = config();
    // Each has a database of its own, which takes a hundred times as long.
    let cases = if O::DURABLE && usual.cases > 200 { usual.cases / 20 } else { usual.cases };
    let run = TestRunner::new(Config { cases, ..usual }).run(&operations::<O>(), |operations| {
        let mut world = World::<O>::default();
        operations.iter().for_each(|operation| world.perform(operation));
        world.finish();
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
}

/// A few seconds' worth, unless `PROPTEST_CASES` says otherwise. A failing case is printed whole, to become a test.
fn config() -> Config {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { 200 };
    Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() }
}
