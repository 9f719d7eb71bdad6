//! kill -9 under load, twenty times over: what was acknowledged is there, in order, once, and readers resume across it.
//! The process that is killed is this very test program, started again to do nothing but write.

#[path = "durable/node.rs"]
#[allow(dead_code)]
mod node;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use node::{Node, user};
use tidemark::{
    server::{
        store::StoreError,
        topics::{From, Read},
    },
    wire::Position,
};

const KILLS: u32 = 20;
const TOPICS: u8 = 3;
const WRITERS: u32 = 8;
const FOLDER: &str = "TIDEMARK_CRASH_TEST_FOLDER";
const LIFE: &str = "TIDEMARK_CRASH_TEST_LIFE";

#[test]
fn what_was_acknowledged_before_a_kill_is_there_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut acknowledged = BTreeMap::new();
    let mut readers: Vec<Option<Position>> = vec![None; usize::from(TOPICS)];
    for life in 0..KILLS {
        let before = acknowledged.len();
        write_and_kill(folder.path(), life, &mut acknowledged);
        assert!(acknowledged.len() > before, "life {life} wrote nothing");
        runtime.block_on(look(folder.path(), &acknowledged, &mut readers));
    }
}

/// Runs a writer for a moment, then kills it; takes what it said was done.
fn write_and_kill(folder: &Path, life: u32, acknowledged: &mut BTreeMap<(u8, u64), String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writes_until_it_is_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(LIFE, life.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    let mut left = 20 + life * 7;
    for line in said.lines() {
        // The last line may be half a line.
        let Ok(line) = line else { break };
        let words: Vec<_> = line.split(' ').collect();
        if let ["done", topic, offset, text] = words[..] {
            let fresh = acknowledged.insert((topic.parse().unwrap(), offset.parse().unwrap()), text.to_owned());
            assert_eq!(fresh, None, "an offset was given twice");
            left = left.saturating_sub(1);
            if left == 0 {
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
}

/// The next life: everything is there, and each reader goes on from where it stood.
async fn look(folder: &Path, acknowledged: &BTreeMap<(u8, u64), String>, readers: &mut [Option<Position>]) {
    let node = Node::open(folder).await;
    for topic in 0..TOPICS {
        let stored = node.store.after(&user(topic), 0, usize::MAX).await.unwrap();
        let texts: Vec<String> = stored.iter().map(|event| serde_json::from_slice(&event.payload).unwrap()).collect();
        let offsets: Vec<_> = stored.iter().map(|event| event.offset).collect();
        assert_eq!(offsets, (1..=stored.len() as u64).collect::<Vec<_>>(), "no gap");
        assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), texts.len(), "nothing twice");
        for ((_, offset), text) in acknowledged.range((topic, 0)..=(topic, u64::MAX)) {
            assert_eq!(texts.get(*offset as usize - 1), Some(text), "acknowledged at {offset} of {topic}");
        }
        let head = node.head(topic).await;
        assert_eq!(head.offset, stored.len() as u64);
        let held = readers[usize::from(topic)].unwrap_or(Position { offset: 0, ..head });
        assert_eq!(held.epoch, head.epoch, "a restart is not a new epoch");
        read_to_head(&node, topic, held, head).await;
        readers[usize::from(topic)] = Some(head);
    }
    node.close().await;
}

async fn read_to_head(node: &Node, topic: u8, mut held: Position, head: Position) {
    let mut cursor = node.topics.subscribe(&user(topic), From::After(held), &Default::default(), 0, 0);
    while held.offset < head.offset {
        let Read::Events(batch) = node::wait(&mut cursor).await else { panic!("not reset, not revoked, not done") };
        for entry in batch.entries {
            assert_eq!(entry.offset, held.offset + 1);
            held.offset = entry.offset;
        }
    }
}

/// Not a test: what is killed. It says what is done once that is acknowledged, and never before.
#[test]
#[ignore = "started by the test above"]
fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let life = std::env::var(LIFE).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let node = Node::open(Path::new(&folder)).await;
        let writers = (0..WRITERS).map(|writer| write_forever(&node, &life, writer));
        // Longer than anybody waits to kill it.
        let _ = tokio::time::timeout(Duration::from_secs(60), futures::future::join_all(writers)).await;
    });
}

async fn write_forever(node: &Node, life: &str, writer: u32) {
    for number in 0_u64.. {
        let topic = (number % u64::from(TOPICS)) as u8;
        let text = format!("{life}-{writer}-{number}");
        let said = text.clone();
        let write = node
            .store
            .write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.publish(&user(topic), &text).await }));
        let position = write.await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "done {topic} {} {said}", position.offset).unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn another_process_that_looks_at_the_file_takes_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        Node::open(folder.path()).await.close().await;
        // Of a database that is there already: so far it held.
        let node = Node::open(folder.path()).await;
        node.publish(0, 1..=3).await;
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "looks_at_the_file_and_closes_it", "--ignored"])
            .env(FOLDER, folder.path())
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        node.publish(0, 4..=6).await;
        // As after a kill: what another life of this process would find.
        let again = Node::open(folder.path()).await;
        assert_eq!(again.head(0).await.offset, 6);
        assert_eq!(again.store.after(&user(0), 0, 10).await.unwrap().len(), 6);
        again.close().await;
        node.close().await;
    });
}

/// What any SQLite client does. The last one that closes a database tidies up behind it, and SQLite tells by locks
/// whether it is the last.
#[test]
#[ignore = "started by the test above"]
fn looks_at_the_file_and_closes_it() {
    use sqlx::{ConnectOptions, Connection};
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let file = Path::new(&folder).join(tidemark::server::store::FILE);
        let mut connection = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        let seen: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM event").fetch_one(&mut connection).await.unwrap();
        assert_eq!(seen, 3);
        // What is done behind the last one to close, asked for by name: it takes that nobody else has the file.
        let tidied = sqlx::query("PRAGMA journal_mode = DELETE").fetch_one(&mut connection).await;
        assert!(tidied.is_err(), "the database is taken for nobody's");
        connection.close().await.unwrap();
    });
}
