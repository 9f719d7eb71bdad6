//! The state machine behind `GET /api/stream`, without I/O: any topics, publishes, steps and changes under a clock that
//! the test turns, and a connection that may break after any byte. A strict parser reads what it writes, and a reader
//! resumes from the last id it got (`stream_machine/browser.rs` says what it insists on).

mod stream_machine {
    pub mod actions;
    pub mod browser;
    pub mod connection;
    pub mod limits;
    pub mod parser;
    pub mod site;
}

use proptest::{
    prelude::any,
    test_runner::{Config, TestRunner},
};
use stream_machine::{
    actions::{Action, Start, actions, starts},
    connection::Connection,
};

#[test]
fn a_stream_that_breaks_anywhere_resumes_without_gap_or_duplicate_whatever_happens() {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { 300 };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let run = TestRunner::new(config).run(&(starts(), any::<bool>(), actions()), |(starts, named, actions)| {
        let mut connection = Connection::new(&starts, named);
        actions.iter().for_each(|action| connection.perform(action));
        connection.finish();
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn a_stream_that_breaks_after_each_byte_in_turn_resumes() {
    let publish = |topic| Action::Publish { topic, text: "news".into(), times: 2 };
    for named in [false, true] {
        let mut bytes = 0;
        loop {
            let mut connection = Connection::new(&[(0, Start::Now), (1, Start::Now)], named);
            let join = Action::Subscribe(vec![(3, Start::Beginning), (4, Start::OtherEpoch)]);
            let story = [
                publish(3),
                publish(4),
                Action::Step,
                publish(0),
                publish(1),
                Action::Step,
                join,
                publish(3),
                Action::Step,
            ];
            story.iter().for_each(|action| connection.perform(action));
            let all = connection.under_way();
            connection.cut(bytes);
            [publish(0), publish(1), publish(4)].iter().for_each(|action| connection.perform(action));
            connection.finish();
            bytes += 1;
            if bytes > all {
                break;
            }
        }
        assert!(bytes > 1_000, "the story is shorter than it ought to be: {bytes} bytes");
    }
}
