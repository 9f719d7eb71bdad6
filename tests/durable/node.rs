//! A process as far as durable topics go: a store, its topics, and what it says on the bus.

use std::{
    ops::RangeInclusive,
    path::Path,
    sync::{Arc, Mutex},
};

use tidemark::{
    server::{
        store::{Store, StoreError},
        topics::{Cursor, Read, Topics},
    },
    wire::{Position, Topic, topic::Segment},
};
use tokio_util::task::TaskTracker;

#[derive(Debug)]
pub struct Node {
    pub store: Store,
    pub topics: Arc<Topics>,
    said: Arc<Mutex<Vec<(Topic, Position)>>>,
}

pub fn user(number: u8) -> Topic {
    Topic::User { id: Segment::new(&number.to_string()).unwrap() }
}

pub fn event(number: u32) -> String {
    format!("event {number}")
}

impl Node {
    pub async fn open(folder: &Path) -> Self {
        Self::try_open(folder).await.unwrap()
    }

    pub async fn try_open(folder: &Path) -> Result<Self, StoreError> {
        let (topics, said) = (Arc::<Topics>::default(), Arc::<Mutex<Vec<_>>>::default());
        let (appended, announced) = (topics.clone(), said.clone());
        let on_commit = Arc::new(move |events: &[tidemark::server::store::Committed]| {
            appended.committed(events);
            announced.lock().unwrap().extend(events.iter().map(|event| (event.topic.clone(), event.position)));
        });
        let store = Store::open(folder, on_commit).await?;
        topics.attach(store.clone(), TaskTracker::new());
        Ok(Self { store, topics, said })
    }

    pub fn take_announcements(&self) -> Vec<(Topic, Position)> {
        std::mem::take(&mut self.said.lock().unwrap())
    }

    pub async fn reconcile(&self) {
        self.topics.reconcile().await.unwrap();
    }

    pub async fn publish(&self, topic: u8, numbers: RangeInclusive<u32>) {
        for number in numbers {
            let write = self.store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move { tx.publish(&user(topic), &event(number)).await })
            });
            write.await.unwrap();
        }
    }

    pub async fn head(&self, topic: u8) -> Position {
        self.topics.warm(&user(topic)).await.unwrap();
        self.topics.head(&user(topic))
    }

    pub async fn close(&self) {
        self.store.close().await;
    }
}

/// The first read that has an answer.
pub async fn wait(cursor: &mut Cursor) -> Read {
    loop {
        match cursor.read(1_000, 0) {
            Read::NotYet => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
            read => return read,
        }
    }
}

/// As if a later version had been at work here.
pub async fn pretend_newer(folder: &Path) {
    use sqlx::{ConnectOptions, Connection};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join(tidemark::server::store::FILE));
    let mut connection = options.connect().await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'from the future', TRUE, x'00', 0)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
}
