//! What one connection has read of each topic it asked for, through however many sockets. Pure: frames in, counts
//! and latencies out.

use super::{
    frame::{Frame, Kind, due_ms},
    position::{Mark, Order, Position, Step, vector},
    tally::Tally,
};

/// A topic that every connection asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: String,
    pub order: Order,
    /// From where to read; from now on if there is none.
    pub start: Option<Position>,
}

pub struct Subscription {
    /// One for each topic, in their order; none until the stream has said where it stands.
    marks: Box<[Option<Mark>]>,
    /// When the present socket was opened, in milliseconds since 1970.
    since_ms: u64,
    resumed: bool,
}

impl Subscription {
    pub fn new(topics: &[Topic]) -> Self {
        let marks = topics.iter().map(|topic| topic.start.map(Mark::at)).collect();
        Self { marks, since_ms: 0, resumed: false }
    }

    /// A new socket is about to carry it on.
    pub fn begin(&mut self, now_ms: u64) {
        self.resumed = self.since_ms > 0;
        self.since_ms = now_ms;
    }

    pub fn positions(&self) -> impl Iterator<Item = Option<Position>> {
        self.marks.iter().map(|mark| mark.map(|mark| mark.position))
    }

    /// Whether it can be taken up again without asking for "now", which would hide a gap.
    pub fn can_resume(&self) -> bool {
        self.marks.iter().all(Option::is_some)
    }

    /// Counts a frame and returns the latency of a live event in microseconds, if it says when it was due.
    pub fn read(&mut self, frame: &Frame, topics: &[Topic], now_us: u64, tally: &mut Tally) -> Option<u64> {
        match frame.kind {
            Kind::Event => {
                tally.events += 1;
                self.follow(&frame.id, topics, tally);
                return self.latency(&frame.data, now_us, tally);
            }
            Kind::Connected => self.greeted(&frame.id, topics, tally),
            Kind::Reset => {
                tally.resets += 1;
                match vector(&frame.id).next().flatten().and_then(|(topic, at)| Some((find(topics, topic)?, at))) {
                    Some((index, at)) => self.marks[index] = Some(Mark::at(at)),
                    None => tally.unreadable += 1,
                }
            }
            Kind::Draining => tally.drains += 1,
            Kind::Heartbeat => tally.heartbeats += 1,
            Kind::Refused | Kind::Other => {}
        }
        None
    }

    /// The positions a stream begins at. Those already held stand: that what follows does follow is what we check.
    fn greeted(&mut self, id: &str, topics: &[Topic], tally: &mut Tally) {
        for part in vector(id) {
            match part.and_then(|(topic, at)| Some((find(topics, topic)?, at))) {
                Some((index, at)) => {
                    self.marks[index].get_or_insert(Mark::at(at));
                }
                None => tally.unreadable += 1,
            }
        }
    }

    fn follow(&mut self, id: &str, topics: &[Topic], tally: &mut Tally) {
        let mut positions = vector(id);
        let own = positions.next().flatten().and_then(|(topic, at)| Some((find(topics, topic)?, at)));
        let Some((own, at)) = own else {
            tally.unreadable += 1;
            return;
        };
        match self.marks[own].as_mut().map(|mark| mark.advance(at, topics[own].order)) {
            None => self.marks[own] = Some(Mark::at(at)),
            Some(Step::Next) => {}
            Some(Step::Gap(missing)) => {
                tally.gaps += 1;
                tally.missing += missing;
            }
            Some(Step::Duplicate) => tally.duplicates += 1,
            Some(Step::OutOfOrder) => tally.out_of_order += 1,
            Some(Step::OtherEpoch) => tally.other_epochs += 1,
        }
        // A browser would resume from these, so they must be what it was sent.
        for part in positions {
            let held = part.and_then(|(topic, at)| Some((self.marks[find(topics, topic)?]?.position, at)));
            tally.mismatched += u64::from(held.is_none_or(|(held, at)| held != at));
        }
    }

    /// Of events replayed after a resume there is no latency: they were due while nobody was there.
    fn latency(&self, data: &[u8], now_us: u64, tally: &mut Tally) -> Option<u64> {
        let due_ms = due_ms(data)?;
        if due_ms < self.since_ms {
            tally.recovered += u64::from(self.resumed);
            return None;
        }
        let latency = now_us.checked_sub(due_ms * 1_000);
        tally.early += u64::from(latency.is_none());
        Some(latency.unwrap_or(0))
    }
}

fn find(topics: &[Topic], name: &str) -> Option<usize> {
    topics.iter().position(|topic| topic.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "feed@00000000000000aa";
    const Q: &str = "quotes@00000000000000bb";

    fn topics() -> Vec<Topic> {
        let topic = |name: &str, order| Topic { name: name.into(), order, start: None };
        vec![topic("feed", Order::Consecutive), topic("quotes", Order::Rising)]
    }

    /// What a connection counts when it is sent these frames.
    fn counts(frames: &[(Kind, &str)]) -> Tally {
        let (topics, mut tally) = (topics(), Tally::default());
        let mut subscription = Subscription::new(&topics);
        for (kind, id) in frames {
            let frame = Frame { kind: *kind, id: (*id).into(), data: b"{}".into() };
            subscription.read(&frame, &topics, 0, &mut tally);
        }
        tally
    }

    #[test]
    fn the_greeting_says_what_must_come_next() {
        let greeting = (Kind::Connected, &*format!("{A}:7,{Q}:3"));
        assert_eq!(counts(&[greeting, (Kind::Event, &format!("{A}:8,{Q}:3"))]).faults(), Vec::<String>::new());
        assert_eq!(counts(&[greeting, (Kind::Event, &format!("{A}:9,{Q}:3"))]).missing, 1);
        let skipping = [greeting, (Kind::Event, &format!("{Q}:90,{A}:7")), (Kind::Event, &format!("{A}:8,{Q}:90"))];
        assert_eq!(counts(&skipping).faults(), Vec::<String>::new());
    }

    #[test]
    fn a_vector_that_disagrees_and_an_unknown_topic_are_faults() {
        let greeting = (Kind::Connected, &*format!("{A}:7,{Q}:3"));
        assert_eq!(counts(&[greeting, (Kind::Event, &format!("{A}:8,{Q}:4"))]).mismatched, 1);
        assert_eq!(counts(&[greeting, (Kind::Event, "room/1@00000000000000aa:1")]).unreadable, 1);
        assert_eq!(counts(&[(Kind::Event, "")]).unreadable, 1);
    }

    #[test]
    fn a_reset_moves_the_mark_and_a_new_epoch_without_one_is_a_fault() {
        let (greeting, event) = (format!("{A}:7"), "feed@00000000000000cc:1");
        let reset = (Kind::Reset, "feed@00000000000000cc:0");
        let tally = counts(&[(Kind::Connected, &greeting), reset, (Kind::Event, event)]);
        assert_eq!((tally.resets, tally.faults()), (1, vec![]));
        assert_eq!(counts(&[(Kind::Connected, &greeting), (Kind::Event, event)]).other_epochs, 1);
    }

    #[test]
    fn latency_counts_live_events_only_and_the_rest_as_recovered() {
        let (topics, mut tally) = (topics(), Tally::default());
        let mut subscription = Subscription::new(&topics);
        let mut read = |subscription: &mut Subscription, offset: u64, due: u64, now_us| {
            let data = format!(r#"{{"time":{due}}}"#).into_bytes();
            let frame = Frame { kind: Kind::Event, id: format!("{A}:{offset}").into(), data: data.into() };
            subscription.read(&frame, &topics, now_us, &mut tally)
        };
        subscription.begin(1_000);
        assert_eq!(read(&mut subscription, 1, 2_000, 2_000_750), Some(750));
        assert_eq!(read(&mut subscription, 2, 3_000, 2_999_999), Some(0));
        subscription.begin(5_500);
        assert_eq!(read(&mut subscription, 3, 4_000, 5_501_000), None);
        assert_eq!((tally.recovered, tally.early, tally.gaps), (1, 1, 0));
    }
}
