//! Rooms: what is said in them, who is there, who is writing. The events of the topics `room/{room}`,
//! `presence/{room}` and `typing/{room}`.

use serde::{Deserialize, Serialize};

use super::{Position, person::Visitor};

/// A message is at most this long, in characters.
pub const MESSAGE_CHARS: usize = 4_000;

/// A page shows so many of the newest messages, and fetches as many older ones at a time.
pub const PAGE_MESSAGES: u32 = 50;

/// Who writes says so at most this often, in milliseconds; after twice as long they are taken to have stopped.
pub const TYPING_MS: u32 = 3_000;

/// The room that is there from the start.
pub const LOBBY: &str = "lobby";

/// Who wrote a message: a person, or a program that showed an API key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    pub id: String,
    pub name: String,
    /// The colour, in degrees.
    pub hue: u16,
    #[serde(default, skip_serializing_if = "is_false")]
    pub bot: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Rises with time, over all rooms.
    pub id: u64,
    pub author: Author,
    /// As it was written; nothing if it was deleted. The assistant writes Markdown.
    pub text: String,
    /// Of what the assistant wrote: its blocks as HTML, safe to be shown. What others write is text and nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub html: Vec<String>,
    /// Milliseconds since 1970 (UTC).
    pub time: u64,
    /// Made by the author's client: the same one is the same message.
    pub client: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub edited: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub deleted: bool,
    /// The names after an `@` that are somebody's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    /// While it is being written, as the assistant's are: the mark (`run/{id}@{position}`) from which on all of it is told. What it is in the end is an event of the room. A text, because a type of its own is code for every visitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// An event of a room. After any of the first three, `message` is what it is now; of the others, `person` is whom it is
/// about, or `title` what the room is called now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomEvent {
    #[serde(rename = "type")]
    pub kind: RoomEventKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Visitor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomEventKind {
    MessagePosted,
    MessageEdited,
    MessageDeleted,
    MemberJoined,
    MemberLeft,
    MemberRemoved,
    RoomRenamed,
    RoomArchived,
}

/// Unread messages are counted up to here: beyond, nobody counts.
pub const UNREAD_COUNTED: u32 = 1_000;

/// A room in the list of one person's rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomItem {
    pub id: String,
    pub title: String,
    pub private: bool,
    pub archived: bool,
    /// Whether this person belongs to it.
    pub member: bool,
    /// Messages of others that they have not seen, counted up to [`UNREAD_COUNTED`].
    pub unread: u32,
    /// Of the newest message, in milliseconds since 1970 (UTC).
    pub newest: Option<u64>,
}

/// Messages, oldest first, and the position they are true at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    pub position: Position,
    pub messages: Vec<Message>,
    /// There are older ones.
    pub more: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}
