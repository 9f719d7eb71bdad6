//! A room's messages from the first to the last, in pieces: what jobs about rooms read.

use serde_json::Value;

use super::{Checked, Failure, InputError, Run};
use crate::{
    server::store::{messages, rooms},
    wire::{Topic, room::Message, topic::Segment},
};

/// Messages in one read: some milliseconds' worth.
const PIECE: u32 = 2_000;

/// Which room an input is about. Without a room, nothing else of it is looked at.
pub fn room(input: &Value) -> Result<Segment, InputError> {
    let unknown = || InputError::new("input.room", "the id of a room that you may read");
    input.get("room").and_then(Value::as_str).and_then(|room| Segment::new(room).ok()).ok_or_else(unknown)
}

/// An input in order that is about a room.
pub fn about(room: Segment, input: Value) -> Checked {
    Checked { input, reads: vec![(Topic::Room { room }, "input.room")] }
}

/// Refuses what an input has besides these fields, which would be a mistake that nobody notices.
pub fn only(input: &Value, fields: &[&'static str]) -> Result<(), InputError> {
    let object = input.as_object().ok_or_else(|| InputError::new("input", "an object"))?;
    match object.keys().find(|key| !fields.contains(&key.as_str())) {
        Some(key) => {
            let key: String = key.chars().take(50).collect();
            Err(InputError::new(format!("input.{key}"), format!("there is nothing but {}", fields.join(", "))))
        }
        None => Ok(()),
    }
}

/// Reads a room that it may be begun on, up to the message that is the newest now.
pub struct History<'r> {
    run: &'r Run,
    room: String,
    pub title: String,
    pub total: u64,
    last: u64,
    read: u64,
    after: u64,
}

impl<'r> History<'r> {
    pub async fn begin(run: &'r Run) -> Result<Self, Failure> {
        let gone = || Failure::Final("There is no such room any more.".to_owned());
        let room = room(&run.input).map_err(|error| Failure::Final(error.to_string()))?.to_string();
        let mut read = run.store.read().await?;
        let title = rooms::room(&mut read, &room).await?.ok_or_else(gone)?.title;
        let (total, last) = messages::extent(&mut read, &room).await?;
        Ok(Self { run, room, title, total, last, read: 0, after: 0 })
    }

    /// The next messages, oldest first; none at the end. Says how far the reading is.
    pub async fn next(&mut self, doing: &str) -> Result<Vec<Message>, Failure> {
        self.run.tell(self.read, self.total, doing);
        let mut read = self.run.store.read().await.map_err(Failure::Store)?;
        let messages = messages::between(&mut read, &self.room, self.after, self.last, PIECE).await?;
        self.read += messages.len() as u64;
        self.after = messages.last().map_or(self.last, |message| message.id);
        Ok(messages)
    }
}
