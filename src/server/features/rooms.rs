//! Rooms and who belongs to them. Public ones are everybody's; private ones are for those who came with an invitation,
//! and whoever is removed or leaves receives nothing more from that moment on.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::text::{is_harmful, is_visible};
use crate::{
    server::{
        door::Door,
        store::{
            Store, StoreError, Tx,
            people::Person,
            rooms::{Listed, RoomRow},
        },
    },
    wire::{
        Topic,
        person::Visitor,
        room::{Author, LOBBY, Message, RoomEvent, RoomEventKind, RoomItem},
        topic::Segment,
    },
};

/// A room's title is at most this long, in characters.
pub const TITLE_CHARS: usize = 60;

/// How many rooms a list shows, and how many members.
pub const SHOWN: u32 = 200;

/// Nobody makes more rooms than this.
const ROOMS_A_PERSON: u32 = 50;

/// An invitation is good for so long, in milliseconds: a week.
const INVITATION_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

const WELCOME: &str = "Welcome. This room is there from the start, and this message with it. Open it in a second window, \
     cut one of the two off, and write in the other: nothing is lost.";

#[derive(Debug, Error)]
pub enum RoomError {
    #[error("there is no such room, or it is not for you")]
    Unknown,
    #[error("a room's title has one to {TITLE_CHARS} characters, none of them invisible")]
    Title,
    #[error("you have made {ROOMS_A_PERSON} rooms already")]
    TooMany,
    #[error("only the room's owner may do that")]
    NotOwner,
    #[error("the owner cannot leave a room; archive it instead")]
    OwnerStays,
    #[error("this invitation has expired, or has been replaced by another")]
    Invitation,
    #[error("this room is archived: it can be read, and nothing more can be said in it")]
    Archived,
    #[error("a message has 1 to 4,000 characters")]
    Text,
    #[error("a message's client id is 1 to 64 letters, digits and dashes")]
    Client,
    #[error("there is no such message, or it is not yours")]
    Message,
    #[error("this client id was used for another message")]
    Reused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A room as its list shows it.
pub fn items(listed: Listed) -> RoomItem {
    let Listed { room, member, unread, newest_ms } = listed;
    let RoomRow { id, title, private, archived, .. } = room;
    RoomItem { id, title, private, archived, member, unread, newest: newest_ms.map(|ms| ms as u64) }
}

/// The topic of what is said in a room.
pub fn topic(room: &str) -> Result<Topic, RoomError> {
    Segment::new(room).map(|room| Topic::Room { room }).map_err(|_| RoomError::Unknown)
}

/// The name at the door of a member's right to read a private room.
pub fn access(room: &str, person: &str) -> String {
    format!("member {room} {person}")
}

/// The lobby and its welcome, if they are not there yet.
pub async fn found(store: &Store) -> Result<(), StoreError> {
    store
        .write(|tx| {
            Box::pin(async move {
                let lobby =
                    RoomRow { id: LOBBY.into(), title: "Lobby".into(), private: false, owner: None, archived: false };
                if tx.add_room(&lobby).await? {
                    let author = Author { id: "tidemark".into(), name: "Tidemark".into(), hue: 205, bot: true };
                    let welcome =
                        Message { author, text: WELCOME.into(), client: "welcome".into(), ..Message::default() };
                    say(tx, LOBBY, welcome).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Adds a message and tells the room of it.
pub(super) async fn say(
    tx: &mut Tx,
    room: &str,
    mut message: Message,
) -> Result<(Message, crate::wire::Position), StoreError> {
    tx.add_message(room, &mut message).await?;
    let position = tell_message(tx, room, RoomEventKind::MessagePosted, message.clone()).await?;
    Ok((message, position))
}

/// Tells a room what a message is now.
pub(super) async fn tell_message(
    tx: &mut Tx,
    room: &str,
    kind: RoomEventKind,
    message: Message,
) -> Result<crate::wire::Position, StoreError> {
    let id = message.id;
    let position = publish(tx, room, &of_message(kind, message)).await?;
    if kind != RoomEventKind::MessageDeleted {
        tx.note_message_event(id, position.offset).await?;
    }
    Ok(position)
}

/// Takes a message's text out of the events that told of it: whoever catches up from before reads that it is gone.
pub(super) async fn withdraw(tx: &mut Tx, room: &str, message: &Message) -> Result<(), StoreError> {
    let topic = topic(room).map_err(|_| StoreError::Broken)?;
    for offset in tx.take_message_events(message.id).await? {
        tx.rewrite(&topic, offset, &of_message(RoomEventKind::MessageDeleted, message.clone())).await?;
    }
    Ok(())
}

fn of_message(kind: RoomEventKind, message: Message) -> RoomEvent {
    RoomEvent { kind, message: Some(message), person: None, title: None }
}

async fn tell(tx: &mut Tx, room: &str, kind: RoomEventKind, person: Option<Visitor>) -> Result<(), StoreError> {
    publish(tx, room, &RoomEvent { kind, message: None, person, title: None }).await.map(drop)
}

async fn publish(tx: &mut Tx, room: &str, event: &RoomEvent) -> Result<crate::wire::Position, StoreError> {
    // Ids of rooms are segments: nothing else is ever written.
    let topic = topic(room).map_err(|_| StoreError::Broken)?;
    tx.publish(&topic, event).await
}

/// Makes a room; its maker is its owner and first member. Returns its id.
pub async fn create(store: &Store, by: &Person, title: &str, private: bool) -> Result<String, RoomError> {
    let (by, title) = (by.clone(), checked_title(title)?);
    store
        .write(move |tx| {
            Box::pin(async move {
                if tx.rooms_owned(&by.id).await? >= ROOMS_A_PERSON {
                    return Err(RoomError::TooMany);
                }
                let id = format!("{:016x}", rand::random::<u64>());
                tx.add_room(&RoomRow { id: id.clone(), title, private, owner: Some(by.id.clone()), archived: false })
                    .await?;
                join(tx, &id, &by).await?;
                Ok(id)
            })
        })
        .await
}

/// Adds a member and tells the room, unless they are one.
pub(super) async fn join(tx: &mut Tx, room: &str, person: &Person) -> Result<(), StoreError> {
    if tx.add_member(room, &person.id).await? {
        tell(tx, room, RoomEventKind::MemberJoined, Some(visitor(person))).await?;
    }
    Ok(())
}

/// The room as this write sees it, if this person may read it.
pub(super) async fn open(tx: &mut Tx, room: &str, person: &str) -> Result<RoomRow, RoomError> {
    let found = tx.room(room).await?.ok_or(RoomError::Unknown)?;
    if found.private && tx.read_mark(room, person).await?.is_none() {
        return Err(RoomError::Unknown);
    }
    Ok(found)
}

async fn owned(tx: &mut Tx, room: &str, person: &str) -> Result<RoomRow, RoomError> {
    let room = open(tx, room, person).await?;
    if room.owner.as_deref() == Some(person) { Ok(room) } else { Err(RoomError::NotOwner) }
}

/// Makes the room's invitation anew: whoever follows the link becomes a member. Returns the token.
pub async fn invite(store: &Store, by: &str, room: &str) -> Result<String, RoomError> {
    let (by, room) = (by.to_owned(), room.to_owned());
    let token = format!("{:032x}", rand::random::<u128>());
    let hash = hash(&token);
    let written = store.write::<_, RoomError, _>(move |tx| {
        Box::pin(async move {
            owned(tx, &room, &by).await?;
            Ok(tx.set_invitation(&room, &hash, tx.now_ms + INVITATION_MS).await?)
        })
    });
    written.await?;
    Ok(token)
}

/// What an invitation leads to. Looking uses nothing up.
pub async fn invited_to(store: &Store, token: &str, now_ms: i64) -> Result<Option<RoomRow>, StoreError> {
    store.invitation(&hash(token), now_ms).await
}

/// Follows an invitation. Returns the room's id.
pub async fn accept(store: &Store, person: &Person, token: &str) -> Result<String, RoomError> {
    let (person, hash) = (person.clone(), hash(token));
    store
        .write(move |tx| {
            Box::pin(async move {
                let room = tx.invitation(&hash).await?.ok_or(RoomError::Invitation)?;
                join(tx, &room, &person).await?;
                Ok(room)
            })
        })
        .await
}

/// Takes a member out of a room: oneself, or, as its owner, another. Of a private one they receive nothing more; whether
/// it is one.
pub async fn remove(store: &Store, door: &Arc<Door>, by: &str, room: &str, member: &str) -> Result<bool, RoomError> {
    let gone = access(room, member);
    let (by, room, member) = (by.to_owned(), room.to_owned(), member.to_owned());
    let written = store.write::<_, RoomError, _>(move |tx| {
        Box::pin(async move {
            let row = if by == member { open(tx, &room, &by).await? } else { owned(tx, &room, &by).await? };
            if row.owner.as_deref() == Some(&member) {
                return Err(RoomError::OwnerStays);
            }
            let person = tx.person(&member).await?.ok_or(RoomError::Unknown)?;
            if tx.remove_member(&room, &member).await? {
                let kind = if by == member { RoomEventKind::MemberLeft } else { RoomEventKind::MemberRemoved };
                tell(tx, &room, kind, Some(visitor(&person))).await?;
            }
            Ok(row.private)
        })
    });
    let private = written.await?;
    if private {
        door.close(&[gone]);
    }
    Ok(private)
}

pub async fn rename(store: &Store, by: &str, room: &str, title: &str) -> Result<(), RoomError> {
    let (by, room, title) = (by.to_owned(), room.to_owned(), checked_title(title)?);
    store
        .write(move |tx| {
            Box::pin(async move {
                owned(tx, &room, &by).await?;
                tx.rename_room(&room, &title).await?;
                let kind = RoomEventKind::RoomRenamed;
                publish(tx, &room, &RoomEvent { kind, message: None, person: None, title: Some(title) }).await?;
                Ok(())
            })
        })
        .await
}

pub async fn archive(store: &Store, by: &str, room: &str) -> Result<(), RoomError> {
    let (by, room) = (by.to_owned(), room.to_owned());
    store
        .write(move |tx| {
            Box::pin(async move {
                if !owned(tx, &room, &by).await?.archived {
                    tx.archive_room(&room).await?;
                    tell(tx, &room, RoomEventKind::RoomArchived, None).await?;
                }
                Ok(())
            })
        })
        .await
}

pub fn visitor(person: &Person) -> Visitor {
    Visitor { id: person.id.clone(), name: person.name.clone(), hue: person.hue }
}

fn checked_title(title: &str) -> Result<String, RoomError> {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.chars().count() > TITLE_CHARS || !is_visible(&title) || title.chars().any(is_harmful) {
        return Err(RoomError::Title);
    }
    Ok(title)
}

fn hash(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}
