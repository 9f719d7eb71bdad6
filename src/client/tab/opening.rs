//! Opens and closes the tab's connection. The link decides when; everything that bears on it is told to it here, by the rest
//! of the tab, by `page.rs` and by what is heard.

use std::time::Duration;

use leptos::prelude::*;

use super::{STATE, arriving::heard, note_blocked, with};
use crate::client::{
    event_source::{Heard, Source},
    link::{Command, Input},
    page,
};

/// After so many attempts to open a WebSocket that failed while HTTP got through, the page goes over server-sent events.
const BLOCKED: u32 = 2;

/// How long a page stays with server-sent events before it tries a WebSocket again: a moment's pause each time.
const TRY_WIRE_AFTER: Duration = Duration::from_secs(600);

/// Everything that bears on the connection goes through here.
pub(super) fn tell(input: Input) {
    let now = page::now_ms();
    let (command, state) = with(|tab| (tab.link.handle(input, now, page::random()), tab.link.state(now)));
    match command {
        Some(Command::Open) => open(),
        Some(Command::Close) => close(),
        None => {}
    }
    STATE.with(|signal| {
        if *signal.read_untracked() != state {
            signal.set(state);
        }
    });
}

fn open() {
    close();
    let open_wire = with(|tab| tab.open_wire.filter(|_| tab.blocked < BLOCKED));
    with(|tab| tab.link.lasts_while_hidden(open_wire.is_some()));
    if let Some(open_wire) = open_wire {
        match open_wire(heard) {
            Some(wire) => with(|tab| tab.wire = Some(wire)),
            None => {
                note_blocked();
                heard(Heard::Error);
            }
        }
        return;
    }
    let url = with(|tab| {
        let marks = tab.marks();
        tab.carried = marks.iter().map(|mark| mark.topic.clone()).collect();
        tab.subscriptions.iter_mut().for_each(|subscription| subscription.served = true);
        let mut url = "/api/stream?".to_owned();
        for mark in &marks {
            url.push_str(&["topic=", &mark.to_string(), "&"].concat());
        }
        url
    });
    match Source::open(&url, heard) {
        Some(source) => with(|tab| tab.source = Some(source)),
        None => tell(Input::Failed),
    }
}

fn close() {
    let open = with(|tab| {
        tab.connection = None;
        tab.carried.clear();
        let source = tab.source.take();
        if source.is_some() {
            // What was blocked may be open by now: a WebSocket has one attempt before the next stream.
            tab.blocked = tab.blocked.min(BLOCKED - 1);
        }
        (source, tab.wire.take())
    });
    // Dropped here, when nothing is borrowed.
    drop(open);
}

/// Gives up this stream after a while, if it is still there: a WebSocket is tried before the next.
pub(super) fn try_wire_later() {
    let now = with(|tab| tab.connection.clone());
    let end = move || {
        if with(|tab| tab.connection == now) {
            tell(Input::Failed);
        }
    };
    set_timeout(end, TRY_WIRE_AFTER);
}
