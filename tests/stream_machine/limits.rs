//! What must not grow, starve or be passed over: one case each.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tidemark::{
    server::{
        topics::Topics,
        transports::{
            carried::{Joining, SubscribeError},
            sse::{Settings, Step, Stream},
        },
    },
    wire::{Epoch, Position, Topic, topic::Mark},
};

use super::parser::{Frame, Parser};

const SETTINGS: Settings = Settings { heartbeat: Duration::from_secs(10), retry_ms: 1, drain_retry_ms: 2 };

/// As long as a name gets.
fn topic(number: usize) -> Topic {
    format!("channel/{0}/{number:x<48}", "a".repeat(48)).parse().unwrap()
}

fn marks(numbers: std::ops::Range<usize>) -> Vec<Mark> {
    numbers.map(|number| Mark { topic: topic(number), position: None }).collect()
}

fn open(topics: &Arc<Topics>, marks: &[Mark], now: Instant) -> Stream {
    Stream::open(topics.clone(), Joining::everybody(marks), Some("secret"), 0, None, SETTINGS, now).unwrap()
}

/// A write's frames.
fn written(stream: &mut Stream, now: Instant) -> Vec<Frame> {
    match stream.step(now) {
        Step::Write(bytes) => Parser::whole(&bytes),
        step => panic!("{step:?}"),
    }
}

#[test]
fn a_stream_refuses_a_seventeenth_topic_and_keeps_those_it_has() {
    let (topics, now) = (Arc::new(Topics::default()), Instant::now());
    let many = Stream::open(topics.clone(), Joining::everybody(&marks(0..17)), None, 0, None, SETTINGS, now);
    assert_eq!(many.err(), Some(SubscribeError::TooManyTopics));
    let mut stream = open(&topics, &marks(0..15), now);
    assert_eq!(stream.change(Joining::everybody(&marks(14..17)), &[]), Err(SubscribeError::TooManyTopics));
    assert!(stream.topics().cloned().eq((0..15).map(topic)), "all or none");
    let again = [marks(0..16), marks(0..16)].concat();
    assert_eq!(stream.change(Joining::everybody(&again), &[]), Ok(()), "a topic that is named again is moved");
    assert_eq!(stream.topics().count(), 16);
}

#[test]
fn sixteen_long_names_in_each_id_do_not_make_a_write_large() {
    let (topics, now) = (Arc::new(Topics::default()), Instant::now());
    let mut stream = open(&topics, &marks(0..16), now);
    written(&mut stream, now);
    for number in 0..16 {
        (0..100).for_each(|_| drop(topics.publish(&topic(number), &1)));
    }
    let mut events = 0;
    while let Step::Write(bytes) = stream.step(now) {
        assert!(bytes.len() < 70_000, "{} bytes", bytes.len());
        events += Parser::whole(&bytes).len();
    }
    assert_eq!((events, stream.take_delivered()), (1_600, 1_600));
}

#[test]
fn whoever_changes_topics_faster_than_it_reads_makes_nothing_grow() {
    let (topics, now) = (Arc::new(Topics::default()), Instant::now());
    let mut stream = open(&topics, &marks(0..1), now);
    for _ in 0..2_000 {
        stream.change(Joining::everybody(&marks(0..16)), &[]).unwrap();
        (8..16).for_each(|number| stream.change(Vec::new(), &[topic(number)]).unwrap());
    }
    let frames = written(&mut stream, now);
    assert!(frames.iter().map(|frame| frame.length).sum::<usize>() < 20_000, "{} frames", frames.len());
    assert!(frames.len() <= 2 && frames[0].event == "connected");
    assert!(!frames[1].data.contains(&topic(9).to_string()), "what has left is not announced");
}

#[test]
fn a_topic_that_always_has_much_to_say_does_not_starve_the_others() {
    let (topics, now) = (Arc::new(Topics::default()), Instant::now());
    let mut stream = open(&topics, &marks(0..3), now);
    written(&mut stream, now);
    let mut quiet = 0;
    for n in 0..30 {
        (0..10).for_each(|_| drop(topics.publish(&topic(0), &"~".repeat(20_000))));
        (1..3).for_each(|number| drop(topics.publish(&topic(number), &n)));
        let frames = written(&mut stream, now);
        quiet += frames.iter().filter(|frame| frame.event == "message" && frame.length < 2_000).count();
    }
    assert!(quiet >= 50, "{quiet} of 60 events of the quiet topics came through");
}

#[test]
fn a_heartbeat_comes_to_the_nanosecond_and_any_write_puts_it_off() {
    let (topics, start) = (Arc::new(Topics::default()), Instant::now());
    let mut stream = open(&topics, &marks(0..1), start);
    written(&mut stream, start);
    let due = start + SETTINGS.heartbeat;
    assert_eq!(stream.step(due - Duration::from_nanos(1)), Step::WaitUntil(due));
    assert_eq!(written(&mut stream, due)[0].event, "heartbeat");
    let later = due + Duration::from_secs(9);
    topics.publish(&topic(0), &"news").unwrap();
    assert_eq!(written(&mut stream, later)[0].event, "message");
    assert_eq!(stream.step(later), Step::WaitUntil(later + SETTINGS.heartbeat));
}

#[test]
fn a_thousand_readers_of_one_event_share_its_frame() {
    let (topics, now) = (Arc::new(Topics::default()), Instant::now());
    let mut streams: Vec<_> = (0..1_000).map(|_| open(&topics, &marks(0..1), now)).collect();
    streams.iter_mut().for_each(|stream| drop(written(stream, now)));
    topics.publish(&topic(0), &"news").unwrap();
    let frames: Vec<_> = streams.iter_mut().map(|stream| stream.step(now)).collect();
    let at = |step: &Step| match step {
        Step::Write(bytes) => bytes.as_ptr(),
        step => panic!("{step:?}"),
    };
    assert!(frames.iter().all(|frame| at(frame) == at(&frames[0])), "encoded once, copied never");
}

#[test]
fn a_position_that_was_never_told_is_never_named() {
    let (topics, now) = (Arc::new(Topics::default()), Instant::now());
    topics.publish(&topic(0), &1).unwrap();
    let foreign = Position { epoch: Epoch(7), offset: 5 };
    let mark = Mark { topic: topic(0), position: Some(foreign) };
    let frames = written(&mut open(&topics, std::slice::from_ref(&mark), now), now);
    assert_eq!(frames[0].id, Some(mark.to_string()), "a browser that got no more than this comes back with it");
    assert_eq!(frames[1].event, "reset");
}
