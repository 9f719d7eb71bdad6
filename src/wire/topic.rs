//! The typed names of topics, and what is declared of each: kind, durability, retention.
//! Only this file formats or parses one. Who may read and write is the door's business (`server/session/may.rs`).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::position::{BadPosition, Position};

/// A topic's text is never longer than this, in bytes: it stands in URLs and in every SSE id.
pub const TOPIC_BYTES: usize = 128;

/// A stream carries at most this many topics: its SSE `id` holds the position of each, on every event.
pub const TOPICS_PER_STREAM: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// `feed`: the server's measurements of itself.
    Feed,
    /// `inspector`: what the server's topics and connections are doing, for developers.
    Inspector,
    /// `user/{id}`: a person's notifications.
    User { id: Segment },
    /// `room/{room}`: what is said in a room.
    Room { room: Segment },
    /// `presence/{room}`: who is in a room now.
    Presence { room: Segment },
    /// `typing/{room}`: who is writing in a room now.
    Typing { room: Segment },
    /// `job/{id}`: the states of a job, each whole.
    Job { id: Segment },
    /// `conversation/{id}`: that something of a conversation with the assistant is another now.
    Conversation { id: Segment },
    /// `conversations/{person}`: that something of somebody's list of conversations is another now.
    Conversations { person: Segment },
    /// `run/{id}`: an answer of the assistant, as it is written.
    Run { id: Segment },
    /// `channel/{app}/{name}`: whatever other programs publish.
    Channel { app: Segment, name: Segment },
}

/// One part of a topic's name: 1 to 48 of the characters that need no escaping in a URL (RFC 3986, *unreserved*).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Segment(String);

const SEGMENT_BYTES: usize = 48;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A list of events; offsets rise by one.
    Log,
    /// Key → newest value; a reader that falls behind gets each changed key once.
    Latest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Lives in memory; a restart begins a new epoch.
    Ephemeral,
    /// Lives in the store, whose newest part is in memory; a restart changes nothing.
    Durable(Kept),
}

/// What stays in the store. Whichever limit is reached first removes the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub events: u64,
    pub days: u32,
}

/// What stays in memory for cursors to resume from. Whichever limit is reached first removes the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub events: usize,
    /// Bytes of encoded payloads.
    pub bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub kind: Kind,
    pub durability: Durability,
    pub retention: Retention,
    /// How many of a log's newest events its snapshot shows. A latest shows every key.
    pub snapshot_events: usize,
}

impl Topic {
    pub fn is_durable(&self) -> bool {
        matches!(self.policy().durability, Durability::Durable(_))
    }

    pub fn policy(&self) -> Policy {
        let ephemeral = |kind, events, bytes| Policy {
            kind,
            durability: Durability::Ephemeral,
            retention: Retention { events, bytes },
            snapshot_events: crate::wire::feed::FEED_ROWS,
        };
        match self {
            // Two hours and a quarter at one sample a second: a laptop closed over lunch resumes.
            Self::Feed => ephemeral(Kind::Log, 8_192, 2 << 20),
            // Removed keys stay as tombstones until these limits; nobody resumes the inspector after that.
            Self::Inspector => ephemeral(Kind::Latest, 4_096, 4 << 20),
            // In memory: what people miss between two looks. Stored: what the page of notifications shows and more.
            Self::User { .. } => Policy {
                durability: Durability::Durable(Kept { events: 10_000, days: 400 }),
                ..ephemeral(Kind::Log, 64, 64 << 10)
            },
            // In memory: what a busy room says in a few minutes. Stored: as much as one catches up with; the messages
            // themselves are rows and stay.
            Self::Room { .. } => Policy {
                durability: Durability::Durable(Kept { events: 100_000, days: 400 }),
                ..ephemeral(Kind::Log, 256, 512 << 10)
            },
            // Each event is the whole state: one is enough to go on from, the others are a history to look at.
            Self::Job { .. } => Policy {
                durability: Durability::Durable(Kept { events: 1_000, days: 100 }),
                snapshot_events: 1,
                ..ephemeral(Kind::Log, 64, 64 << 10)
            },
            // Each event says only where to look: one would do.
            Self::Conversation { .. } | Self::Conversations { .. } => Policy {
                durability: Durability::Durable(Kept { events: 1_000, days: 400 }),
                snapshot_events: 1,
                ..ephemeral(Kind::Log, 16, 16 << 10)
            },
            // The longest answers as they are written, twenty-five pieces a second for some minutes: whoever reloads goes
            // on from the exact piece. What outlives it is stored with the message.
            Self::Run { .. } => Policy { snapshot_events: 1, ..ephemeral(Kind::Log, 8_192, 1 << 20) },
            // A key is a person; who left is remembered for those who were away for less than a few hundred comings.
            Self::Presence { .. } | Self::Typing { .. } => ephemeral(Kind::Latest, 1_024, 256 << 10),
            Self::Channel { .. } => ephemeral(Kind::Log, 1_024, 1 << 20),
        }
    }

    /// The room that this topic is about.
    pub fn room(&self) -> Option<&Segment> {
        match self {
            Self::Room { room } | Self::Presence { room } | Self::Typing { room } => Some(room),
            Self::Feed
            | Self::Inspector
            | Self::User { .. }
            | Self::Job { .. }
            | Self::Conversation { .. }
            | Self::Conversations { .. }
            | Self::Run { .. }
            | Self::Channel { .. } => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadTopic {
    #[error("there is no such topic")]
    Unknown,
    #[error("a topic's name has at most {TOPIC_BYTES} bytes")]
    TooLong,
    #[error("{0}")]
    Position(#[from] BadPosition),
}

impl Segment {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn new(text: &str) -> Result<Self, BadTopic> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        match text.len() {
            1..=SEGMENT_BYTES if text.bytes().all(unreserved) => Ok(Self(text.to_owned())),
            _ => Err(BadTopic::Unknown),
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feed => f.write_str("feed"),
            Self::Inspector => f.write_str("inspector"),
            Self::User { id } => write!(f, "user/{}", id.0),
            Self::Room { room } => write!(f, "room/{}", room.0),
            Self::Presence { room } => write!(f, "presence/{}", room.0),
            Self::Typing { room } => write!(f, "typing/{}", room.0),
            Self::Job { id } => write!(f, "job/{}", id.0),
            Self::Conversation { id } => write!(f, "conversation/{}", id.0),
            Self::Conversations { person } => write!(f, "conversations/{}", person.0),
            Self::Run { id } => write!(f, "run/{}", id.0),
            Self::Channel { app, name } => write!(f, "channel/{}/{}", app.0, name.0),
        }
    }
}

impl FromStr for Topic {
    type Err = BadTopic;

    fn from_str(text: &str) -> Result<Self, BadTopic> {
        if text.len() > TOPIC_BYTES {
            return Err(BadTopic::TooLong);
        }
        let mut parts = text.split('/');
        let topic = match (parts.next(), parts.next(), parts.next()) {
            (Some("feed"), None, None) => Self::Feed,
            (Some("inspector"), None, None) => Self::Inspector,
            (Some("user"), Some(id), None) => Self::User { id: Segment::new(id)? },
            (Some("room"), Some(room), None) => Self::Room { room: Segment::new(room)? },
            (Some("presence"), Some(room), None) => Self::Presence { room: Segment::new(room)? },
            (Some("typing"), Some(room), None) => Self::Typing { room: Segment::new(room)? },
            (Some("job"), Some(id), None) => Self::Job { id: Segment::new(id)? },
            (Some("conversation"), Some(id), None) => Self::Conversation { id: Segment::new(id)? },
            (Some("conversations"), Some(person), None) => Self::Conversations { person: Segment::new(person)? },
            (Some("run"), Some(id), None) => Self::Run { id: Segment::new(id)? },
            (Some("channel"), Some(app), Some(name)) => {
                Self::Channel { app: Segment::new(app)?, name: Segment::new(name)? }
            }
            _ => return Err(BadTopic::Unknown),
        };
        match parts.next() {
            None => Ok(topic),
            Some(_) => Err(BadTopic::Unknown),
        }
    }
}

impl Serialize for Segment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Segment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Topic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A topic and, where known, the place to read on from: `feed` or `feed@9f3ac04e51d27b86:1234`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub topic: Topic,
    pub position: Option<Position>,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.topic.fmt(f)?;
        match self.position {
            Some(position) => write!(f, "@{position}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Mark {
    type Err = BadTopic;

    fn from_str(text: &str) -> Result<Self, BadTopic> {
        let (topic, position) = match text.split_once('@') {
            Some((topic, position)) => (topic, Some(position)),
            None => (text, None),
        };
        Ok(Self { topic: topic.parse()?, position: position.map(str::parse).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_reads_back_as_it_was_written() {
        for text in [
            "feed",
            "inspector",
            "user/7",
            "room/lobby",
            "presence/lobby",
            "typing/lobby",
            "job/9f3ac04e51d27b86",
            "conversation/9f3ac04e51d27b869f3ac04e51d27b86",
            "conversations/7",
            "run/9f3ac04e51d27b86",
            "channel/shop/orders",
            "channel/a.b/C_d~e-9",
        ] {
            assert_eq!(text.parse::<Topic>().map(|t| t.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn names_that_could_break_a_frame_or_a_url_are_unknown() {
        for text in ["", "Feed", "feed/", "/feed", "feed/x", "channel/a", "channel/a/", "channel//b", "channel/a/b/c"] {
            assert_eq!(text.parse::<Topic>(), Err(BadTopic::Unknown), "{text}");
        }
        for name in ["a b", "a\nb", "a\0", "ä", "a,b", "a@b", "a?b", "a%20", &"x".repeat(49)] {
            assert_eq!(format!("channel/a/{name}").parse::<Topic>(), Err(BadTopic::Unknown), "{name}");
        }
        assert_eq!("x".repeat(TOPIC_BYTES + 1).parse::<Topic>(), Err(BadTopic::TooLong));
    }

    #[test]
    fn a_mark_carries_its_position_or_none() {
        let text = "feed@9f3ac04e51d27b86:1234";
        assert_eq!(text.parse::<Mark>().map(|m| m.to_string()).as_deref(), Ok(text));
        assert_eq!("feed".parse::<Mark>().map(|m| m.position), Ok(None));
        assert_eq!("feed@".parse::<Mark>(), Err(BadTopic::Position(BadPosition)));
        assert_eq!("feed@9f3a:1".parse::<Mark>(), Err(BadTopic::Position(BadPosition)));
    }
}
