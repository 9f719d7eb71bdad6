//! Notifications: a row each, told live on the topic `user/{person}`; read on all tabs at once.

use super::text::{is_harmful, is_visible};
use crate::{
    server::store::{Store, StoreError, Tx, notifications as rows},
    wire::{
        Position, Topic,
        notification::{Notification, UserEvent, UserEventKind},
        topic::Segment,
    },
};

/// How many of the newest the page shows.
pub const SHOWN: u32 = 100;

/// A text is at most this long, in characters; a link in bytes.
const TEXT_CHARS: usize = 500;
const LINK_BYTES: usize = 500;

/// The topic of a person's notifications.
pub fn topic(person: &str) -> Option<Topic> {
    Segment::new(person).ok().map(|id| Topic::User { id })
}

/// Whether this can be a notification: a text that people can read, and a path of this site or none.
pub fn check(text: &str, link: Option<&str>) -> Result<(), &'static str> {
    if text.chars().count() > TEXT_CHARS || !is_visible(text) || text.chars().any(|c| c != '\n' && is_harmful(c)) {
        return Err("a notification's data.text has 1 to 500 characters, none of them invisible");
    }
    let path = |link: &str| link.starts_with('/') && !link.starts_with("//") && link.len() <= LINK_BYTES;
    let plain = |link: &str| link.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    match link {
        Some(link) if !path(link) || !plain(link) => {
            Err("a notification's data.link is a path of this site, as /jobs/7")
        }
        _ => Ok(()),
    }
}

/// Tells a person something, as part of a write.
pub async fn notify(
    tx: &mut Tx,
    person: &str,
    kind: &str,
    text: &str,
    link: Option<&str>,
) -> Result<Position, StoreError> {
    let id = tx.add_notification(person, kind, text, link).await?;
    let notification = Notification {
        id,
        kind: kind.to_owned(),
        text: text.to_owned(),
        link: link.map(str::to_owned),
        time: tx.now_ms as u64,
        read: false,
    };
    tell(tx, person, UserEventKind::Notified, None, Some(notification)).await
}

/// Marks what a person has seen, up to this id, as read. Nothing happens if it was.
pub async fn mark_read(store: &Store, person: &str, through: u64) -> Result<(), StoreError> {
    let person = person.to_owned();
    store
        .write(move |tx| {
            Box::pin(async move {
                let newest = rows::newest(&mut tx.connection, &person, 1).await?.first().map_or(0, |newest| newest.id);
                let through = through.min(newest);
                if tx.mark_read(&person, through).await? > 0 {
                    tell(tx, &person, UserEventKind::NotificationsRead, Some(through), None).await?;
                }
                Ok(())
            })
        })
        .await
}

/// What a page starts from: the newest notifications, how many are unread in all, and the position all that is true at.
pub async fn newest(store: &Store, person: &str, most: u32) -> Result<(Vec<Notification>, u32, Position), StoreError> {
    let topic = topic(person).ok_or(StoreError::Closed)?;
    let mut read = store.read().await?;
    let position = store.head(&mut read, &topic).await?;
    Ok((rows::newest(&mut read, person, most).await?, rows::unread(&mut read, person).await?, position))
}

/// How many are unread, and the position that is true at.
pub async fn unread(store: &Store, person: &str) -> Result<(u32, Position), StoreError> {
    let topic = topic(person).ok_or(StoreError::Closed)?;
    let mut read = store.read().await?;
    let position = store.head(&mut read, &topic).await?;
    Ok((rows::unread(&mut read, person).await?, position))
}

async fn tell(
    tx: &mut Tx,
    person: &str,
    kind: UserEventKind,
    read_through: Option<u64>,
    notification: Option<Notification>,
) -> Result<Position, StoreError> {
    let topic = topic(person).ok_or(StoreError::Closed)?;
    let unread = rows::unread(&mut tx.connection, person).await?;
    tx.publish(&topic, &UserEvent { kind, unread, read_through, notification }).await
}
