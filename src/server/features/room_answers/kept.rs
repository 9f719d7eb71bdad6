//! Where an answer in a room is kept: in its message, which is stored as far as it is written and told to the room when it
//! is whole.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;

use crate::{
    server::{
        features::{
            answer::{self, Kept},
            conversations::Assistant,
            rooms::tell_message,
            runs::{Ended, Go, Keep, LEASE_MS, Runs},
            text::harmless,
        },
        markdown::{self, Effort},
        store::{Store, StoreError, Tx, now_ms},
        tools::Toolbox,
    },
    wire::{
        Topic,
        assistant::Status,
        room::{MESSAGE_CHARS, RoomEventKind},
        topic::{Mark, Segment},
    },
};

use super::{NAME, client_of};

/// An answer's place in a room.
#[derive(Debug)]
pub struct InRoom {
    pub assistant: Arc<Assistant>,
    /// For the answer after this one.
    pub tools: Toolbox,
    pub room: String,
    pub message: u64,
    pub run: Segment,
    /// What its text begins with.
    pub before: String,
    /// What was added, as it comes.
    pub chunks: Mutex<Vec<String>>,
}

impl Keep for InRoom {
    fn add(&self, added: Option<String>) -> BoxFuture<'_, Result<Go, StoreError>> {
        let text = {
            let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
            chunks.extend(added);
            self.text(&answer::from_json("[]", &chunks))
        };
        let (message, run) = (self.message, self.run.clone());
        Box::pin(self.assistant.store.write(move |tx| {
            Box::pin(async move {
                let lease = Some(tx.now_ms + LEASE_MS);
                let is_ours = tx.write_message(message, run.as_str(), &fitting(&text, ""), lease).await?;
                Ok(match is_ours {
                    // What comes beyond that would be for nobody.
                    true if text.chars().count() > MESSAGE_CHARS => Go::Stop,
                    true => Go::On,
                    false => Go::Gone,
                })
            })
        }))
    }

    fn end(&self, ended: Ended) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut text = fitting(&self.text(&ended.parts), &last_words(ended.status, ended.error));
        if text.is_empty() {
            text = "(There was no answer.)".to_owned();
        }
        // Before the writer, whom everybody waits for.
        let html = markdown::render(&text);
        let (room, message, run) = (self.room.clone(), self.message, self.run.clone());
        Box::pin(self.assistant.store.write(move |tx| {
            Box::pin(async move {
                // Whoever has ended this one goes on with the next.
                tx.lease_questions(&room, tx.now_ms + LEASE_MS).await?;
                end(tx, &room, message, run.as_str(), text, html).await.map(drop)
            })
        }))
    }

    fn after(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Err(error) = self.assistant.answer_waiting(&self.room, &self.tools).await {
                tracing::error!(%error, room = self.room, "the next question in a room could not be answered");
            }
        })
    }
}

impl InRoom {
    fn text(&self, parts: &[Kept]) -> String {
        [self.before.as_str(), &answer::text(parts)].concat()
    }
}

/// Ends the answers whose process has died: what was stored of them stays.
pub async fn end_abandoned(store: &Store, runs: &Arc<Runs>) -> Result<(), StoreError> {
    for (room, id) in store.abandoned_messages(now_ms()).await? {
        let runs = runs.clone();
        let ended = store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                // It may have been heard of since.
                let found = tx.abandoned_message(id).await?.filter(|(run, _)| runs.find(run).is_none());
                let Some((run, text)) = found else { return Ok(()) };
                let text = fitting(&text, &last_words(Status::Interrupted, None));
                let html = without_colours(&text);
                end(tx, &room, id, &run, text, html).await.map(drop)
            })
        });
        ended.await?;
    }
    Ok(())
}

/// Whoever takes their question back wants no answer: what there is of it stays, and its run stops when it saves next.
pub async fn stop_answer_to(tx: &mut Tx, room: &str, question: u64) -> Result<(), StoreError> {
    let Some((_, answer)) = tx.message_of(NAME, &client_of(question)).await? else { return Ok(()) };
    let run = answer.run.as_deref().and_then(|run| run.parse().ok());
    let Some(Mark { topic: Topic::Run { id }, .. }) = run else { return Ok(()) };
    let text = fitting(&answer.text, &last_words(Status::Stopped, None));
    let html = without_colours(&text);
    end(tx, room, answer.id, id.as_str(), text, html).await.map(drop)
}

/// Within a write, whom everybody waits for: colours take long, and come when it is read again.
fn without_colours(text: &str) -> Vec<String> {
    let mut effort = Effort::NONE;
    markdown::render_within(text, &mut effort)
}

/// Stores the whole and tells the room, unless this run's message is another's or gone. It is no edit: nobody had read
/// anything else.
async fn end(tx: &mut Tx, room: &str, id: u64, run: &str, text: String, html: Vec<String>) -> Result<bool, StoreError> {
    if !tx.write_message(id, run, &text, None).await? {
        return Ok(false);
    }
    if let Some(mut message) = tx.message(room, id).await? {
        message.html = html;
        tell_message(tx, room, RoomEventKind::MessageEdited, message).await?;
    }
    Ok(true)
}

/// What follows the text of an answer that has not come to its own end.
fn last_words(status: Status, error: Option<String>) -> String {
    match status {
        Status::Complete | Status::Running | Status::Waiting => String::new(),
        Status::Stopped | Status::TooLong => " …".to_owned(),
        Status::Interrupted => " … (interrupted)".to_owned(),
        Status::Refused => "\n(The model does not want to answer this.)".to_owned(),
        Status::Failed => format!("\n({})", error.as_deref().unwrap_or("The answer failed.")),
    }
}

/// A message's text: nothing in it that people could not write, never empty while `end` is not, and not too long.
fn fitting(text: &str, end: &str) -> String {
    let text = harmless(text.trim());
    let end: String = harmless(end).chars().take(MESSAGE_CHARS / 2).collect();
    let cut = shortened(&text, MESSAGE_CHARS - end.chars().count());
    // In code the last words would be code.
    let closing = if end.is_empty() { String::new() } else { markdown::closing(&cut) };
    if closing.is_empty() || closing.len() > MESSAGE_CHARS / 4 {
        return [cut.as_str(), end.trim_start_matches(if cut.is_empty() { &['\n', ' '][..] } else { &[] })].concat();
    }
    let end = ["\n", &closing, "\n\n", end.trim_start()].concat();
    shortened(&text, MESSAGE_CHARS - end.chars().count()) + &end
}

/// At most so many characters of a text, without the blanks that it would end with.
fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => {
            let (cut, _) = text.char_indices().nth(most - 2).unwrap_or_default();
            [text[..cut].trim_end(), " …"].concat()
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_into_a_message_whatever_follows_it() {
        assert_eq!(fitting(" Yes\u{202e}. ", ""), "Yes.");
        assert_eq!(fitting("Yes", " … (interrupted)"), "Yes … (interrupted)");
        assert_eq!(fitting("", "\n(Why.)"), "(Why.)");
        assert_eq!(fitting("```\nYes\n", "\n(Why.)"), "```\nYes\n```\n\n(Why.)");
        for end in ["", " …", &"e".repeat(MESSAGE_CHARS * 2)] {
            assert_eq!(fitting(&"ä".repeat(MESSAGE_CHARS * 2), end).chars().count(), MESSAGE_CHARS);
        }
        assert_eq!(fitting(&"ä".repeat(MESSAGE_CHARS), ""), "ä".repeat(MESSAGE_CHARS));
        assert!(fitting(&"```\nä".repeat(MESSAGE_CHARS), "\n(Why.)").chars().count() <= MESSAGE_CHARS);
    }
}
