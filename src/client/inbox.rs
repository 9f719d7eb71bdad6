//! What a subscription takes of what arrives: each offset once, in order, or a reset. Pure.

use crate::wire::{Epoch, Position};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Take,
    /// Held already: two subscriptions share a connection that reads from the older of their positions.
    Held,
    /// Not what follows: subscribe anew from the position held, and let the server decide.
    Gap,
}

/// Judges an event at `offset` in `epoch` for a reader that stands at `position`, and moves it on if it is taken.
/// Only a log's offsets rise by one (`consecutive`).
pub fn judge(position: &mut Position, epoch: Epoch, offset: u64, consecutive: bool) -> Verdict {
    if epoch != position.epoch || (consecutive && offset > position.offset + 1) {
        return Verdict::Gap;
    }
    if offset <= position.offset {
        return Verdict::Held;
    }
    position.offset = offset;
    Verdict::Take
}

/// The event's own position: the first of its id. The others are those of the stream's other topics.
pub fn own_mark(id: &str) -> Option<crate::wire::topic::Mark> {
    id.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_offset_is_taken_once_and_a_gap_is_noticed() {
        let epoch = Epoch(7);
        let mut at = Position { epoch, offset: 3 };
        let verdicts: Vec<_> = [3, 4, 4, 5, 7].map(|offset| judge(&mut at, epoch, offset, true)).into();
        assert_eq!(verdicts, [Verdict::Held, Verdict::Take, Verdict::Held, Verdict::Take, Verdict::Gap]);
        assert_eq!(judge(&mut at, epoch, 9, false), Verdict::Take, "a latest skips what was overwritten");
        assert_eq!(judge(&mut at, Epoch(8), 10, false), Verdict::Gap);
        assert_eq!(at.offset, 9);
    }
}
