//! What the parts of a conversation's page share, and how it is brought up to date. `conversation.rs` makes it and shows
//! it; `conversation_ask.rs`, `conversation_acts.rs` and `conversation_scroll.rs` work on it.

use std::time::Duration;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{answer_log, conversation_ask, conversation_pending::Pending, seed::Seed};
use crate::{
    client::{ConnectionState, fetch, use_connection},
    wire::{
        Position,
        assistant::{Conversation, Message, Status},
        topic::Segment,
    },
};

/// What the island starts from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConversationSeed {
    pub conversation: Conversation,
    /// Nothing has been asked in it yet, and nobody knows of it.
    pub fresh: bool,
    /// The first is what answers unless another is chosen.
    pub models: Vec<String>,
    /// Where whoever it is shared with can read it.
    pub link: String,
    /// Whose list of conversations stands beside it, and at which position that is true.
    pub person: Option<Segment>,
    pub listed: Position,
    /// For the forms, where there is no script to make one.
    pub client: String,
    /// What a form was sent with the last time, if that failed and there is no script.
    pub draft: String,
}

impl Seed for ConversationSeed {
    const ID: &'static str = "conversation-seed";
}

#[derive(Clone, Copy)]
pub struct Chat {
    pub title: RwSignal<String>,
    pub shared: RwSignal<bool>,
    /// The path that is shown.
    pub entries: RwSignal<Vec<Entry>>,
    /// What was asked and is not among the messages yet.
    pub pending: RwSignal<Option<Pending>>,
    /// What is wrong with what was done last; nothing if all is well.
    pub note: RwSignal<String>,
    /// For screen readers.
    pub said: RwSignal<String>,
    /// Why nothing of it is shown any longer; nothing if it is.
    pub gone: RwSignal<String>,
    /// The reader is further up.
    pub away: RwSignal<bool>,
    pub connection: ReadSignal<ConnectionState>,
    pub held: StoredValue<Held>,
}

/// A message keeps its signal, and with it its place in the page, for as long as it is shown.
#[derive(Clone, Copy)]
pub struct Entry {
    pub id: u64,
    pub message: RwSignal<Message>,
}

/// What nothing is shown of.
#[derive(Clone, Debug)]
pub struct Held {
    pub id: String,
    pub fresh: bool,
    pub mine: bool,
    pub models: Vec<String>,
    pub client: String,
    /// At which what is shown is true.
    pub position: Position,
    /// It is being fetched; and something has happened since that began, or it could not be fetched.
    fetching: bool,
    stale: bool,
    /// The path of the form that is being done; nothing if none is.
    pub acting: String,
    /// The page follows what is written; where it stood when it was scrolled last.
    pub follows: bool,
    pub top: i32,
}

/// Until one looks again at an answer that cannot be followed, because another process writes it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Chat {
    pub fn new(seed: &mut ConversationSeed) -> Self {
        let messages = std::mem::take(&mut seed.conversation.messages);
        let Conversation { id, title, mine, shared, position, .. } = &seed.conversation;
        let entry = |message: Message| Entry { id: message.id, message: RwSignal::new(message) };
        Self {
            title: RwSignal::new(title.clone()),
            shared: RwSignal::new(*shared),
            entries: RwSignal::new(messages.into_iter().map(entry).collect()),
            pending: RwSignal::new(None),
            note: RwSignal::new(String::new()),
            said: RwSignal::new(String::new()),
            gone: RwSignal::new(String::new()),
            away: RwSignal::new(false),
            connection: use_connection(),
            held: StoredValue::new(Held {
                id: id.to_string(),
                fresh: seed.fresh,
                mine: *mine,
                models: seed.models.clone(),
                client: seed.client.clone(),
                position: *position,
                fetching: false,
                stale: false,
                acting: String::new(),
                follows: *mine,
                top: 0,
            }),
        }
    }

    pub fn id(self) -> String {
        self.held.with_value(|held| held.id.clone())
    }

    pub fn is_mine(self) -> bool {
        self.held.with_value(|held| held.mine)
    }

    pub fn is_fresh(self) -> bool {
        self.held.with_value(|held| held.fresh)
    }

    pub fn is_gone(self) -> bool {
        self.gone.with(|words| !words.is_empty())
    }

    pub fn is_live(self) -> bool {
        self.connection.with(|state| *state == ConnectionState::Live)
    }

    /// The answer that is being written.
    pub fn running(self) -> Option<u64> {
        let is_running = |entry: &&Entry| entry.message.with(|message| message.status == Status::Running);
        self.entries.with(|entries| entries.iter().rev().find(is_running).map(|entry| entry.id))
    }

    pub fn message(self, id: u64) -> Option<RwSignal<Message>> {
        self.entries.with_untracked(|entries| entries.iter().find(|entry| entry.id == id).map(|entry| entry.message))
    }

    /// Shows it as it is now. What did not change is not touched.
    fn show(self, Conversation { title, shared, messages, position, .. }: Conversation) {
        // Two answers may overtake each other.
        let held = self.held.with_value(|held| held.position);
        if held.epoch == position.epoch && held.offset > position.offset {
            return;
        }
        self.held.update_value(|held| held.position = position);
        if self.title.with_untracked(|held| *held != title) {
            self.title.set(title);
        }
        if self.shared.get_untracked() != shared {
            self.shared.set(shared);
        }
        let ids = |entries: &[Entry]| entries.iter().map(|entry| entry.id).collect::<Vec<_>>();
        let before = self.entries.with_untracked(|entries| ids(entries));
        let entry = |message: Message| match self.message(message.id) {
            Some(held) => {
                let id = message.id;
                held.maybe_update(|held| answer_log::replace(held, message));
                Entry { id, message: held }
            }
            // It belongs to nobody and stays as long as the page: an answer's text.
            None => Entry { id: message.id, message: RwSignal::new(message) },
        };
        let entries: Vec<_> = messages.into_iter().map(entry).collect();
        if ids(&entries) != before {
            self.entries.set(entries);
        }
    }

    /// Something is another than it was: looks what.
    pub fn refresh(self) {
        // A question that is on its way is looked for when it has arrived: it would be there twice.
        let asking = self.pending.with_untracked(|pending| pending.as_ref().is_some_and(Pending::is_on_its_way));
        if self.held.try_with_value(|held| held.fetching || held.fresh) != Some(false) || asking {
            self.held.try_update_value(|held| held.stale = true);
            return;
        }
        self.held.update_value(|held| (held.fetching, held.stale) = (true, false));
        leptos::task::spawn_local(async move {
            let found = self.fetch().await;
            let stale = self.held.try_update_value(|held| {
                held.fetching = false;
                // What cannot be fetched now is fetched when there is a connection again.
                std::mem::replace(&mut held.stale, !found)
            });
            if stale == Some(true) {
                self.refresh();
            }
        });
    }

    /// Whether it could be.
    pub async fn fetch(self) -> bool {
        let Some(id) = self.held.try_with_value(|held| held.id.clone()) else { return false };
        let Some(found) = fetch::<Conversation>(&["/api/conversations/", &id].concat()).await else { return false };
        if self.gone.try_get_untracked().is_some_and(|words| words.is_empty()) {
            self.show(found);
            self.look_at_strays();
        }
        true
    }

    /// What was missed while there was no connection, or what cannot be followed, is looked for.
    pub fn catch_up(self) {
        if self.held.with_value(|held| held.stale) {
            self.refresh();
        }
    }

    /// Looks again and again at an answer that cannot be followed.
    pub fn look_at_strays(self) {
        let is_stray = |entry: &Entry| {
            entry.message.with_untracked(|message| message.status == Status::Running && message.run.is_none())
        };
        if self.entries.with_untracked(|entries| entries.iter().any(is_stray)) {
            set_timeout(move || self.refresh(), LOOK_AGAIN);
        }
    }

    /// Nothing of it is shown any longer.
    pub fn close(self, why: &str) {
        let kept = if conversation_ask::give_up(self) { " What you were writing is kept for a new one." } else { "" };
        self.entries.set(Vec::new());
        self.gone.set([why, kept].concat());
    }
}
