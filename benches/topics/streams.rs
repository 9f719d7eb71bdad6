//! What an event costs each SSE stream, from the mark to the bytes: alone on its stream, where all streams share one
//! frame, and beside another topic, where each writes an id of its own.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput};
use tidemark::{
    server::{
        topics::Topics,
        transports::{
            carried::Joining,
            sse::{Settings, Step, Stream},
        },
    },
    wire::topic::Mark,
};

use super::crowd::{sample, topic};

/// So many that one publish does not count.
const STREAMS: usize = 1_000;

pub const SETTINGS: Settings = Settings { heartbeat: Duration::from_secs(15), retry_ms: 1_000, drain_retry_ms: 1_000 };

pub fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("SSE step, 1,000 streams");
    group.throughput(Throughput::Elements(STREAMS as u64));
    for (name, topics_each) in [("one topic each, a shared frame", 1), ("two topics each", 2), ("16 topics each", 16)] {
        group.bench_function(name, |bencher| {
            let (topics, now) = (Arc::new(Topics::default()), Instant::now());
            let marks: Vec<_> = (0..topics_each).map(|n| Mark { topic: topic(n), position: None }).collect();
            let open = |n| {
                Stream::open(topics.clone(), Joining::everybody(&marks), None, n, None, SETTINGS, now)
                    .expect("few topics")
            };
            let mut streams: Vec<_> = (0..STREAMS as u64).map(open).collect();
            streams.iter_mut().for_each(|stream| while matches!(stream.step(now), Step::Write(_)) {});
            bencher.iter(|| {
                topics.publish(&topic(0), &sample()).expect("JSON");
                streams.iter_mut().for_each(|stream| drop(black_box(stream.step(now))));
            });
        });
    }
    group.finish();
}
