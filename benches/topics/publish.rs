//! One publish, encoding included, when nobody has to be woken. The three should cost about the same: readers that lag
//! are owed nothing, and other topics are no business of this one's.

use std::hint::black_box;

use criterion::Criterion;
use tidemark::server::topics::Topics;

use super::crowd::{Connection, sample, topic};

const MANY: usize = 10_000;

pub fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publish");
    let (event, one) = (sample(), topic(0));
    group.bench_function("no cursors", |bencher| {
        let topics = Topics::default();
        bencher.iter(|| black_box(topics.publish(&one, &event)));
    });
    group.bench_function("10,000 cursors that lag", |bencher| {
        let topics = Topics::default();
        let _lagging: Vec<_> = (0..MANY).map(|_| Connection::new(&topics, &one)).collect();
        bencher.iter(|| black_box(topics.publish(&one, &event)));
    });
    group.bench_function("one of 10,000 topics", |bencher| {
        let topics = Topics::default();
        let names: Vec<_> = (0..MANY).map(topic).collect();
        names.iter().for_each(|name| drop(topics.publish(name, &event)));
        // In no order that a cache could guess: 7,919 has no divisor in common with their number.
        let mut next = 0;
        bencher.iter(|| {
            next = (next + 7_919) % MANY;
            black_box(topics.publish(&names[next], &event))
        });
    });
    group.finish();
}
