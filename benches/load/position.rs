//! Positions as ids carry them, and the check that a topic's events follow one another. Pure.

/// `{epoch}:{offset}`, the epoch as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub epoch: u64,
    pub offset: u64,
}

impl Position {
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, offset) = text.split_once(':')?;
        let epoch = (epoch.len() == 16).then(|| u64::from_str_radix(epoch, 16).ok()).flatten()?;
        Some(Self { epoch, offset: offset.parse().ok()? })
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}:{}", self.epoch, self.offset)
    }
}

/// The positions of an id, in its order: `feed@…:13,quotes@…:99`.
pub fn vector(id: &str) -> impl Iterator<Item = Option<(&str, Position)>> {
    id.split(',').filter(|part| !part.is_empty()).map(|part| {
        let (topic, position) = part.rsplit_once('@')?;
        Some((topic, Position::parse(position)?))
    })
}

/// Whether every offset must come (a log), or only rising ones (a latest, which conflates).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Consecutive,
    Rising,
}

/// How far a connection has read one topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub position: Position,
    /// The offsets that the newest gap left out, first and last: what comes later from in here came out of order.
    hole: Option<(u64, u64)>,
}

/// How an event follows what came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Next,
    /// So many offsets were left out.
    Gap(u64),
    Duplicate,
    OutOfOrder,
    /// Another numbering, and no reset said so.
    OtherEpoch,
}

impl Mark {
    pub const fn at(position: Position) -> Self {
        Self { position, hole: None }
    }

    pub fn advance(&mut self, to: Position, order: Order) -> Step {
        let held = self.position;
        if to.epoch != held.epoch {
            *self = Self::at(to);
            return Step::OtherEpoch;
        }
        if to.offset <= held.offset {
            let missed = self.hole.is_some_and(|(first, last)| (first..=last).contains(&to.offset));
            return if missed { Step::OutOfOrder } else { Step::Duplicate };
        }
        self.position = to;
        let skipped = to.offset - held.offset - 1;
        if skipped == 0 || order == Order::Rising {
            return Step::Next;
        }
        self.hole = Some((held.offset + 1, to.offset - 1));
        Step::Gap(skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: u64, offset: u64) -> Position {
        Position { epoch, offset }
    }

    #[test]
    fn an_id_reads_as_its_positions() {
        let id = "room/a@b@00000000000000aa:13,feed@ffffffffffffffff:0";
        let read: Vec<_> = vector(id).collect();
        assert_eq!(read, [Some(("room/a@b", at(0xaa, 13))), Some(("feed", at(u64::MAX, 0)))]);
        assert_eq!(vector("").count(), 0);
        for bad in ["feed", "feed@", "feed@aa:1", "feed@00000000000000aa", "feed@00000000000000aa:x"] {
            assert_eq!(vector(bad).collect::<Vec<_>>(), [None], "{bad}");
        }
        assert_eq!(at(0xaa, 13).to_string(), "00000000000000aa:13");
    }

    #[test]
    fn every_way_to_follow_is_told_apart() {
        let mut mark = Mark::at(at(1, 10));
        let steps = [(11, Step::Next), (11, Step::Duplicate), (15, Step::Gap(3)), (13, Step::OutOfOrder)];
        for (offset, step) in steps {
            assert_eq!(mark.advance(at(1, offset), Order::Consecutive), step, "{offset}");
        }
        assert_eq!(mark.advance(at(1, 9), Order::Consecutive), Step::Duplicate);
        assert_eq!(mark.position, at(1, 15), "what comes late moves no mark");
        assert_eq!(mark.advance(at(2, 1), Order::Consecutive), Step::OtherEpoch);
        assert_eq!(mark.advance(at(2, 2), Order::Consecutive), Step::Next);
    }

    #[test]
    fn a_latest_may_skip_versions_but_not_go_back() {
        let mut mark = Mark::at(at(1, 10));
        assert_eq!(mark.advance(at(1, 90), Order::Rising), Step::Next);
        assert_eq!(mark.advance(at(1, 89), Order::Rising), Step::Duplicate);
    }
}
