//! What may happen to a topic and its readers, in any order, as strategies.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::oracle::Oracle;

#[derive(Clone, Debug)]
pub enum Operation<C> {
    Change(C),
    Subscribe(Start),
    /// One read, which may stop before the head.
    Read(Index, Limit),
    /// Reads with this limit up to the head.
    CatchUp(Index, Limit),
    /// Drops a cursor, whose reader remembers how far it came.
    Leave(Index),
    /// A reader that left comes back to where it was.
    Return(Index),
    /// One call of `remove_idle`.
    Sweep,
}

/// What one read may hand out.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub bytes: usize,
    /// What each event counts besides its payload.
    pub overhead: usize,
}

impl Limit {
    pub const NONE: Self = Self { bytes: usize::MAX, overhead: 0 };
}

/// Where a new reader begins.
#[derive(Clone, Debug)]
pub enum Start {
    Now,
    /// A position from which everything is kept.
    Kept(Index),
    /// A position from which something is not, if there is one.
    Lost(Index),
    AheadOfHead(u64),
    OtherEpoch(Index, u64),
    /// A snapshot, and the position that it names.
    Snapshot,
}

pub fn operations<O: Oracle>() -> impl Strategy<Value = Vec<Operation<O::Change>>> {
    vec(operation::<O>(), 1..60)
}

fn operation<O: Oracle>() -> impl Strategy<Value = Operation<O::Change>> {
    prop_oneof![
        12 => O::changes().prop_map(Operation::Change),
        4 => start().prop_map(Operation::Subscribe),
        8 => (any::<Index>(), limit(0)).prop_map(|(reader, limit)| Operation::Read(reader, limit)),
        3 => (any::<Index>(), limit(5_000)).prop_map(|(reader, limit)| Operation::CatchUp(reader, limit)),
        2 => any::<Index>().prop_map(Operation::Leave),
        2 => any::<Index>().prop_map(Operation::Return),
        2 => Just(Operation::Sweep),
    ]
}

fn start() -> impl Strategy<Value = Start> {
    prop_oneof![
        Just(Start::Now),
        any::<Index>().prop_map(Start::Kept),
        any::<Index>().prop_map(Start::Lost),
        prop_oneof![1..10u64, Just(u64::MAX)].prop_map(Start::AheadOfHead),
        (any::<Index>(), 1..u64::MAX).prop_map(|(offset, other)| Start::OtherEpoch(offset, other)),
        Just(Start::Snapshot),
    ]
}

/// From less than one event to more than a topic keeps, but `least` bytes.
fn limit(least: usize) -> impl Strategy<Value = Limit> {
    let bytes = prop_oneof![0..100usize, 100..5_000usize, 5_000..2_000_000usize, Just(usize::MAX)];
    (bytes, 0..300usize).prop_map(move |(bytes, overhead)| Limit { bytes: bytes.max(least), overhead })
}
