//! What is said in rooms: posted, edited and deleted by its author alone; each with the event that tells of it, in one
//! transaction. The same client id of the same author is the same message, however often it arrives.

use super::{
    chat::Payer,
    notifications,
    people::skeleton_of,
    room_answers,
    rooms::{RoomError, join, open, say, tell_message, topic, withdraw},
    text::{is_harmful, is_visible},
};
use crate::{
    server::store::{Store, StoreError, Tx, messages as rows, people::Person, rooms as room_rows},
    wire::{
        Position,
        room::{Author, History, MESSAGE_CHARS, Message, PAGE_MESSAGES, RoomEventKind},
    },
};

/// A client id is at most this long, in bytes.
const CLIENT_BYTES: usize = 64;

/// A message mentions at most so many people, each by a name of at most so many words.
const MENTIONS: usize = 10;
const NAME_WORDS: usize = 5;

/// A notification quotes so much of a message, in characters.
const QUOTE_CHARS: usize = 120;

/// Where a message went, and whether that was now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub message: u64,
    /// None if it was posted before.
    pub position: Option<Position>,
}

/// A room's newest messages (or those before one) as they are shown, the position they are true at, and what this person has seen.
pub async fn history(
    store: &Store,
    room: &str,
    before: Option<u64>,
    person: Option<&str>,
) -> Result<(History, Option<u64>), RoomError> {
    let topic = topic(room)?;
    let mut read = store.read().await?;
    let position = store.head(&mut read, &topic).await?;
    let (messages, more) = rows::before(&mut read, room, before, PAGE_MESSAGES).await?;
    let seen = match person {
        Some(person) => room_rows::read_mark(&mut read, room, person).await?,
        None => None,
    };
    drop(read);
    // Code is coloured here: elsewhere than where everybody's streams are written.
    let formatted = tokio::task::spawn_blocking(move || room_answers::formatted(messages)).await;
    Ok((History { position, messages: formatted.map_err(|_| StoreError::Broken)?, more }, seen))
}

/// Says something, which asks nobody for an answer.
pub async fn post(store: &Store, by: &Person, room: &str, client: &str, text: &str) -> Result<Posted, RoomError> {
    ask(store, by, room, client, text, None).await
}

/// Says something. Whoever speaks in a public room belongs to it from then on. If it mentions the assistant, that is asked
/// from then on, for `payer`.
pub async fn ask(
    store: &Store,
    by: &Person,
    room: &str,
    client: &str,
    text: &str,
    payer: Option<Payer>,
) -> Result<Posted, RoomError> {
    let text = checked(text)?;
    check_client(client)?;
    let (by, room, client) = (by.clone(), room.to_owned(), client.to_owned());
    store
        .write(move |tx| {
            Box::pin(async move {
                let row = open(tx, &room, &by.id).await?;
                if let Some(before) = again(tx, &by.id, &client, &room, &text).await? {
                    return Ok(before);
                }
                if row.archived {
                    return Err(RoomError::Archived);
                }
                join(tx, &room, &by).await?;
                let author = Author { id: by.id.clone(), name: by.name, hue: by.hue, bot: false };
                let payer = payer.filter(|_| room_answers::mention(&text).is_some());
                let posted = add(tx, &row, Message { author, text, client, ..Message::default() }).await?;
                tx.note_read(&room, &by.id, posted.message).await?;
                if let Some(payer) = payer {
                    room_answers::note(tx, &room, posted.message, &payer).await?;
                }
                Ok(posted)
            })
        })
        .await
}

/// A program says something, under its key's name. The caller has asked the door.
pub(super) async fn post_as_bot(
    tx: &mut Tx,
    key: &str,
    name: &str,
    room: &str,
    client: &str,
    text: &str,
) -> Result<Posted, RoomError> {
    let text = checked(text)?;
    let row = tx.room(room).await?.ok_or(RoomError::Unknown)?;
    if row.archived {
        return Err(RoomError::Archived);
    }
    let author = Author { id: key.to_owned(), name: name.to_owned(), hue: 0, bot: true };
    add(tx, &row, Message { author, text, client: client.to_owned(), ..Message::default() }).await
}

async fn add(tx: &mut Tx, room: &room_rows::RoomRow, mut message: Message) -> Result<Posted, RoomError> {
    let mentioned = mentions(tx, &message.text).await?;
    message.mentions = mentioned.iter().map(|(name, _)| name.clone()).collect();
    // It is shown as the others are, and has nobody to be told.
    message.mentions.extend(room_answers::mention(&message.text).map(str::to_owned));
    let (message, position) = say(tx, &room.id, message).await?;
    for (_, person) in mentioned {
        // Who may not read the room is not told what was said there; nobody is told of what they said themselves.
        let reads = !room.private || tx.read_mark(&room.id, &person).await?.is_some();
        if reads && person != message.author.id {
            let text = format!("{} in {}: {}", message.author.name, room.title, quote(&message.text));
            let link = format!("/rooms/{}#m{}", room.id, message.id);
            notifications::notify(tx, &person, "Mentioned", &text, Some(&link)).await?;
        }
    }
    Ok(Posted { message: message.id, position: Some(position) })
}

/// The message that arrived before under this client id.
async fn again(tx: &mut Tx, author: &str, client: &str, room: &str, text: &str) -> Result<Option<Posted>, RoomError> {
    match tx.message_of(author, client).await? {
        None => Ok(None),
        // Edited or deleted since, it is still the same.
        Some((place, message)) if place == room && (message.text == text || message.edited || message.deleted) => {
            Ok(Some(Posted { message: message.id, position: None }))
        }
        Some(_) => Err(RoomError::Reused),
    }
}

/// Gives one's own message another text.
pub async fn edit(store: &Store, by: &str, room: &str, id: u64, text: &str) -> Result<Position, RoomError> {
    let (by, room, text) = (by.to_owned(), room.to_owned(), checked(text)?);
    store
        .write(move |tx| {
            Box::pin(async move {
                let mut message = own(tx, &by, &room, id).await?;
                message.mentions = mentions(tx, &text).await?.into_iter().map(|(name, _)| name).collect();
                message.mentions.extend(room_answers::mention(&text).map(str::to_owned));
                message.text = text;
                message.edited = true;
                tx.edit_message(&message).await?;
                Ok(tell_message(tx, &room, RoomEventKind::MessageEdited, message).await?)
            })
        })
        .await
}

/// Takes back one's own message: its text is gone from the room, and from the events that told of it before. What the
/// assistant is writing about it stops.
pub async fn delete(store: &Store, by: &str, room: &str, id: u64) -> Result<(), RoomError> {
    let (by, room) = (by.to_owned(), room.to_owned());
    store
        .write(move |tx| {
            Box::pin(async move {
                let message = own(tx, &by, &room, id).await?;
                tx.delete_message(id).await?;
                tx.take_question(id).await?;
                let message = Message { text: String::new(), mentions: Vec::new(), deleted: true, ..message };
                withdraw(tx, &room, &message).await?;
                tell_message(tx, &room, RoomEventKind::MessageDeleted, message).await?;
                Ok(room_answers::stop_answer_to(tx, &room, id).await?)
            })
        })
        .await
}

/// Notes that a person has seen a room's messages up to this one. Whoever does so in a public room belongs to it.
pub async fn note_read(store: &Store, by: &Person, room: &str, id: u64) -> Result<(), RoomError> {
    // What is known already costs no write: clients say it again after each cut, and some may say it without end.
    let mut read = store.read().await?;
    let id = id.min(rows::newest(&mut read, room).await?);
    if room_rows::read_mark(&mut read, room, &by.id).await?.is_some_and(|mark| mark >= id) {
        return Ok(());
    }
    drop(read);
    let (by, room) = (by.clone(), room.to_owned());
    store
        .write(move |tx| {
            Box::pin(async move {
                if open(tx, &room, &by.id).await?.archived && tx.read_mark(&room, &by.id).await?.is_none() {
                    return Ok(());
                }
                join(tx, &room, &by).await?;
                Ok(tx.note_read(&room, &by.id, id).await?)
            })
        })
        .await
}

async fn own(tx: &mut Tx, by: &str, room: &str, id: u64) -> Result<Message, RoomError> {
    if open(tx, room, by).await?.archived {
        return Err(RoomError::Archived);
    }
    let message = tx.message(room, id).await?.filter(|message| message.author.id == by && !message.deleted);
    message.ok_or(RoomError::Message)
}

/// Whoever is named after an `@`: the name as it stands there, and the person. The longest name that is somebody's.
async fn mentions(tx: &mut Tx, text: &str) -> Result<Vec<(String, String)>, StoreError> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (at, _) in text.match_indices('@').take(MENTIONS * 2) {
        let candidates = candidates(&text[at + 1..]);
        let skeletons: Vec<_> = candidates.iter().map(|name| skeleton_of(name)).collect();
        let known = tx.people_like(&skeletons).await?;
        let named = candidates.iter().zip(&skeletons).rev().find_map(|(name, skeleton)| {
            known.iter().find(|(_, other)| other == skeleton).map(|(person, _)| (name.clone(), person.clone()))
        });
        found.extend(named.filter(|(name, _)| found.iter().all(|(other, _)| other != name)));
    }
    found.truncate(MENTIONS);
    Ok(found)
}

/// What may be a name at the beginning of a text: its first word, its first two, and so on.
fn candidates(text: &str) -> Vec<String> {
    let line = text.lines().next().unwrap_or_default();
    let mut names = Vec::new();
    let mut end = 0;
    for word in line.split(' ').take(NAME_WORDS) {
        end += word.len();
        let name = line[..end].trim_end_matches(|c: char| !c.is_alphanumeric());
        if name.is_empty() || name.starts_with(char::is_whitespace) {
            break;
        }
        if names.last().is_none_or(|last| last != name) {
            names.push(name.to_owned());
        }
        end += 1;
    }
    names
}

fn checked(text: &str) -> Result<String, RoomError> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim_end().trim_start_matches('\n');
    // What turns the reading direction of what follows, and what cannot be seen, is left out of it.
    let harmless = |c: &char| *c == '\n' || *c == '\t' || !is_harmful(*c);
    let text: String = text.chars().filter(harmless).collect();
    match text.chars().count() {
        1..=MESSAGE_CHARS if is_visible(&text) => Ok(text),
        _ => Err(RoomError::Text),
    }
}

fn check_client(client: &str) -> Result<(), RoomError> {
    let harmless = client.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if (1..=CLIENT_BYTES).contains(&client.len()) && harmless { Ok(()) } else { Err(RoomError::Client) }
}

/// On one line, shortened.
fn quote(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTE_CHARS) {
        Some((end, _)) => [&line[..end], "…"].concat(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_word_by_word() {
        assert_eq!(candidates("Ada, look"), ["Ada", "Ada, look"]);
        assert_eq!(candidates("Quick Otter 42: hello\nthere")[..3], ["Quick", "Quick Otter", "Quick Otter 42"]);
        assert!(candidates(" nobody").is_empty() && candidates("").is_empty() && candidates("!!!").is_empty());
    }

    #[test]
    fn a_text_is_tidied_and_bounded() {
        assert_eq!(checked("\r\n a\r\nb \n").unwrap(), " a\nb");
        assert_eq!(checked("a\u{202e}b\u{0}c").unwrap(), "abc");
        assert!(matches!(checked(" \n\t "), Err(RoomError::Text)));
        assert!(checked(&"ä".repeat(MESSAGE_CHARS)).is_ok());
        assert!(matches!(checked(&"ä".repeat(MESSAGE_CHARS + 1)), Err(RoomError::Text)));
    }
}
