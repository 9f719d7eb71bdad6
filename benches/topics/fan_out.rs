//! One event to many connections that all wait for it: publish, wake each, read by each. Beside it the same with
//! `tokio::sync::broadcast`, once as cheap as it gets (nobody waits, each asks) and once as it is used (each waits).

use std::{
    future::Future,
    hint::black_box,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use tidemark::server::topics::{Read, Topics};
use tokio::sync::broadcast;

use super::crowd::{Connection, sample, topic};

const CONNECTIONS: [usize; 3] = [1, 100, 10_000];

/// As many events as the ring of our topic holds.
const CAPACITY: usize = 1_024;

pub fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan-out");
    for count in CONNECTIONS {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("topic", count), |bencher| {
            let (topics, topic) = (Topics::default(), topic(0));
            let mut connections: Vec<_> = (0..count).map(|_| Connection::new(&topics, &topic)).collect();
            connections.iter_mut().for_each(|connection| drop(connection.wake()));
            bencher.iter(|| {
                topics.publish(&topic, &sample()).expect("JSON");
                for connection in &mut connections {
                    let read = black_box(connection.wake());
                    debug_assert!(matches!(read, Read::Events(_)));
                }
            });
        });
        group.bench_function(BenchmarkId::new("broadcast, asked", count), |bencher| {
            let (sender, mut receivers) = channel(count);
            bencher.iter(|| {
                send(&sender);
                receivers.iter_mut().for_each(|receiver| drop(black_box(receiver.try_recv())));
            });
        });
        group.bench_function(BenchmarkId::new("broadcast, awaited", count), |bencher| {
            let (sender, mut receivers) = channel(count);
            let mut cx = Context::from_waker(Waker::noop());
            bencher.iter(|| {
                // A task keeps this future in its own memory; here it needs a box.
                let mut waiting: Vec<Pin<Box<_>>> = receivers.iter_mut().map(|r| Box::pin(r.recv())).collect();
                let mut poll = |due: bool| {
                    waiting.iter_mut().for_each(|future| {
                        let poll = black_box(future.as_mut().poll(&mut cx));
                        debug_assert!(matches!(poll, Poll::Ready(Ok(_))) == due);
                    });
                };
                poll(false);
                send(&sender);
                poll(true);
            });
        });
    }
    group.finish();
    coming_and_going(criterion);
}

/// A cursor that is opened and dropped on a topic that ten thousand others read.
fn coming_and_going(criterion: &mut Criterion) {
    let (topics, topic) = (Topics::default(), topic(0));
    let mut others: Vec<_> = (0..10_000).map(|_| Connection::new(&topics, &topic)).collect();
    others.iter_mut().for_each(|connection| drop(connection.wake()));
    criterion.bench_function("subscribe, arm and leave beside 10,000", |bencher| {
        bencher.iter_batched(|| (), |()| black_box(Connection::new(&topics, &topic).wake()), BatchSize::SmallInput);
    });
}

fn channel(count: usize) -> (broadcast::Sender<Bytes>, Vec<broadcast::Receiver<Bytes>>) {
    let (sender, _) = broadcast::channel(CAPACITY);
    let receivers = (0..count).map(|_| sender.subscribe()).collect();
    (sender, receivers)
}

fn send(sender: &broadcast::Sender<Bytes>) {
    let payload = Bytes::from(serde_json::to_vec(&sample()).expect("JSON"));
    sender.send(payload).expect("there are receivers");
}
