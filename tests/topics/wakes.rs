//! What wakes a connection's task, and how often: once for all that moved since it last looked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

use tidemark::{
    server::topics::{Cursor, From, Mailbox, Read, Topics},
    wire::Topic,
};

#[derive(Default)]
struct Counted(AtomicUsize);

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection with a cursor on each of some topics, all read to the head, and its task asleep.
struct Connection {
    topics: Topics,
    names: Vec<Topic>,
    mailbox: Arc<Mailbox>,
    cursors: Vec<Cursor>,
    wakes: Arc<Counted>,
}

impl Connection {
    fn new(count: u8) -> Self {
        let (topics, mailbox, wakes) = (Topics::default(), Arc::<Mailbox>::default(), Arc::<Counted>::default());
        let names: Vec<Topic> = (0..count).map(|n| format!("channel/wakes/{n}").parse().unwrap()).collect();
        let cursors = names.iter().zip(0..).map(|(topic, slot)| topics.subscribe(topic, From::Now, &mailbox, slot, 0));
        let mut connection = Self { cursors: cursors.collect(), topics, names, mailbox, wakes };
        connection.look();
        connection
    }

    /// Registers, takes the marks and reads all that is marked.
    fn look(&mut self) -> u64 {
        self.mailbox.register(&Waker::from(self.wakes.clone()));
        let marks = self.mailbox.take();
        for (slot, cursor) in self.cursors.iter_mut().enumerate() {
            while marks & 1 << slot != 0 && !matches!(cursor.read(1_000, 0), Read::UpToDate) {}
        }
        marks
    }

    fn publish(&self, topic: usize) {
        self.topics.publish(&self.names[topic], &"news").unwrap();
    }

    fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::Relaxed)
    }
}

#[test]
fn many_topics_that_move_at_once_cost_one_wake_up() {
    let mut connection = Connection::new(16);
    assert_eq!(connection.wakes(), 0);
    (0..16).for_each(|topic| connection.publish(topic));
    assert_eq!(connection.wakes(), 1);
    assert_eq!(connection.look(), 0xffff);
    connection.publish(3);
    assert_eq!((connection.wakes(), connection.look()), (2, 1 << 3));
}

#[test]
fn who_has_not_looked_yet_is_not_woken_again() {
    let mut connection = Connection::new(1);
    (0..100).for_each(|_| connection.publish(0));
    assert_eq!((connection.wakes(), connection.look(), connection.look()), (1, 1, 0));
}

#[test]
fn news_between_registering_and_looking_are_seen_and_news_after_it_wake() {
    let mut connection = Connection::new(1);
    connection.mailbox.register(&Waker::from(connection.wakes.clone()));
    connection.publish(0);
    assert_eq!((connection.look(), connection.wakes()), (1, 1));
    connection.publish(0);
    assert_eq!(connection.wakes(), 2);
}

#[test]
fn a_reader_that_stopped_short_of_the_head_is_owed_no_mark_until_it_gets_there() {
    let mut connection = Connection::new(1);
    (0..3).for_each(|_| connection.publish(0));
    connection.mailbox.take();
    let mut reached_head = || match connection.cursors[0].read(1, 0) {
        Read::Events(batch) => batch.reached_head,
        read => panic!("{read:?}"),
    };
    assert!(!reached_head());
    connection.topics.publish(&connection.names[0], &"news").unwrap();
    assert_eq!(connection.mailbox.take(), 0);
    assert!(!reached_head() && !reached_head() && reached_head());
    connection.publish(0);
    assert_eq!(connection.mailbox.take(), 1);
}

#[test]
fn a_cursor_that_is_gone_marks_nothing_and_its_slot_is_free_for_another() {
    let mut connection = Connection::new(2);
    connection.cursors.remove(0);
    connection.publish(0);
    assert_eq!((connection.mailbox.take(), connection.wakes()), (0, 0));
    let other = connection.topics.subscribe(&connection.names[1], From::Now, &connection.mailbox, 0, 0);
    connection.cursors.insert(0, other);
    assert_eq!(connection.look(), 1, "a new cursor is to be looked at");
    connection.publish(1);
    assert_eq!(connection.mailbox.take(), 3);
}
