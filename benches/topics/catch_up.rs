//! A reader that was away for a thousand events: reading them, and reading and framing them for a stream.

use std::{hint::black_box, sync::Arc, time::Instant};

use criterion::{Criterion, Throughput};
use tidemark::{
    server::{
        topics::{From, Mailbox, Read, Topics},
        transports::{
            carried::Joining,
            sse::{Step, Stream},
        },
    },
    wire::{Position, topic::Mark},
};

use super::{
    crowd::{READ_BYTES, sample, topic},
    streams::SETTINGS,
};

const EVENTS: u64 = 1_000;

pub fn all(criterion: &mut Criterion) {
    let (topics, topic) = (Arc::new(Topics::default()), topic(0));
    let away = Position { offset: 0, ..topics.head(&topic) };
    (0..EVENTS).for_each(|_| drop(topics.publish(&topic, &sample())));
    let mut group = criterion.benchmark_group("catch-up, 1,000 events");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("cursor", |bencher| {
        let mailbox = Arc::<Mailbox>::default();
        bencher.iter(|| {
            let mut cursor = topics.subscribe(&topic, From::After(away), &mailbox, 0, 0);
            while let Read::Events(batch) = cursor.read(READ_BYTES, 0) {
                black_box(batch);
            }
            debug_assert_eq!(cursor.position().offset, EVENTS);
        });
    });
    group.bench_function("SSE stream", |bencher| {
        let (now, mark) = (Instant::now(), Mark { topic: topic.clone(), position: Some(away) });
        bencher.iter(|| {
            let marks = std::slice::from_ref(&mark);
            let mut stream = Stream::open(topics.clone(), Joining::everybody(marks), None, 0, None, SETTINGS, now)
                .expect("one topic");
            while let Step::Write(bytes) = stream.step(now) {
                black_box(bytes);
            }
            debug_assert_eq!(stream.take_delivered(), EVENTS);
        });
    });
    group.finish();
}
