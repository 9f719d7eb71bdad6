//! What durability costs: acknowledged publishes a second with one writer and with 64 at once, the latency of one, and
//! catching up with 100,000 events. A disk's fsync is most of the first, so the disk is measured too.
//! `cargo bench --features ssr --bench durable`

use std::{
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use tidemark::{
    server::{
        store::{Store, StoreError},
        topics::{From, Mailbox, Read, Topics},
    },
    wire::{Position, Topic},
};
use tokio_util::task::TaskTracker;

const MEASURED: Duration = Duration::from_secs(5);
const BEHIND: u64 = 100_000;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir_in(".").expect("a folder on this disk");
    println!("fsync of the disk      {}", per_second(fsyncs(folder.path()), "a second, one after the other"));
    runtime.block_on(async {
        let topics = Arc::<Topics>::default();
        let appended = topics.clone();
        let store =
            Store::open(folder.path(), Arc::new(move |events| appended.committed(events))).await.expect("a store");
        topics.attach(store.clone(), TaskTracker::new());
        for writers in [1, 64] {
            let latencies = publish(&store, writers).await;
            let count = latencies.len() as f64 / MEASURED.as_secs_f64();
            println!(
                "{writers:>2} writers             {}   p50 {:.2} ms, p99 {:.2} ms each",
                per_second(count, "publishes a second"),
                percentile(&latencies, 50),
                percentile(&latencies, 99)
            );
        }
        catch_up(&store, &topics).await;
        store.close().await;
    });
}

fn topic(name: &str) -> Topic {
    format!("user/{name}").parse().expect("a topic")
}

fn fsyncs(folder: &std::path::Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("fsync")).expect("a file");
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(1) {
        file.write_all(&[0; 4096]).and_then(|()| file.sync_data()).expect("an fsync");
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// Each writer waits for its acknowledgement before it writes again. The latencies, sorted, in milliseconds.
async fn publish(store: &Store, writers: u32) -> Vec<f64> {
    let start = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let (name, mut latencies) = (format!("writer-{writers}-{writer}"), Vec::new());
                while start.elapsed() < MEASURED {
                    let (asked, topic) = (Instant::now(), topic(&name));
                    let write = store.write::<_, StoreError, _>(move |tx| {
                        Box::pin(async move { tx.publish(&topic, &"a message of ordinary length").await })
                    });
                    write.await.expect("written");
                    latencies.push(asked.elapsed().as_secs_f64() * 1_000.0);
                }
                latencies
            })
        })
        .collect();
    let mut all: Vec<f64> =
        futures::future::join_all(tasks).await.into_iter().flat_map(|task| task.expect("a task")).collect();
    all.sort_by(f64::total_cmp);
    all
}

async fn catch_up(store: &Store, topics: &Arc<Topics>) {
    let behind = topic("behind");
    for _ in 0..BEHIND / 1_000 {
        let topic = behind.clone();
        let write = store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                for _ in 0..1_000 {
                    tx.publish(&topic, &"a message of ordinary length").await?;
                }
                Ok(())
            })
        });
        write.await.expect("written");
    }
    topics.warm(&behind).await.expect("warm");
    let head = topics.head(&behind);
    let mailbox = Arc::<Mailbox>::default();
    let mut cursor = topics.subscribe(&behind, From::After(Position { offset: 0, ..head }), &mailbox, 0, 0);
    let (start, mut read) = (Instant::now(), 0);
    while read < BEHIND {
        match cursor.read(64 * 1024, 64) {
            Read::Events(batch) => read += batch.entries.len() as u64,
            Read::NotYet => tokio::time::sleep(Duration::from_micros(100)).await,
            other => panic!("{other:?}"),
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("catch-up of {BEHIND}    {seconds:.2} s, {}", per_second(BEHIND as f64 / seconds, "events a second"));
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default()
}

fn per_second(count: f64, what: &str) -> String {
    format!("{count:>9.0} {what}")
}
