//! The life of a connection, with a clock and chances of the test's own: when it is opened, retried, given up and left
//! alone.

use super::{Command, ConnectionState, Input, Link};

const HALF: f64 = 0.5;

fn live() -> Link {
    let mut link = Link::default();
    assert_eq!(link.handle(Input::Want(true), 0.0, HALF), Some(Command::Open));
    assert_eq!(link.state(0.0), ConnectionState::Connecting);
    assert_eq!(link.handle(Input::Opened { heartbeat_ms: 15_000 }, 10.0, HALF), None);
    assert_eq!(link.state(10.0), ConnectionState::Live);
    link
}

#[test]
fn a_lost_connection_is_retried_after_growing_waits() {
    let mut link = live();
    assert_eq!(link.handle(Input::Failed, 1_000.0, HALF), Some(Command::Close));
    assert_eq!(link.state(1_000.0), ConnectionState::Reconnecting { seconds: 1 });
    assert_eq!(link.handle(Input::Tick, 1_299.0, HALF), None);
    assert_eq!(link.handle(Input::Tick, 1_300.0, HALF), Some(Command::Open));
    assert_eq!(link.state(1_300.0), ConnectionState::Reconnecting { seconds: 0 });
    link.handle(Input::Failed, 1_400.0, 1.0);
    assert_eq!(link.handle(Input::Tick, 2_399.0, HALF), None);
    assert_eq!(link.handle(Input::Tick, 2_400.0, HALF), Some(Command::Open));
    link.handle(Input::Opened { heartbeat_ms: 15_000 }, 2_500.0, HALF);
    link.handle(Input::Failed, 9_000.0, 1.0);
    assert_eq!(link.handle(Input::Tick, 9_500.0, HALF), Some(Command::Open), "a live connection forgets failures");
}

#[test]
fn coming_online_or_to_the_front_ends_the_wait() {
    for input in [Input::Online, Input::Visible] {
        let mut link = live();
        link.handle(Input::Failed, 1_000.0, HALF);
        assert_eq!(link.handle(input, 1_001.0, HALF), Some(Command::Open));
    }
    let mut link = live();
    assert_eq!(link.handle(Input::Visible, 1_000.0, HALF), None, "a healthy connection is left alone");
}

#[test]
fn silence_is_noticed_even_if_the_browser_believes_in_the_connection() {
    let mut link = live();
    link.handle(Input::Heard, 20_000.0, HALF);
    assert_eq!(link.handle(Input::Tick, 57_000.0, HALF), None);
    assert_eq!(link.handle(Input::Visible, 3_600_000.0, HALF), Some(Command::Open));
}

#[test]
fn offline_is_said_and_still_tried() {
    let mut link = live();
    assert_eq!(link.handle(Input::Offline, 1_000.0, HALF), Some(Command::Close));
    assert_eq!(link.state(1_000.0), ConnectionState::Offline);
    assert_eq!(link.handle(Input::Tick, 2_000.0, HALF), Some(Command::Open));
    assert_eq!(link.state(2_000.0), ConnectionState::Offline);
    link.handle(Input::Opened { heartbeat_ms: 15_000 }, 2_100.0, HALF);
    assert_eq!(link.state(2_100.0), ConnectionState::Live);
}

#[test]
fn nothing_opens_a_connection_that_was_cut_but_its_mending() {
    let mut link = live();
    assert_eq!(link.handle(Input::Cut(true), 1_000.0, HALF), Some(Command::Close));
    for input in [Input::Online, Input::Visible, Input::Tick, Input::Failed, Input::Want(true)] {
        assert_eq!(link.handle(input, 60_000.0, HALF), None);
    }
    assert_eq!(link.state(60_000.0), ConnectionState::Cut);
    assert_eq!(link.handle(Input::Cut(false), 61_000.0, HALF), Some(Command::Open));
}

#[test]
fn the_back_forward_cache_gets_a_page_without_a_connection() {
    let mut link = live();
    assert_eq!(link.handle(Input::Frozen(true), 1_000.0, HALF), Some(Command::Close));
    assert_eq!(link.handle(Input::Frozen(false), 90_000.0, HALF), Some(Command::Open));
}

#[test]
fn a_tab_that_nobody_sees_rests_and_goes_on_when_it_is_seen() {
    let mut link = live();
    link.handle(Input::Hidden, 1_000.0, HALF);
    link.handle(Input::Visible, 10_000.0, HALF);
    assert_eq!(link.handle(Input::Tick, 30_000.0, HALF), None, "it was looked at in between");
    link.handle(Input::Heard, 30_500.0, HALF);
    link.handle(Input::Hidden, 31_000.0, HALF);
    link.handle(Input::Hidden, 40_000.0, HALF);
    assert_eq!(link.handle(Input::Tick, 40_999.0, HALF), None);
    assert_eq!(link.handle(Input::Tick, 41_000.0, HALF), Some(Command::Close));
    assert_eq!(link.state(41_000.0), ConnectionState::Resting);
    for input in [Input::Tick, Input::Online, Input::Failed, Input::Want(true)] {
        assert_eq!(link.handle(input, 99_000.0, HALF), None);
    }
    assert_eq!(link.handle(Input::Visible, 99_000.0, HALF), Some(Command::Open));
    assert_eq!(link.state(99_000.0), ConnectionState::Connecting);
}

#[test]
fn a_tab_opened_in_the_background_connects_when_it_is_looked_at() {
    let mut link = Link::default();
    link.handle(Input::Hidden, 0.0, HALF);
    assert_eq!(link.handle(Input::Want(true), 1.0, HALF), None);
    assert_eq!(link.state(1.0), ConnectionState::Resting);
    assert_eq!(link.handle(Input::Visible, 60_000.0, HALF), Some(Command::Open));
}

#[test]
fn who_was_refused_does_not_come_back_sooner_for_having_been_hidden() {
    let mut link = live();
    link.handle(Input::Refused { message: "full".into(), retry_ms: Some(60_000) }, 1_000.0, HALF);
    link.handle(Input::Hidden, 1_000.0, HALF);
    assert_eq!(link.handle(Input::Tick, 20_000.0, HALF), None);
    assert_eq!(link.handle(Input::Visible, 21_000.0, HALF), None);
    assert_eq!(link.state(21_000.0), ConnectionState::Refused("full".into()));
    assert_eq!(link.handle(Input::Tick, 61_000.0, HALF), Some(Command::Open));
}

#[test]
fn a_clock_that_is_set_back_delays_nothing() {
    let mut link = Link::default();
    link.handle(Input::Want(true), 1e9, HALF);
    link.handle(Input::Failed, 1e9, HALF);
    assert_eq!(link.handle(Input::Tick, 1_000.0, HALF), None);
    assert_eq!(link.handle(Input::Tick, 1_299.0, HALF), None);
    assert_eq!(link.handle(Input::Tick, 1_300.0, HALF), Some(Command::Open));
    link.handle(Input::Opened { heartbeat_ms: 1_000 }, 1_400.0, HALF);
    assert_eq!(link.handle(Input::Tick, 0.0, HALF), None);
    assert_eq!(link.handle(Input::Tick, 2_501.0, HALF), Some(Command::Open), "silence is noticed all the same");
}

#[test]
fn a_server_that_greets_and_drops_is_not_hammered() {
    let mut link = Link::default();
    link.handle(Input::Want(true), 0.0, HALF);
    let mut now = 0.0;
    for _ in 0..6 {
        link.handle(Input::Opened { heartbeat_ms: 15_000 }, now, HALF);
        link.handle(Input::Failed, now, 1.0);
        now += 20_000.0;
        link.handle(Input::Tick, now, HALF);
    }
    link.handle(Input::Failed, now, 1.0);
    assert_eq!(link.state(now), ConnectionState::Reconnecting { seconds: 15 });
}

#[test]
fn a_tab_that_was_cut_while_it_rested_stays_cut() {
    let mut link = live();
    link.handle(Input::Hidden, 0.0, HALF);
    link.handle(Input::Tick, 20_000.0, HALF);
    assert_eq!(link.handle(Input::Cut(true), 21_000.0, HALF), None);
    assert_eq!(link.handle(Input::Visible, 22_000.0, HALF), None);
    assert_eq!(link.state(22_000.0), ConnectionState::Cut);
}

#[test]
fn a_server_that_drains_or_refuses_says_when_to_come_back() {
    let mut link = live();
    link.handle(Input::Drained { retry_ms: 3_000 }, 0.0, HALF);
    assert_eq!(link.state(100.0), ConnectionState::Reconnecting { seconds: 3 });
    assert_eq!(link.handle(Input::Failed, 50.0, HALF), None, "the end of the stream was announced");
    assert_eq!(link.handle(Input::Tick, 3_000.0, HALF), Some(Command::Open));
    link.handle(Input::Refused { message: "full".into(), retry_ms: Some(9_000) }, 3_000.0, HALF);
    assert_eq!(link.state(3_000.0), ConnectionState::Refused("full".into()));
    assert_eq!(link.handle(Input::Tick, 12_000.0, HALF), Some(Command::Open));
    link.handle(Input::Refused { message: "never".into(), retry_ms: None }, 12_000.0, HALF);
    assert_eq!(link.handle(Input::Tick, 9e9, HALF), None);
}
