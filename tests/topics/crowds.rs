//! Thousands of topics and of cursors, which leave nothing behind when they are gone.

use std::sync::Arc;

use tidemark::{
    server::topics::{Cursor, From, Mailbox, Read, Topics},
    wire::Topic,
};

const MANY: usize = 10_000;

fn topic(number: usize) -> Topic {
    format!("channel/crowd/{number}").parse().unwrap()
}

fn read(cursor: &mut Cursor) -> Vec<u64> {
    match cursor.read(usize::MAX, 0) {
        Read::UpToDate => Vec::new(),
        Read::Events(batch) => batch.entries.iter().map(|entry| entry.offset).collect(),
        other => panic!("{other:?}"),
    }
}

/// The first sweep forgives what was used lately; the second takes what was not used since.
fn is_gone_after_two_sweeps(topics: &Topics) -> bool {
    topics.remove_idle();
    topics.remove_idle();
    topics.is_empty() && topics.view().is_empty()
}

#[test]
fn ten_thousand_topics_with_a_cursor_each_live_while_they_are_read_and_no_longer() {
    let topics = Topics::default();
    let mailboxes: Vec<_> = (0..MANY).map(|_| Arc::new(Mailbox::default())).collect();
    let subscribe = |(n, mailbox)| topics.subscribe(&topic(n), From::Now, mailbox, 5, n as u64);
    let mut cursors: Vec<_> = mailboxes.iter().enumerate().map(subscribe).collect();
    assert!(cursors.iter_mut().all(|cursor| read(cursor).is_empty()));
    assert!(mailboxes.iter().all(|mailbox| mailbox.take() == 1 << 5));

    (0..MANY).step_by(2).for_each(|n| drop(topics.publish(&topic(n), &n)));
    for (n, (cursor, mailbox)) in cursors.iter_mut().zip(&mailboxes).enumerate() {
        let even = n % 2 == 0;
        assert_eq!((mailbox.take() != 0, read(cursor).len()), (even, usize::from(even)), "topic {n}");
    }
    assert!(!is_gone_after_two_sweeps(&topics));
    assert_eq!(topics.len(), MANY);

    cursors.truncate(1);
    assert!(topics.has_readers(&topic(0)) && !topics.has_readers(&topic(1)));
    assert!(!is_gone_after_two_sweeps(&topics));
    assert_eq!(topics.len(), 1, "the one that is read stays");
    drop(cursors);
    assert!(is_gone_after_two_sweeps(&topics));
}

#[test]
fn ten_thousand_cursors_on_one_topic_come_and_go_in_any_order() {
    let topics = Topics::default();
    let mailboxes: Vec<_> = (0..MANY).map(|_| Arc::new(Mailbox::default())).collect();
    let subscribe = |(n, mailbox)| Some(topics.subscribe(&topic(0), From::Now, mailbox, 0, n as u64));
    let mut cursors: Vec<_> = mailboxes.iter().enumerate().map(subscribe).collect();
    // A number that has no divisor in common with theirs leads through all of them, in no order to speak of.
    for (gone, n) in (0..MANY).map(|n| n * 7_919 % MANY).enumerate() {
        if gone % 1_000 == 0 {
            topics.publish(&topic(0), &gone).unwrap();
            let due = gone as u64 / 1_000 + 1;
            for (cursor, mailbox) in cursors.iter_mut().zip(&mailboxes) {
                match cursor {
                    Some(cursor) => assert_eq!((mailbox.take(), read(cursor)), (1, vec![due])),
                    None => assert_eq!(mailbox.take(), 0, "nobody is there to be told"),
                }
            }
        }
        cursors[n] = None;
    }
    assert!(!topics.has_readers(&topic(0)));
    assert!(mailboxes.iter().all(|mailbox| Arc::strong_count(mailbox) == 1), "the topic holds no mailbox");
    assert!(is_gone_after_two_sweeps(&topics));
}
