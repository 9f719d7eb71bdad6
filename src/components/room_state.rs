//! What the parts of a room's page share: signals of what is shown, and beside them what nothing is shown of.
//! `chat_room.rs` makes it and shows it; `composer.rs`, `room_scroll.rs` and `room_people.rs` work on it.

use leptos::{html, prelude::*};

use super::{chat_room::RoomSeed, outbox::Outbox, room_log::RoomLog};
use crate::client::{ConnectionState, socket::quoted, use_connection};

#[derive(Clone, Copy)]
pub struct Room {
    pub log: RwSignal<RoomLog>,
    pub outbox: RwSignal<Outbox>,
    /// What it is called.
    pub title: RwSignal<String>,
    /// Why nothing can be said any longer; nothing if it can.
    pub closed: RwSignal<String>,
    /// What is wrong with what was written; nothing if all is well.
    pub note: RwSignal<String>,
    /// The message that is being edited.
    pub editing: RwSignal<Option<u64>>,
    /// The message before which there are older ones.
    pub older: RwSignal<Option<u64>>,
    /// What has come below while the reader was further up, and while nobody looked at the page.
    pub unseen: RwSignal<u32>,
    pub away: RwSignal<u32>,
    pub connection: ReadSignal<ConnectionState>,
    pub list: NodeRef<html::Div>,
    pub field: NodeRef<html::Textarea>,
    pub held: StoredValue<Held>,
}

/// What nothing is shown of.
#[derive(Clone, Debug)]
pub struct Held {
    /// The room's id, and the reader's, if they are somebody.
    pub room: String,
    pub me: Option<String>,
    /// The page shows older messages than the newest.
    pub past: bool,
    /// The newest message that the server knows to be seen.
    pub read: u64,
    /// Older messages are on the way.
    pub loading: bool,
    /// When others were last told that something is being written.
    pub typed: f64,
    /// The message whose writing is followed, and the subscription to it; no message and no subscription have the number 0.
    pub written: (u64, u32),
}

impl Room {
    pub fn new(seed: &RoomSeed) -> Self {
        let me = seed.me.as_ref().map(|me| me.id.clone());
        let log = RoomLog::new(seed.history.messages.clone(), seed.seen, me.as_deref().unwrap_or_default());
        let closed = match (seed.past, seed.archived) {
            (true, _) => "These are older messages. What is new is not shown here.",
            (false, true) => "This room is archived: it can be read only.",
            (false, false) => "",
        };
        Self {
            older: RwSignal::new(log.oldest().filter(|_| seed.history.more)),
            log: RwSignal::new(log),
            outbox: RwSignal::new(Outbox::default()),
            title: RwSignal::new(seed.title.clone()),
            closed: RwSignal::new(closed.to_owned()),
            note: RwSignal::new(String::new()),
            editing: RwSignal::new(None),
            unseen: RwSignal::new(0),
            away: RwSignal::new(0),
            connection: use_connection(),
            list: NodeRef::new(),
            field: NodeRef::new(),
            held: StoredValue::new(Held {
                room: seed.room.to_string(),
                me,
                past: seed.past,
                read: seed.seen.unwrap_or(0),
                loading: false,
                typed: 0.0,
                written: (0, 0),
            }),
        }
    }

    /// The room's id.
    pub fn id(self) -> String {
        self.held.with_value(|held| held.room.clone())
    }

    /// The reader's id; nothing if they are nobody.
    pub fn me(self) -> Option<String> {
        self.held.with_value(|held| held.me.clone())
    }

    pub fn is_live(self) -> bool {
        self.connection.with(|state| *state == ConnectionState::Live)
    }

    /// A command about this room as JSON, but for its end.
    pub fn command(self, kind: &str) -> String {
        ["{\"type\":\"", kind, "\",\"room\":", &quoted(&self.id())].concat()
    }
}
