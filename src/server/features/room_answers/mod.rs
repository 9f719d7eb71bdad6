//! The assistant in rooms: whoever says `@assistant` is answered there, in a message that grows in front of everybody who
//! reads the room. `runs.rs` writes it; `shown.rs` is what the model is shown of the room, `kept.rs` where the answer is kept,
//! `html.rs` how it is shown.
//!
//! It answers people who post, one at a time in a room, and never programs: nothing can talk to itself here.

mod html;
mod kept;
mod shown;

use std::sync::{Arc, Mutex};

pub(super) use html::formatted;
pub(super) use kept::end_abandoned;

use super::{
    chat::ChatError,
    conversations::{Asker, Assistant},
    rooms::{RoomError, say},
    runs::{Begin, LEASE_MS, new_run},
};
use crate::{
    server::{
        markdown,
        store::{messages as rows, rooms as room_rows},
    },
    wire::{
        Topic,
        room::{Author, Message},
        topic::Mark,
    },
};
use kept::InRoom;
use shown::{SHOWN, introduction, turns};

/// What it is called after an `@`, in any case. Nobody else can be: the name is reserved.
const NAME: &str = "assistant";

const BUSY: &str = "I am still writing the answer before this one. Ask me again when it is there.";

/// The name as it stands in a text that mentions the assistant.
pub fn mention(text: &str) -> Option<&str> {
    let is_of_a_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices('@').find_map(|(at, _)| {
        let name = text.get(at + 1..at + 1 + NAME.len()).filter(|name| name.eq_ignore_ascii_case(NAME))?;
        // Neither an address (`me@assistant`) nor a longer name.
        let is_alone = !text[..at].ends_with(is_of_a_name) && !text[at + 1 + NAME.len()..].starts_with(is_of_a_name);
        is_alone.then_some(name)
    })
}

impl Assistant {
    /// Answers a message in its room. If that cannot be, the room is told why.
    pub async fn answer_in_room(&self, asker: &Asker, room: &str, message: u64) -> Result<(), RoomError> {
        let mut read = self.store.read().await?;
        let found = room_rows::room(&mut read, room).await?.filter(|found| !found.archived);
        let Some(found) = found else { return Ok(()) };
        let (mut said, _) = rows::before(&mut read, room, Some(message + 1), SHOWN + 1).await?;
        drop(read);
        // Taken back already.
        let Some(question) = said.pop().filter(|last| last.id == message && !last.deleted) else { return Ok(()) };
        let turns = turns(&said, &question);
        let admission = match asker.admitted(&self.chats, None, &turns).await {
            Ok(admission) => admission.telling(introduction(&found)),
            Err(ChatError::Store(error)) => return Err(error.into()),
            Err(error) => {
                let why = format!("{}, {error}.", plain(&question.author.name));
                return self.decline(room, &question, why).await;
            }
        };
        let id = new_run();
        let run = Mark { position: Some(self.runs.head(&id)), topic: Topic::Run { id: id.clone() } };
        let (place, begun) = (room.to_owned(), answer_to(&question, String::new()));
        let written = self.store.write::<_, RoomError, _>(move |tx| {
            Box::pin(async move {
                if tx.is_answering(&place).await? {
                    return Ok(None);
                }
                let (message, _) = say(tx, &place, Message { run: Some(run.to_string()), ..begun }).await?;
                tx.begin_message(message.id, &run, tx.now_ms + LEASE_MS).await?;
                Ok(Some(message.id))
            })
        });
        let Some(message) = written.await? else {
            return self.decline(room, &question, BUSY.to_owned()).await;
        };
        let (store, room, run) = (self.store.clone(), room.to_owned(), id.clone());
        let keep = Arc::new(InRoom { store, room, message, run, chunks: Mutex::default() });
        let tools = asker.tools.clone();
        self.runs.begin(Begin { id, earlier: Vec::new(), turns, admission, tools, keep, whole: Some(String::new()) });
        Ok(())
    }

    /// Says why there is no answer.
    async fn decline(&self, room: &str, question: &Message, why: String) -> Result<(), RoomError> {
        let (room, message) = (room.to_owned(), answer_to(question, why));
        self.store.write(move |tx| Box::pin(async move { Ok(say(tx, &room, message).await.map(drop)?) })).await
    }
}

/// A message of the assistant's. The same question has one answer.
fn answer_to(question: &Message, text: String) -> Message {
    let author = Author { id: NAME.to_owned(), name: "Assistant".to_owned(), hue: 265, bot: true };
    let html = markdown::render(&text);
    Message { author, client: format!("answer-{}", question.id), text, html, ..Message::default() }
}

/// What somebody wrote, within a line of Markdown that shows it as it is.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\`*_[]<>|~&!".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_mentioned_as_a_word_in_any_case() {
        for text in ["@assistant", "hi @Assistant, what", "(@ASSISTANT)", "@bob @assistant?", "a\n@assistant\nb"] {
            assert!(mention(text).is_some_and(|name| name.eq_ignore_ascii_case(NAME)), "{text}");
        }
        for text in
            ["assistant", "@assistants", "@assistant-2", "me@assistant.org", "@ assistant", "@", "@assistan", "@ä"]
        {
            assert_eq!(mention(text), None, "{text}");
        }
    }

    #[test]
    fn what_people_wrote_is_shown_as_it_is() {
        for name in ["Ada", "**Ada**", "[a](/b)", "<b>", "a_b_c `d` ~~e~~ &amp; \\*"] {
            let [html] = &markdown::render(&format!("@{}, no", plain(name)))[..] else { panic!("{name}") };
            let text = html.strip_prefix("<p>@").and_then(|html| html.strip_suffix(", no</p>"));
            assert_eq!(text, Some(&*name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")));
        }
    }
}
