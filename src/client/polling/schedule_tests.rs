//! The schedule where SWR has no counterpart: cancelling, "not modified", what the server says of when. For the rest it is
//! compared with SWR itself, in tests/polling.rs.

use std::rc::Rc;

use super::{
    input::{Answer, Commands, Failure, Input, Outcome},
    rules::{Refresh, Rules, Value},
    schedule::Schedule,
};

const HALF: f64 = 0.5;

fn value(text: &'static str) -> Value {
    Rc::new(text)
}

/// What a component shows in place of data.
fn text(schedule: &Schedule, id: u32) -> Option<&'static str> {
    schedule.shown(id).data.map(|data| *data.downcast_ref::<&'static str>().expect("texts only"))
}

fn mount(id: u32, rules: Rules) -> Input {
    Input::Mount { id, rules: Rc::new(rules), first: None, initial: true }
}

fn every(ms: u32) -> Rules {
    Rules { refresh: Refresh::Fixed(ms), ..Rules::default() }
}

fn answered(request: u32, answer: Answer) -> Input {
    Input::Answered { request, answer, advised_ms: None }
}

fn failed(retry_after_ms: Option<f64>) -> Answer {
    Answer::Failed { failure: Failure { status: 503, message: "busy".into() }, retry_after_ms }
}

fn ask(request: u32) -> Commands {
    Commands { cancel: None, ask: Some(request) }
}

const NOTHING: Commands = Commands { cancel: None, ask: None };

/// Mounted at 0 as component 1, answered at 100.
fn fresh(rules: Rules) -> Schedule {
    let mut schedule = Schedule::new(false, false);
    assert_eq!(schedule.handle(mount(1, rules), 0.0, HALF), ask(1));
    schedule.handle(answered(1, Answer::Data(value("x"))), 100.0, HALF);
    schedule
}

#[test]
fn a_request_is_cancelled_when_the_last_component_goes() {
    let mut schedule = Schedule::new(false, false);
    schedule.handle(mount(1, every(3_000)), 0.0, HALF);
    schedule.handle(mount(2, every(3_000)), 10.0, HALF);
    assert_eq!(schedule.handle(Input::Unmount(1), 20.0, HALF), NOTHING);
    assert_eq!(schedule.handle(Input::Unmount(2), 30.0, HALF), Commands { cancel: Some(1), ask: None });
    assert_eq!(schedule.handle(answered(1, Answer::Data(value("late"))), 40.0, HALF), NOTHING);
    assert_eq!(text(&schedule, 2), None, "what arrives all the same is not taken");
    assert_eq!(schedule.next_wake(), None);
}

#[test]
fn a_request_that_a_later_one_replaces_is_cancelled() {
    let mut schedule = Schedule::new(false, false);
    schedule.handle(mount(1, Rules::default()), 0.0, HALF);
    let replaced = schedule.handle(Input::Revalidate, 50.0, HALF);
    assert_eq!(replaced, Commands { cancel: Some(1), ask: Some(2) });
    schedule.handle(answered(1, failed(None)), 60.0, HALF);
    assert_eq!((schedule.shown(1).error, schedule.next_wake()), (None, None));
}

#[test]
fn the_same_again_is_what_the_server_said_and_not_what_is_shown() {
    let mut schedule = fresh(Rules::default());
    schedule.handle(Input::Mutate { mutation: 1, optimistic: Some(value("mine")) }, 200.0, HALF);
    assert_eq!(text(&schedule, 1), Some("mine"));
    let done = Input::Mutated { mutation: 1, outcome: Outcome::Done, revalidate: true };
    assert_eq!(schedule.handle(done, 300.0, HALF), ask(2));
    assert_eq!(text(&schedule, 1), Some("mine"), "until the server has said");
    schedule.handle(answered(2, Answer::Same), 400.0, HALF);
    assert_eq!(text(&schedule, 1), Some("x"));
}

#[test]
fn what_was_answered_over_a_change_is_not_shown_but_is_what_not_modified_refers_to() {
    let mut schedule = fresh(Rules::default());
    schedule.handle(Input::Revalidate, 200.0, HALF);
    schedule.handle(Input::Mutate { mutation: 1, optimistic: Some(value("mine")) }, 250.0, HALF);
    schedule.handle(answered(2, Answer::Data(value("y"))), 300.0, HALF);
    assert_eq!(text(&schedule, 1), Some("mine"));
    schedule.handle(Input::Mutated { mutation: 1, outcome: Outcome::Done, revalidate: true }, 400.0, HALF);
    schedule.handle(answered(3, Answer::Same), 500.0, HALF);
    assert_eq!(text(&schedule, 1), Some("y"));
}

#[test]
fn a_server_that_says_when_is_asked_then_and_by_nothing_else_before() {
    let mut schedule = Schedule::new(false, false);
    schedule.handle(mount(1, every(1_000)), 0.0, HALF);
    schedule.handle(answered(1, failed(Some(30_000.0))), 100.0, HALF);
    for input in [Input::Tick, Input::Focus, Input::Online, Input::Visible, mount(2, every(700))] {
        assert_eq!(schedule.handle(input, 20_000.0, HALF), NOTHING);
    }
    assert_eq!(schedule.handle(Input::Tick, 30_099.0, HALF), NOTHING);
    assert_eq!(schedule.handle(Input::Tick, 30_100.0, HALF), ask(2));
    schedule.handle(answered(2, failed(Some(60_000.0))), 30_200.0, HALF);
    assert_eq!(schedule.handle(Input::Revalidate, 31_000.0, HALF), ask(3), "a person may insist");
}

#[test]
fn who_would_have_asked_while_the_server_wanted_rest_is_served_after_it() {
    let rules = || Rules { should_retry_on_error: false, ..Rules::default() };
    let mut schedule = Schedule::new(false, false);
    schedule.handle(mount(1, rules()), 0.0, HALF);
    schedule.handle(answered(1, failed(Some(10_000.0))), 100.0, HALF);
    assert_eq!(schedule.next_wake(), None);
    assert_eq!(schedule.handle(Input::Focus, 6_000.0, HALF), NOTHING);
    assert_eq!(schedule.next_wake(), Some(10_100.0));
    assert_eq!(schedule.handle(Input::Tick, 10_100.0, HALF), ask(2));
}

#[test]
fn the_server_advises_an_interval_changes_it_and_ends_it() {
    let rules = Rules { refresh: Refresh::Advised, ..Rules::default() };
    let mut schedule = Schedule::new(false, false);
    schedule.handle(mount(1, rules), 0.0, HALF);
    assert_eq!(schedule.next_wake(), None, "nothing was advised yet");
    let says = |request, advised_ms| Input::Answered { request, answer: Answer::Same, advised_ms };
    schedule.handle(says(1, Some(4_000)), 100.0, HALF);
    assert_eq!(schedule.next_wake(), Some(4_100.0));
    assert_eq!(schedule.handle(Input::Tick, 4_100.0, HALF), ask(2));
    schedule.handle(says(2, None), 4_200.0, HALF);
    assert_eq!(schedule.next_wake(), Some(8_200.0), "what was advised holds on");
    schedule.handle(Input::Tick, 8_200.0, HALF);
    schedule.handle(says(3, Some(0)), 8_300.0, HALF);
    assert_eq!(schedule.next_wake(), None);
}

#[test]
fn a_component_shows_its_own_first_value_until_the_server_has_said() {
    let mut schedule = Schedule::new(false, false);
    let rules = Rc::new(Rules { revalidate_on_mount: Some(false), ..every(3_000) });
    let first = |id, text| Input::Mount { id, rules: rules.clone(), first: Some(value(text)), initial: true };
    assert_eq!(schedule.handle(first(1, "a"), 0.0, HALF), NOTHING);
    schedule.handle(first(2, "b"), 10.0, HALF);
    assert_eq!((text(&schedule, 1), text(&schedule, 2)), (Some("a"), Some("b")));
    assert_eq!(schedule.handle(Input::Tick, 3_000.0, HALF), ask(1));
    schedule.handle(answered(1, Answer::Data(value("x"))), 3_100.0, HALF);
    assert_eq!((text(&schedule, 1), text(&schedule, 2)), (Some("x"), Some("x")));
}

#[test]
fn a_retry_waits_for_the_page_to_be_looked_at_and_is_not_lost() {
    let mut schedule = Schedule::new(true, false);
    schedule.handle(mount(1, Rules::default()), 0.0, HALF);
    schedule.handle(answered(1, failed(None)), 100.0, HALF);
    assert_eq!(schedule.next_wake(), None);
    assert_eq!(schedule.handle(Input::Tick, 12_000.0, HALF), NOTHING);
    assert_eq!(schedule.handle(Input::Visible, 60_000.0, HALF), ask(2));
}

#[test]
fn a_clock_that_is_set_back_holds_nothing_up() {
    let mut schedule = fresh(every(3_000));
    assert_eq!(schedule.next_wake(), Some(3_000.0));
    assert_eq!(schedule.handle(Input::Tick, -50_000.0, HALF), NOTHING);
    assert_eq!(schedule.next_wake(), Some(-47_100.0), "3,000 ms after the mount, of which 100 were over");
    assert_eq!(schedule.handle(Input::Tick, -47_100.0, HALF), ask(2));
}
