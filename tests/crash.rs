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

/// SQLite tells by its locks on the file whether another process has the database open, and tidies up behind the last
/// one. A process that opens and closes the file itself ends its own locks (POSIX), and then any other program takes
/// away what is being written to.
#[cfg(target_os = "linux")]
#[test]
fn the_file_stays_locked_for_as_long_as_it_is_open() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        // New, then there already.
        for _ in 0..2 {
            let node = Node::open(folder.path()).await;
            node.publish(0, 1..=3).await;
            let inode = std::fs::metadata(folder.path().join(tidemark::server::store::FILE)).unwrap().ino();
            let locks = std::fs::read_to_string("/proc/locks").unwrap();
            let own = [format!(" {} ", std::process::id()), format!(":{inode} ")];
            assert!(locks.lines().any(|lock| own.iter().all(|part| lock.contains(part))), "inode {inode}:\n{locks}");
            node.close().await;
        }
    });
}
