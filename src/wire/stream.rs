//! What a live stream says besides events, and what a snapshot holds. `docs/protocol.md` shows each as recorded.

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    position::Position,
    topic::{Mark, Topic},
};

/// Names of the SSE events that are not a topic's own. A topic's events have no name (`message` in a browser).
pub mod name {
    pub const CONNECTED: &str = "connected";
    pub const SUBSCRIBED: &str = "subscribed";
    pub const RESET: &str = "reset";
    pub const HEARTBEAT: &str = "heartbeat";
    pub const DRAINING: &str = "draining";
    pub const REFUSED: &str = "refused";
    pub const LOST: &str = "lost";
}

/// An event as a snapshot lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event<T> {
    pub offset: u64,
    pub data: T,
}

/// A topic's state and the position it is true at: subscribe from there, and there is no gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot<T> {
    pub topic: Topic,
    pub position: Position,
    /// Oldest first. Of a log the newest events; of a latest the newest event of each key.
    pub events: Vec<Event<T>>,
}

/// The event of a latest topic: this key has this value now, or (`None`) was removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Keyed<T> {
    pub key: String,
    pub value: Option<T>,
}

/// First on every stream that names its topics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connected {
    /// Unguessable; whoever knows it may change what this stream carries (`POST /api/stream/{connection}`).
    pub connection: String,
    /// A silent stream sends a heartbeat this often, in milliseconds.
    pub heartbeat_ms: u32,
    pub topics: Vec<Subscribed>,
}

/// Topics joined a live stream, or their cursors were moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    pub topics: Vec<Subscribed>,
}

/// From where a subscription reads, and how far the topic had come when it began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscribed {
    pub topic: Topic,
    pub from: Position,
    pub head: Position,
}

/// A cursor could not read on without a gap: forget what you hold, or mark where it ends, and take the snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reset<T> {
    pub topic: Topic,
    pub reason: ResetReason,
    /// The new position; live events follow it.
    pub position: Position,
    pub snapshot: Snapshot<T>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetReason {
    /// The topic began anew since: an ephemeral one after a restart or after it was idle.
    UnknownEpoch,
    /// What follows the position is no longer kept.
    TooOld,
    /// The position is beyond the newest event.
    AheadOfHead,
}

/// A topic is nothing of the reader's any longer; nothing more of it will come. The rest of the stream goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lost {
    pub topic: Topic,
    /// For people.
    pub message: String,
}

/// The server is shutting down; come back after this delay, which is another for each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draining {
    pub retry_ms: u32,
}

/// Why a stream was not opened. The stream closes after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    pub code: RefusedCode,
    /// For people.
    pub message: String,
    /// When to try again; none if trying again cannot help.
    pub retry_ms: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusedCode {
    UnknownTopic,
    BadPosition,
    TooManyTopics,
    TooManyConnections,
    Overloaded,
    Draining,
    /// The session ended, while the stream was open or while its reader was away. The page has to be loaded again.
    SignedOut,
}

/// Any of the above, a `GET /api/head` too, for a reader that cares for a few fields only. One type in place of five
/// spares every visitor the code of four.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Notice {
    pub connection: Option<String>,
    pub heartbeat_ms: Option<u32>,
    #[serde(default)]
    pub topics: Vec<Subscribed>,
    pub topic: Option<Topic>,
    pub position: Option<Position>,
    pub message: Option<String>,
    pub retry_ms: Option<u32>,
}

/// Changes the topics of a live stream (`POST /api/stream/{connection}`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeTopics {
    #[serde(default, deserialize_with = "marks")]
    pub subscribe: Vec<Mark>,
    #[serde(default)]
    pub unsubscribe: Vec<Topic>,
}

/// Each between quotation marks, with commas between them.
fn quoted<T: ToString>(topics: &[T]) -> String {
    let mut list = String::new();
    for topic in topics {
        let before = if list.is_empty() { "\"" } else { ",\"" };
        list.push_str(&[before, &topic.to_string(), "\""].concat());
    }
    list
}

impl ChangeTopics {
    /// As JSON. Written by hand, so that no visitor loads a serializer for it; a topic's text needs no escaping.
    pub fn to_json(&self) -> String {
        let (subscribe, unsubscribe) = (quoted(&self.subscribe), quoted(&self.unsubscribe));
        ["{\"subscribe\":[", &subscribe, "],\"unsubscribe\":[", &unsubscribe, "]}"].concat()
    }

    /// The same as messages of a WebSocket.
    pub fn to_messages(&self) -> Vec<String> {
        let message = |kind: &str, topics: String| ["{\"type\":\"", kind, "\",\"topics\":[", &topics, "]}"].concat();
        let mut messages = Vec::new();
        if !self.unsubscribe.is_empty() {
            messages.push(message("unsubscribe", quoted(&self.unsubscribe)));
        }
        if !self.subscribe.is_empty() {
            messages.push(message("subscribe", quoted(&self.subscribe)));
        }
        messages
    }
}

/// Marks travel as text.
fn marks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Mark>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_topics_reads_back_as_it_was_written() {
        let mark = |text: &str| text.parse::<Mark>().unwrap();
        let change = ChangeTopics {
            subscribe: vec![mark("feed@9f3ac04e51d27b86:1234"), mark("channel/a.b/C_d~e-9")],
            unsubscribe: vec![Topic::Inspector],
        };
        for change in [change, ChangeTopics::default()] {
            assert_eq!(serde_json::from_str::<ChangeTopics>(&change.to_json()).unwrap(), change);
        }
    }
}
