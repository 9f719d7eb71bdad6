//! The tidemark of a tab as a pure model: how far it has read, how far the topic has come, and what a cut cost.

use crate::wire::{Position, stream::ResetReason};

#[derive(Clone, Debug, PartialEq)]
pub struct Tide {
    /// How far this tab has read.
    pub mark: Position,
    /// How far the topic has come, as far as this tab knows. Of the mark's epoch.
    pub head: u64,
    /// Where the mark stood before it last moved: what lies between has just been read.
    pub swept_from: u64,
    pub outcome: Outcome,
    catching_up: Option<CatchUp>,
    cut: bool,
}

/// What the last interruption came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    None,
    /// Back, and every number is accounted for: `missed == recovered + lost`.
    Recovered {
        missed: u64,
        recovered: u64,
        lost: u64,
    },
    /// The numbering began anew: an ephemeral topic does after a restart.
    NewEpoch,
}

#[derive(Clone, Debug, PartialEq)]
struct CatchUp {
    from: u64,
    head: u64,
    recovered: u64,
}

impl Tide {
    pub fn new(position: Position) -> Self {
        Self {
            mark: position,
            head: position.offset,
            swept_from: position.offset,
            outcome: Outcome::None,
            catching_up: None,
            cut: false,
        }
    }

    /// Numbers between the mark and the head.
    pub fn behind(&self) -> u64 {
        self.head.saturating_sub(self.mark.offset)
    }

    /// The connection was lost or cut: from now on numbers are missed.
    pub fn interrupt(&mut self) {
        self.cut = true;
        self.outcome = Outcome::None;
        self.catching_up = None;
    }

    /// The head, asked for beside the stream while that is cut.
    pub fn saw_head(&mut self, head: Position) {
        if head.epoch == self.mark.epoch {
            self.head = self.head.max(head.offset);
        }
    }

    /// A connection began, at a time when the topic had come as far as `head`.
    pub fn resumed(&mut self, head: Position) {
        if !std::mem::take(&mut self.cut) || head.epoch != self.mark.epoch {
            return;
        }
        self.head = self.head.max(head.offset);
        self.catching_up = Some(CatchUp { from: self.mark.offset, head: head.offset, recovered: 0 });
        self.settle();
    }

    /// Events arrived, each once and in order.
    pub fn read(&mut self, offsets: impl Iterator<Item = u64>) {
        self.swept_from = self.mark.offset;
        for offset in offsets {
            if let Some(catching_up) = self.catching_up.as_mut().filter(|c| offset > c.from && offset <= c.head) {
                catching_up.recovered += 1;
            }
            self.mark.offset = offset;
        }
        self.head = self.head.max(self.mark.offset);
        self.settle();
    }

    /// There was no way on: the mark is set to `position`, with the `kept` offsets of the snapshot there.
    pub fn reset(&mut self, reason: ResetReason, position: Position, kept: impl Iterator<Item = u64>) {
        self.cut = false;
        self.catching_up = None;
        let from = self.mark.offset;
        self.outcome = match reason {
            ResetReason::TooOld if position.epoch == self.mark.epoch => {
                let missed = position.offset.saturating_sub(from);
                let recovered = kept.filter(|offset| *offset > from).count() as u64;
                Outcome::Recovered { missed, recovered, lost: missed.saturating_sub(recovered) }
            }
            ResetReason::TooOld | ResetReason::UnknownEpoch | ResetReason::AheadOfHead => Outcome::NewEpoch,
        };
        self.mark = position;
        self.head = position.offset;
        self.swept_from = position.offset;
    }

    /// Says what the interruption came to once the mark has passed where the head was.
    fn settle(&mut self) {
        let done = self.catching_up.as_ref().is_some_and(|catching_up| self.mark.offset >= catching_up.head);
        if let Some(CatchUp { from, head, recovered }) = self.catching_up.take_if(|_| done) {
            let missed = head.saturating_sub(from);
            self.outcome = Outcome::Recovered { missed, recovered, lost: missed - recovered };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Epoch;

    fn at(offset: u64) -> Position {
        Position { epoch: Epoch(1), offset }
    }

    #[test]
    fn what_was_missed_while_cut_is_counted_as_it_comes_back() {
        let mut tide = Tide::new(at(100));
        tide.read(101..=103);
        tide.interrupt();
        tide.saw_head(at(110));
        assert_eq!(tide.behind(), 7);
        tide.resumed(at(117));
        assert_eq!((tide.behind(), tide.outcome), (14, Outcome::None));
        tide.read(104..=110);
        assert_eq!(tide.outcome, Outcome::None, "not yet");
        tide.read(111..=118);
        assert_eq!(tide.outcome, Outcome::Recovered { missed: 14, recovered: 14, lost: 0 });
        assert_eq!((tide.mark.offset, tide.head, tide.swept_from), (118, 118, 110));
    }

    #[test]
    fn the_first_connection_is_no_interruption_and_an_empty_one_says_so() {
        let mut tide = Tide::new(at(5));
        tide.resumed(at(7));
        tide.read(6..=7);
        assert_eq!(tide.outcome, Outcome::None);
        tide.interrupt();
        tide.resumed(at(7));
        assert_eq!(tide.outcome, Outcome::Recovered { missed: 0, recovered: 0, lost: 0 });
    }

    #[test]
    fn what_fell_off_the_ring_is_lost_and_said() {
        let mut tide = Tide::new(at(10));
        tide.interrupt();
        tide.resumed(at(1_000));
        tide.reset(ResetReason::TooOld, at(1_000), 951..=1_000);
        assert_eq!(tide.outcome, Outcome::Recovered { missed: 990, recovered: 50, lost: 940 });
        assert_eq!(tide.behind(), 0);
    }

    #[test]
    fn after_a_restart_numbers_begin_anew() {
        let mut tide = Tide::new(at(10));
        tide.interrupt();
        let new = Position { epoch: Epoch(2), offset: 3 };
        tide.saw_head(new);
        assert_eq!(tide.head, 10);
        tide.resumed(new);
        tide.reset(ResetReason::UnknownEpoch, new, 1..=3);
        assert_eq!((tide.outcome, tide.mark), (Outcome::NewEpoch, new));
    }
}
