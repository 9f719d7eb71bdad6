//! The contract with real threads: several that publish, many that park on their mailbox's waker until all is read.
//! Every count is bounded, and a thread that sleeps too long has lost a wake-up. `threads/` holds who takes part.

pub mod participants;

use std::{collections::BTreeMap, thread};

use participants::{Follower, Parked, channel, publish_in_turns};
use tidemark::{
    server::topics::{Cursor, From, Read, Topics},
    wire::{
        Topic,
        stream::{Keyed, ResetReason, Snapshot},
    },
};

const ROUNDS: usize = 12;
const PUBLISHERS: usize = 3;
/// Times the publishers, less than a ring holds: nobody has an excuse for a reset.
const EVENTS_EACH: usize = 300;
const ALL: u64 = (PUBLISHERS * EVENTS_EACH) as u64;

#[test]
fn every_cursor_sees_every_offset_once_and_no_wake_up_is_lost() {
    for round in 0..ROUNDS {
        let topics = Topics::default();
        let names: Vec<_> = (0..3).map(|n| channel(round, n)).collect();
        thread::scope(|scope| {
            for reader in 0..16 {
                // Before anything is published: each is to see all of it.
                let mut follower = Follower::open(&topics, &names, |_| From::Now);
                scope.spawn(move || follower.follow_until(ALL, 1 << (reader % 12)));
            }
            (0..PUBLISHERS).for_each(|who| {
                _ = scope.spawn({
                    let (topics, names) = (&topics, &names);
                    move || publish_in_turns(topics, names, who, EVENTS_EACH)
                })
            });
        });
    }
}

#[test]
fn a_snapshot_and_the_cursor_after_it_meet_while_publishing_goes_on() {
    for round in 0..ROUNDS {
        let (topics, names) = (Topics::default(), [channel(round, 0)]);
        thread::scope(|scope| {
            (0..PUBLISHERS).for_each(|who| {
                _ = scope.spawn({
                    let (topics, names) = (&topics, &names);
                    move || publish_in_turns(topics, names, who, EVENTS_EACH)
                })
            });
            for _ in 0..8 {
                scope.spawn(|| {
                    for visit in 1..20 {
                        let snapshot = topics.snapshot(&names[0]);
                        let snapshot: Snapshot<(usize, usize)> = serde_json::from_slice(&snapshot).unwrap();
                        let position = snapshot.position;
                        let shown = snapshot.events.iter().map(|event| event.offset);
                        let first = position.offset + 1 - snapshot.events.len() as u64;
                        assert!(shown.eq(first..=position.offset), "a snapshot ends at its position");
                        let mut follower = Follower::open(&topics, &names, |_| From::After(position));
                        follower.follow_until((position.offset + visit).min(ALL), 1);
                    }
                });
            }
        });
    }
}

#[test]
fn every_reader_of_a_latest_ends_with_the_same_map() {
    for _ in 0..ROUNDS {
        let topics = Topics::default();
        let maps: Vec<_> = thread::scope(|scope| {
            let readers: Vec<_> = (0..12)
                .map(|n| {
                    // Before anything is set: a reader that came later would not know what was.
                    let parked = Parked::default();
                    let cursor = topics.subscribe(&Topic::Inspector, From::Now, &parked.mailbox, 9, n);
                    scope.spawn(move || converge(&parked, cursor, 20 << n))
                })
                .collect();
            (0..PUBLISHERS).for_each(|who| {
                _ = scope.spawn({
                    let topics = &topics;
                    move || change_keys(topics, who)
                })
            });
            readers.into_iter().map(|reader| reader.join().unwrap()).collect()
        });
        let mut keys = topics.keys(&Topic::Inspector);
        keys.sort();
        assert!(maps.iter().all(|map| map == &maps[0] && map.keys().eq(&keys)), "{keys:?} but {maps:?}");
    }
}

/// Changes its own keys and, last of all, says that it is done.
fn change_keys(topics: &Topics, who: usize) {
    for n in 0..EVENTS_EACH {
        let key = format!("{who} {}", n % 4);
        if n % 5 == 0 { topics.remove(&Topic::Inspector, &key) } else { topics.set(&Topic::Inspector, &key, &n) }
            .unwrap();
        if n % 7 == 0 {
            thread::yield_now();
        }
    }
    topics.set(&Topic::Inspector, &format!("{who} done"), &who).unwrap();
}

fn converge(parked: &Parked, mut cursor: Cursor, max_bytes: usize) -> BTreeMap<String, usize> {
    let (mut map, mut version) = (BTreeMap::new(), 0);
    while (0..PUBLISHERS).any(|who| !map.contains_key(&format!("{who} done"))) {
        assert_eq!(parked.wait(), 1 << 9);
        while let Read::Events(batch) = cursor.read(max_bytes, 0) {
            for entry in batch.entries {
                assert!(entry.offset > version, "versions rise");
                version = entry.offset;
                let Keyed { key, value } = serde_json::from_slice::<Keyed<usize>>(&entry.payload).unwrap();
                match value {
                    Some(value) => _ = map.insert(key, value),
                    None => _ = map.remove(&key),
                }
            }
        }
    }
    map
}

#[test]
fn a_topic_is_never_swept_from_under_a_cursor() {
    let topics = Topics::default();
    let swept: usize = thread::scope(|scope| {
        let visit = |who, n| {
            hear_oneself(&topics, who, n);
            topics.remove_idle() + topics.remove_idle()
        };
        let worker = |who| scope.spawn(move || (0..3_000).map(|n| visit(who, n)).sum::<usize>());
        let workers: Vec<_> = (0..4).map(worker).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert!(swept > 0 && topics.is_empty(), "{swept} were swept");
}

/// Whoever holds a cursor gets what is published from then on.
fn hear_oneself(topics: &Topics, who: usize, n: usize) {
    let topic = channel(n % 3, 0);
    let parked = Parked::default();
    let mut cursor = topics.subscribe(&topic, From::Now, &parked.mailbox, 0, 0);
    let from = cursor.position();
    let published = topics.publish(&topic, &(who, n)).unwrap();
    assert!(published.epoch == from.epoch && published.offset > from.offset, "{published} after {from}");
    let own = serde_json::to_vec(&(who, n)).unwrap();
    match cursor.read(usize::MAX, 0) {
        Read::Events(batch) => {
            let found = batch.entries.iter().find(|entry| entry.offset == published.offset);
            assert_eq!(found.map(|entry| &entry.payload[..]), Some(&own[..]));
        }
        // While this thread did not run, the others may have published more than a ring holds.
        Read::Reset(reset) if reset.reason == ResetReason::TooOld => {}
        read => panic!("{read:?}"),
    }
}
