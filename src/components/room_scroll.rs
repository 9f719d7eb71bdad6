//! Where the reader is in a room: at its end, which new messages then follow; further up, where nothing moves and what
//! is new is counted; at the beginning, where older messages are fetched. The list is turned upside down (`chat.css`),
//! so that it is measured from its end.

use leptos::prelude::*;

use super::{room_log::RoomLog, room_state::Room};
use crate::{
    client::{ConnectionState, effect, fetch, set_title, socket},
    wire::room::History,
};

/// Closer to the end than this, in pixels, is at the end; closer to the beginning than that fetches what is older.
const NEAR_END: i32 = 48;
const NEAR_BEGINNING: i32 = 300;

fn is_at_end(room: Room) -> bool {
    room.list.get_untracked().is_none_or(|list| list.scroll_top() > -NEAR_END)
}

pub fn go_to_end(room: Room) {
    if let Some(list) = room.list.get_untracked() {
        list.set_scroll_top(0);
    }
    room.unseen.set(0);
}

/// Changes the messages; `change` says how many are new. What comes in at the end moves nothing for whoever reads
/// further up.
pub fn change(room: Room, change: &mut dyn FnMut(&mut RoomLog) -> u32) {
    let (stays, before) = (is_at_end(room), room.list.get_untracked().map_or(0, |list| list.scroll_height()));
    let mut new = 0;
    room.log.update(|log| new = change(log));
    if document().hidden() {
        room.away.update(|away| *away += new);
    }
    request_animation_frame(move || {
        let Some(list) = room.list.get_untracked() else { return };
        if stays {
            list.set_scroll_top(0);
        } else {
            list.set_scroll_top(list.scroll_top() - (list.scroll_height() - before));
            room.unseen.update(|unseen| *unseen += new);
        }
        note_read(room);
    });
}

pub fn scrolled(room: Room) {
    let Some(list) = room.list.get_untracked() else { return };
    if is_at_end(room) {
        room.unseen.set(0);
        note_read(room);
    }
    if list.scroll_height() + list.scroll_top() - list.client_height() < NEAR_BEGINNING {
        fetch_older(room);
    }
}

/// Tells the server how far one has read, if the end is looked at and it does not know yet.
pub fn note_read(room: Room) {
    let newest = room.log.with_untracked(RoomLog::newest).unwrap_or(0);
    let somebody_has_read = room.held.with_value(|held| held.me.is_some() && newest > held.read);
    let live = room.connection.with_untracked(|state| *state == ConnectionState::Live);
    if somebody_has_read && is_at_end(room) && !document().hidden() && live {
        room.held.update_value(|held| held.read = newest);
        socket::mention([&room.command("read"), ",\"message\":", &newest.to_string(), "}"].concat());
    }
}

fn fetch_older(room: Room) {
    let Some(before) = room.older.get_untracked().filter(|_| !room.held.with_value(|held| held.loading)) else {
        return;
    };
    room.held.update_value(|held| held.loading = true);
    leptos::task::spawn_local(async move {
        let query = ["?before=", &before.to_string()].concat();
        if let Some(History { messages, more, .. }) = fetch_history(room, &query).await {
            // The list is measured from its end: what is put before it moves nothing.
            room.log.update(|log| log.put_before(messages));
            room.older.set(room.log.with_untracked(RoomLog::oldest).filter(|_| more));
        }
        room.held.update_value(|held| held.loading = false);
    });
}

/// After a reset: there is no way on from where this page stood. The newest messages, and a note where there is a gap.
pub fn fetch_newest(room: Room) {
    leptos::task::spawn_local(async move {
        if let Some(History { messages, .. }) = fetch_history(room, "").await {
            let mut messages = Some(messages);
            change(room, &mut |log| {
                log.put_newest(messages.take().unwrap_or_default());
                0
            });
        }
    });
}

async fn fetch_history(room: Room, query: &str) -> Option<History> {
    fetch(&["/api/rooms/", &room.id(), "/messages", query].concat()).await
}

/// Titles count what is new while nobody looks, and whoever looks again has seen it.
pub fn count_in_title(room: Room) {
    effect(move |_| {
        let (title, away) = (room.title.get(), room.away.get());
        let count = if away > 0 { ["(", &away.to_string(), ") "].concat() } else { String::new() };
        set_title(&[&count, &title, " · Tidemark"].concat());
    });
    effect(move |_| {
        let looked = window_event_listener_untyped("visibilitychange", move |_| {
            if !document().hidden() {
                room.away.set(0);
                note_read(room);
            }
        });
        on_cleanup(move || looked.remove());
    });
}
