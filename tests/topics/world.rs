//! A topic, its readers and its oracle, through any sequence of operations: after each one, all that the contract
//! promises is compared with what the oracle says.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use proptest::sample::Index;
use tidemark::{
    server::topics::{From, Mailbox, Topics},
    wire::{
        Epoch, Position,
        stream::{ResetReason, Snapshot},
    },
};

use super::{
    operations::{Limit, Operation, Start},
    oracle::{Home, Oracle},
    reader::Reader,
};

/// More would only make each operation slower.
const READERS: usize = 10;

/// For the store's answer.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct World<O: Oracle> {
    pub home: O::Home,
    pub oracle: O,
    /// Of the topic's life now, if it has one.
    epoch: Option<Epoch>,
    /// It is in memory.
    exists: bool,
    earlier: Vec<Epoch>,
    /// Used since the last sweep.
    used: bool,
    readers: Vec<Reader<O>>,
    left: Vec<(Position, O::Held)>,
    /// All readers share one, as those of a connection do.
    mailbox: Arc<Mailbox>,
    marks: u64,
}

impl<O: Oracle> Default for World<O> {
    fn default() -> Self {
        Self {
            home: O::Home::default(),
            oracle: O::default(),
            epoch: None,
            exists: false,
            earlier: Vec::new(),
            used: false,
            readers: Vec::new(),
            left: Vec::new(),
            mailbox: Arc::default(),
            marks: 0,
        }
    }
}

impl<O: Oracle> World<O> {
    pub fn perform(&mut self, operation: &Operation<O::Change>) {
        match operation {
            Operation::Change(change) => {
                let said = self.oracle.make(&self.home, change);
                assert_eq!(said, self.head_in(said.epoch), "a change says where it led");
            }
            Operation::Subscribe(start) if self.readers.len() < READERS => self.subscribe(start),
            Operation::Read(index, limit) => _ = self.read(index, *limit),
            Operation::CatchUp(index, limit) => while self.read(index, *limit) {},
            Operation::Leave(index) => self.leave(index),
            Operation::Return(index) if self.readers.len() < READERS && !self.left.is_empty() => {
                let (position, held) = self.left.swap_remove(index.index(self.left.len()));
                self.open(From::After(position), held);
            }
            Operation::Sweep => self.sweep(),
            Operation::Subscribe(_) | Operation::Return(_) => {}
        }
        self.check();
    }

    /// After the last operation everyone reads to the head, and knows then what there is to know.
    pub fn finish(mut self) {
        for reader in 0..self.readers.len() {
            while self.read_one(reader, Limit::NONE) {}
        }
        self.check();
    }

    fn topics(&self) -> &Topics {
        self.home.topics()
    }

    fn subscribe(&mut self, start: &Start) {
        self.home.warm(&O::topic());
        let (head, floor) = (self.oracle.head(), self.oracle.floor());
        let within = |index: &Index, count: u64| index.index(count as usize) as u64;
        let offset = match start {
            Start::Now => return self.open(From::Now, self.oracle.held_at(head)),
            Start::Snapshot => {
                let (position, held) = self.snapshot();
                return self.open(From::After(position), held);
            }
            Start::Kept(index) => floor + within(index, head + 1 - floor),
            Start::Lost(index) => within(index, floor.max(1)),
            Start::AheadOfHead(by) => head.saturating_add(*by),
            Start::OtherEpoch(index, _) => within(index, head + 1),
        };
        let epoch = self.topics().head(&O::topic()).epoch;
        self.note(epoch);
        let epoch = match start {
            Start::OtherEpoch(_, other) => Epoch(epoch.0 ^ other),
            _ => epoch,
        };
        // A reader ahead of a durable log may see the head get there.
        let known = if O::DURABLE { offset } else { offset.min(head) };
        self.open(From::After(Position { epoch, offset }), self.oracle.held_at(known));
    }

    fn open(&mut self, from: From, held: O::Held) {
        let slots = self.readers.iter().fold(0u64, |slots, reader| slots | reader.bit());
        let slot = slots.trailing_ones() as u8;
        self.home.warm(&O::topic());
        let cursor = self.topics().subscribe(&O::topic(), from, &self.mailbox, slot, u64::from(slot));
        let head = self.head_in(cursor.head().epoch);
        let (position, owed) = match from {
            From::Now => (head, None),
            From::After(position) => (position, self.reset_due(position)),
        };
        self.readers.push(Reader { cursor, slot, held, position, owed, fresh: true, armed: false });
    }

    /// Why a position cannot be read on from.
    fn reset_due(&self, position: Position) -> Option<ResetReason> {
        match position {
            _ if Some(position.epoch) != self.epoch => Some(ResetReason::UnknownEpoch),
            _ if position.offset > self.oracle.head() => Some(ResetReason::AheadOfHead),
            _ if position.offset < self.oracle.floor() => Some(ResetReason::TooOld),
            _ => None,
        }
    }

    fn snapshot(&mut self) -> (Position, O::Held) {
        self.home.warm(&O::topic());
        let bytes = self.topics().snapshot(&O::topic());
        let snapshot: Snapshot<O::Event> = serde_json::from_slice(&bytes).expect("a snapshot is JSON");
        assert_eq!(snapshot.position, self.head_in(snapshot.position.epoch));
        (snapshot.position, super::reader::held_after(&self.oracle, snapshot))
    }

    fn read(&mut self, index: &Index, limit: Limit) -> bool {
        !self.readers.is_empty() && self.read_one(index.index(self.readers.len()), limit)
    }

    /// Whether there is more to read.
    fn read_one(&mut self, reader: usize, limit: Limit) -> bool {
        let head = Position { epoch: self.epoch.expect("a topic with a reader exists"), offset: self.oracle.head() };
        let reader = &mut self.readers[reader];
        let patience = Instant::now() + PATIENCE;
        loop {
            // As a connection does: first the mark is taken, then the cursor is read.
            self.marks = (self.marks | self.mailbox.take()) & !reader.bit();
            if let Some(more) = reader.read(&self.oracle, head, limit) {
                return more;
            }
            while self.marks & reader.bit() == 0 {
                assert!(Instant::now() < patience, "whoever is told to wait is marked when there is an answer");
                std::thread::yield_now();
                self.marks |= self.mailbox.take();
            }
        }
    }

    fn leave(&mut self, index: &Index) {
        if self.readers.is_empty() {
            return;
        }
        let Reader { cursor, slot, position, held, owed, .. } =
            self.readers.swap_remove(index.index(self.readers.len()));
        drop(cursor);
        self.marks = (self.marks | self.mailbox.take()) & !(1 << slot);
        // Nobody has ever been ahead of the head of an epoch: once the head has got there, such a lie is not found out.
        if owed != Some(ResetReason::AheadOfHead) {
            self.left.push((position, held));
        }
    }

    fn sweep(&mut self) {
        let goes = self.exists && !self.used && self.readers.is_empty();
        assert_eq!(self.topics().remove_idle(), usize::from(goes));
        self.used = false;
        if goes {
            self.exists = false;
            self.oracle.forget();
            if !O::DURABLE {
                self.earlier.extend(self.epoch.take());
            }
        }
    }

    /// The head as it ought to be after a use of the topic that spoke of this epoch.
    fn head_in(&mut self, epoch: Epoch) -> Position {
        self.used = true;
        self.note(epoch);
        Position { epoch, offset: self.oracle.head() }
    }

    fn note(&mut self, epoch: Epoch) {
        // Whatever brings a topic into memory has used it.
        self.used |= !self.exists;
        self.exists = true;
        match self.epoch {
            Some(now) => assert_eq!(epoch, now, "an epoch lasts as long as its topic"),
            None => {
                assert!(!self.earlier.contains(&epoch), "no epoch comes twice");
                self.epoch = Some(epoch);
            }
        }
    }

    fn check(&mut self) {
        self.marks |= self.mailbox.take();
        let head = self.oracle.head();
        let mut expected = 0;
        for reader in &self.readers {
            assert_eq!(reader.cursor.position(), reader.position, "a cursor stands where its reader was brought to");
            if reader.is_due_a_mark(head) {
                expected |= reader.bit();
            }
        }
        assert_eq!(self.marks, expected, "a slot is marked if there is something to read that its reader awaits");
        let views = self.topics().view();
        assert_eq!((views.len(), self.topics().len()), (usize::from(self.exists), views.len()));
        for view in views {
            assert_eq!((view.length, view.bytes), self.oracle.kept(), "a topic keeps what its retention says");
            assert_eq!((Some(view.head.epoch), view.head.offset), (self.epoch, head));
            let mut offsets: Vec<_> = view.cursors.iter().map(|cursor| (cursor.connection, cursor.offset)).collect();
            let mut expected: Vec<_> = self.readers.iter().map(|r| (u64::from(r.slot), r.position.offset)).collect();
            offsets.sort_unstable();
            expected.sort_unstable();
            assert_eq!(offsets, expected, "the inspector sees each cursor where it is");
        }
    }
}
