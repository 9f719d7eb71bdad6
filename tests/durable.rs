//! Durable topics: what is acknowledged is there, in order, once, for every reader, whatever happens between.

#[path = "durable/node.rs"]
mod node;

use std::collections::BTreeMap;

use node::{Node, event, user};
use proptest::prelude::*;
use tidemark::{
    server::{
        store::StoreError,
        topics::{From, Read},
    },
    wire::{Epoch, Position, stream::ResetReason},
};

#[derive(Clone, Debug)]
enum Action {
    /// So many events in one write each, all asked for at once.
    Publish {
        node: bool,
        topic: u8,
        events: u8,
    },
    /// Far more than a ring holds.
    Flood {
        node: bool,
        topic: u8,
    },
    /// A write that fails after it published: nothing of it may ever be seen.
    Fail {
        node: bool,
        topic: u8,
    },
    Subscribe {
        node: bool,
        topic: u8,
        back: u16,
    },
    Read {
        reader: u8,
    },
    /// The bus brings what one node announced to the other: some of it, in any order, perhaps twice.
    Deliver {
        keep: u8,
        seed: u64,
    },
    /// The look at the stored heads.
    Reconcile {
        node: bool,
    },
    Restart {
        node: bool,
    },
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let node = || any::<bool>();
    let topic = || 0..2u8;
    let action = prop_oneof![
        20 => (node(), topic(), 1..6u8).prop_map(|(node, topic, events)| Action::Publish { node, topic, events }),
        1 => (node(), topic()).prop_map(|(node, topic)| Action::Flood { node, topic }),
        3 => (node(), topic()).prop_map(|(node, topic)| Action::Fail { node, topic }),
        8 => (node(), topic(), 0..300u16).prop_map(|(node, topic, back)| Action::Subscribe { node, topic, back }),
        20 => any::<u8>().prop_map(|reader| Action::Read { reader }),
        8 => (0..4u8, any::<u64>()).prop_map(|(keep, seed)| Action::Deliver { keep, seed }),
        3 => node().prop_map(|node| Action::Reconcile { node }),
        1 => node().prop_map(|node| Action::Restart { node }),
    ];
    prop::collection::vec(action, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(24), ..ProptestConfig::default() })]

    /// Two processes on one database, each with readers, and a bus between them that drops, repeats and reorders.
    #[test]
    fn every_reader_gets_every_acknowledged_event_once_and_in_order(actions in actions()) {
        runtime().block_on(async {
            let mut world = World::new().await;
            for action in actions {
                world.act(action).await;
            }
            world.settle().await;
        });
    }
}

/// `PROPTEST_CASES` says how many where it is set; `make soak` does.
fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).map_or(usual, |cases: u32| cases / 40)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

struct World {
    folder: tempfile::TempDir,
    nodes: [Node; 2],
    /// What was acknowledged, by topic: the event at each offset.
    truth: BTreeMap<u8, Vec<String>>,
    readers: Vec<Reader>,
    written: u32,
}

struct Reader {
    node: usize,
    topic: u8,
    held: Position,
    cursor: tidemark::server::topics::Cursor,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let nodes = [Node::open(folder.path()).await, Node::open(folder.path()).await];
        Self { folder, nodes, truth: BTreeMap::new(), readers: Vec::new(), written: 0 }
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Publish { node, topic, events } => self.publish(node.into(), topic, events.into()).await,
            Action::Flood { node, topic } => self.publish(node.into(), topic, 300).await,
            Action::Fail { node, topic } => {
                let failed = self.nodes[usize::from(node)].store.write::<(), StoreError, _>(move |tx| {
                    Box::pin(async move {
                        tx.publish(&user(topic), &event(u32::MAX)).await?;
                        Err(StoreError::Full)
                    })
                });
                assert!(matches!(failed.await, Err(StoreError::Full)));
            }
            Action::Subscribe { node, topic, back } => self.subscribe(node.into(), topic, back.into()).await,
            Action::Read { reader } if !self.readers.is_empty() => {
                let reader = usize::from(reader) % self.readers.len();
                self.read(reader);
            }
            Action::Read { .. } => {}
            Action::Deliver { keep, seed } => {
                for (from, to) in [(0, 1), (1, 0)] {
                    let mut said = self.nodes[from].take_announcements();
                    said.retain(|(_, position)| (seed ^ position.offset) % 4 >= u64::from(keep));
                    said.extend(said.clone());
                    if seed % 2 == 0 {
                        said.reverse();
                    }
                    said.iter().for_each(|(topic, head)| self.nodes[to].topics.announced(topic, *head));
                }
            }
            Action::Reconcile { node } => self.nodes[usize::from(node)].reconcile().await,
            Action::Restart { node } => {
                let node = usize::from(node);
                let leaving: Vec<_> = self.readers.extract_if(.., |reader| reader.node == node).collect();
                self.nodes[node].close().await;
                self.nodes[node] = Node::open(self.folder.path()).await;
                // Clients come back to the new process with the positions they hold.
                for Reader { topic, held, .. } in leaving {
                    self.subscribe_at(node, topic, held).await;
                }
            }
        }
    }

    async fn publish(&mut self, node: usize, topic: u8, events: u32) {
        let numbers: Vec<_> = (self.written..self.written + events).collect();
        self.written += events;
        let writes = numbers.into_iter().map(|number| {
            let store = self.nodes[node].store.clone();
            async move {
                let write = store.write::<_, StoreError, _>(move |tx| {
                    Box::pin(async move { tx.publish(&user(topic), &event(number)).await })
                });
                (write.await.unwrap(), number)
            }
        });
        let truth = self.truth.entry(topic).or_default();
        for (position, number) in futures::future::join_all(writes).await {
            truth.resize(truth.len().max(position.offset as usize), String::new());
            truth[position.offset as usize - 1] = event(number);
        }
    }

    async fn subscribe(&mut self, node: usize, topic: u8, back: u64) {
        self.nodes[node].topics.warm(&user(topic)).await.unwrap();
        let head = self.nodes[node].topics.head(&user(topic));
        self.subscribe_at(node, topic, Position { offset: head.offset.saturating_sub(back), ..head }).await;
    }

    async fn subscribe_at(&mut self, node: usize, topic: u8, held: Position) {
        self.nodes[node].topics.warm(&user(topic)).await.unwrap();
        let cursor = self.nodes[node].topics.subscribe(&user(topic), From::After(held), &Default::default(), 0, 0);
        self.readers.push(Reader { node, topic, held, cursor });
    }

    /// Whether there was something.
    fn read(&mut self, reader: usize) -> bool {
        let Reader { topic, held, cursor, .. } = &mut self.readers[reader];
        match cursor.read(2_000, 10) {
            Read::UpToDate | Read::NotYet => false,
            Read::Revoked | Read::Lost => panic!("nobody was sent away"),
            Read::Events(batch) => {
                for entry in &batch.entries {
                    assert_eq!(entry.offset, held.offset + 1, "no gap, nothing twice");
                    let truth = &self.truth[topic][entry.offset as usize - 1];
                    assert_eq!(serde_json::from_slice::<String>(&entry.payload).unwrap(), *truth);
                    held.offset = entry.offset;
                }
                assert_eq!(cursor.position(), *held);
                true
            }
            // Nothing here is old or of another epoch. A node that has not heard of it yet may stand behind a client that
            // comes from the other: it looks at the store before it says so.
            Read::Reset(reset) => panic!("{reset:?}"),
        }
    }

    /// After a look at the stored heads every reader gets to the end of what was acknowledged.
    async fn settle(&mut self) {
        for node in &self.nodes {
            node.reconcile().await;
        }
        for reader in 0..self.readers.len() {
            let wanted = self.truth.get(&self.readers[reader].topic).map_or(0, Vec::len) as u64;
            let patience = std::time::Instant::now();
            while self.read(reader) || self.readers[reader].held.offset < wanted {
                assert!(patience.elapsed().as_secs() < 20, "{wanted} are there, read {:?}", self.readers[reader].held);
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        }
        for node in &self.nodes {
            node.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_of_before_a_restore_is_answered_with_a_reset() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path()).await;
    node.publish(0, 1..=3).await;
    let copy = tempfile::tempdir().unwrap();
    node.store.backup(&copy.path().join(tidemark::server::store::FILE)).await.unwrap();
    node.publish(0, 4..=5).await;
    let before = node.head(0).await;
    node.close().await;

    let restored = Node::open(copy.path()).await;
    let head = restored.head(0).await;
    assert_eq!(head.offset, 3, "the copy is of one moment");
    assert_ne!(head.epoch, before.epoch);
    let mut cursor = restored.topics.subscribe(&user(0), From::After(before), &Default::default(), 0, 0);
    let Read::Reset(reset) = cursor.read(1_000, 0) else { panic!("no reset") };
    assert_eq!((reset.reason, reset.position), (ResetReason::UnknownEpoch, head));
    restored.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_for_too_long_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path()).await;
    node.publish(0, 1..=200).await;
    let head = node.head(0).await;
    node.store
        .write::<_, StoreError, _>(|tx| Box::pin(async move { tx.prune(&user(0), 100, 0, u64::MAX).await }))
        .await
        .unwrap();
    for (offset, kept) in [(99, false), (100, true)] {
        let mut cursor =
            node.topics.subscribe(&user(0), From::After(Position { offset, ..head }), &Default::default(), 0, 0);
        let read = node::wait(&mut cursor).await;
        match read {
            Read::Events(batch) => assert!(kept && batch.entries[0].offset == 101),
            Read::Reset(reset) => assert!(!kept && reset.reason == ResetReason::TooOld && reset.position == head),
            other => panic!("{other:?}"),
        }
    }
    node.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_nobody_wrote_to_keeps_its_epoch_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path()).await;
    let (head, other) = (node.head(0).await, node.head(1).await);
    node.close().await;
    let node = Node::open(folder.path()).await;
    assert_eq!((node.head(0).await, node.head(1).await), (head, other));
    assert_ne!(head.epoch, other.epoch);
    node.publish(0, 1..=1).await;
    assert_eq!(node.head(0).await, Position { offset: 1, ..head });
    assert_ne!(head.epoch, Epoch(0));
    node.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_version_and_a_folder_without_rights_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    Node::open(folder.path()).await.close().await;
    node::pretend_newer(folder.path()).await;
    let error = Node::try_open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer(9999)), "{error}");
    let error = Node::try_open(&folder.path().join("nowhere")).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path()).await;
    node.publish(0, 1..=3).await;
    let limit = |pages: &'static str| {
        node.store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                sqlx::query(pages).execute(&mut tx.connection).await?;
                Ok(())
            })
        })
    };
    limit("PRAGMA max_page_count = 1").await.unwrap();
    let big = node.store.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            tx.publish(&user(0), &event(4)).await?;
            tx.publish(&user(1), &"x".repeat(1 << 20)).await
        })
    });
    let error = big.await.unwrap_err();
    assert!(matches!(error, StoreError::Full), "{error}");
    assert_eq!((node.head(0).await.offset, node.head(1).await.offset), (3, 0));
    limit("PRAGMA max_page_count = 1000000").await.unwrap();
    node.publish(0, 4..=4).await;
    assert_eq!(node.store.after(&user(0), 0, 10).await.unwrap().len(), 4, "and it goes on where it was");
    node.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_process_holds_is_said_to_be_locked_and_no_more() {
    use sqlx::{ConnectOptions, Connection};
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path()).await;
    let file = folder.path().join(tidemark::server::store::FILE);
    let mut other = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let write =
        node.store.write::<_, StoreError, _>(|tx| Box::pin(async move { tx.publish(&user(0), &event(1)).await }));
    let error = write.await.unwrap_err();
    assert!(matches!(error, StoreError::Locked), "{error}");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    node.publish(0, 1..=1).await;
    assert_eq!(node.head(0).await.offset, 1);
    other.close().await.unwrap();
    node.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(tidemark::server::store::FILE);
    let text = "a letter to somebody, longer than a page's head so that it is looked at ".repeat(100);
    std::fs::write(&file, &text).unwrap();
    let error = Node::try_open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_panics_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path()).await;
    let bad = node.store.write::<(), StoreError, _>(|tx| {
        Box::pin(async move {
            tx.publish(&user(0), &event(1)).await?;
            panic!("as a bug would")
        })
    });
    let (bad, ()) = tokio::join!(bad, node.publish(0, 2..=2));
    assert!(matches!(bad, Err(StoreError::Broken)));
    node.publish(0, 3..=3).await;
    assert_eq!(node.head(0).await.offset, 2);
    node.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_turns_read_only_is_said_and_can_still_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(folder.path()).await;
    node.publish(0, 1..=3).await;
    let read_only = |pragma: &'static str| {
        node.store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                sqlx::query(pragma).execute(&mut tx.connection).await?;
                Ok(())
            })
        })
    };
    // What SQLite answers is what it answers on a disk that was mounted anew, read-only.
    read_only("PRAGMA query_only = on").await.unwrap();
    let write =
        node.store.write::<_, StoreError, _>(|tx| Box::pin(async move { tx.publish(&user(0), &event(4)).await }));
    let error = write.await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly), "{error}");
    assert_eq!(node.store.after(&user(0), 0, 10).await.unwrap().len(), 3, "what is there can be read");
    read_only("PRAGMA query_only = off").await.unwrap();
    node.publish(0, 4..=4).await;
    assert_eq!(node.head(0).await.offset, 4);
    node.close().await;
}
