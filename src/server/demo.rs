//! Demo data, named as such: people, rooms, and a year of conversation to search, export and count. `tidemark seed` makes
//! them; made twice, they are there once.

use crate::{
    server::{
        features::{
            notifications,
            people::{Name, newcomer},
        },
        store::{Store, StoreError, messages as rows, now_ms, people::Person, rooms::RoomRow},
    },
    wire::room::{Author, Message},
};

/// Demo people's names begin with this, so that nobody takes them for real.
const DEMO: &str = "Demo";

const NAMES: [&str; 3] = ["Ada", "Grace", "Edsger"];

/// The room of the demo messages.
pub const ARCHIVE: &str = "demo-archive";

/// In one write.
const BATCH: u32 = 1_000;

const YEAR_MS: i64 = 365 * 24 * 60 * 60 * 1_000;

/// Public rooms with plain names. How many there were not yet.
pub async fn rooms(store: &Store, rooms: u32) -> anyhow::Result<usize> {
    let added = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            let mut added = 0;
            for number in 0..rooms {
                let (id, title) = (format!("load-{number}"), format!("{DEMO} room {number}"));
                let room = RoomRow { id, title, private: false, owner: None, archived: false };
                added += usize::from(tx.add_room(&room).await?);
            }
            Ok(added)
        })
    });
    Ok(added.await?)
}

/// Demo people, each with a welcome. How many there were not yet.
pub async fn people(store: &Store) -> anyhow::Result<usize> {
    let mut added = 0;
    for (number, name) in NAMES.into_iter().enumerate() {
        let name = Name::new(&format!("{DEMO} {name}"))?;
        let person = Person { name: name.text, ..newcomer(&format!("demo {number}")) };
        let written = store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                if tx.person(&person.id).await?.is_some() {
                    return Ok(0);
                }
                tx.add_person(&person, &name.skeleton).await?;
                let text = "This is a demo person, made by `tidemark seed`.";
                notifications::notify(tx, &person.id, "Welcomed", text, Some("/")).await?;
                Ok(1)
            })
        });
        added += written.await?;
    }
    Ok(added)
}

/// A year of conversation in a room of its own, until it has so many messages. How many were added. Their events are not:
/// it is as if they had been said before events were kept.
pub async fn messages(store: &Store, wanted: u32) -> anyhow::Result<u32> {
    let begun = store.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            let title = format!("{DEMO} archive");
            let room = RoomRow { id: ARCHIVE.into(), title, private: false, owner: None, archived: false };
            tx.add_room(&room).await?;
            rows::extent(&mut tx.connection, ARCHIVE).await
        })
    });
    let (present, _) = begun.await?;
    let present = u32::try_from(present).unwrap_or(u32::MAX);
    let begin_ms = now_ms() - YEAR_MS;
    for first in (present..wanted).step_by(BATCH as usize) {
        let added = store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                for number in first..wanted.min(first.saturating_add(BATCH)) {
                    let mut message = message(number);
                    message.time = (begin_ms + YEAR_MS * i64::from(number) / i64::from(wanted)) as u64;
                    tx.add_message(ARCHIVE, &mut message).await?;
                }
                Ok(())
            })
        });
        added.await?;
    }
    Ok(wanted.saturating_sub(present))
}

/// One line of the conversation: the same for the same number.
fn message(number: u32) -> Message {
    const WHO: [&str; 6] = ["The deploy", "Our build", "The export", "That migration", "The new cache", "Staging"];
    const DID: [&str; 5] = ["went through", "is green again", "needs another look", "took two minutes", "failed once"];
    const AND: [&str; 7] = [
        "and nobody noticed.",
        "so I wrote it down.",
        "after lunch.",
        "because of the clock.",
        "as in the guide.",
        "which is what we wanted.",
        "and the logs say why.",
    ];
    // Consecutive numbers are far apart: Fibonacci hashing.
    let mixed = number.wrapping_mul(2_654_435_769) >> 8;
    let pick = |words: &[&'static str], by: u32| words[(mixed / by) as usize % words.len()];
    let speaker = newcomer(&format!("demo {}", mixed % NAMES.len() as u32));
    let name = format!("{DEMO} {}", NAMES[(mixed % NAMES.len() as u32) as usize]);
    let author = Author { id: speaker.id, name, hue: speaker.hue, bot: false };
    let text = format!("{} {} {} (no. {number})", pick(&WHO, 3), pick(&DID, 19), pick(&AND, 101));
    Message { author, text, client: format!("demo-{number}"), ..Message::default() }
}
