//! What a topic holds, behind one interface for both kinds. What is [`Gone::TooOld`] here may still be in the
//! store: `durable.rs` looks there before a cursor is reset.

use std::sync::Arc;

use bytes::Bytes;

use super::{Entry, Latest, Ring};
use crate::wire::topic::{Kind, Policy};

#[derive(Debug)]
pub enum Content {
    Log(Ring),
    Latest(Latest),
}

/// Why reading on from an offset would leave a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    TooOld,
    AheadOfHead,
}

impl Content {
    pub fn new(policy: &Policy) -> Self {
        match policy.kind {
            Kind::Log => Self::Log(Ring::new(policy.retention)),
            Kind::Latest => Self::Latest(Latest::new(policy.retention)),
        }
    }

    /// The newest offset; 0 when nothing was ever published.
    pub fn head(&self) -> u64 {
        match self {
            Self::Log(ring) => ring.head(),
            Self::Latest(latest) => latest.head(),
        }
    }

    /// Entries in memory.
    pub fn len(&self) -> usize {
        match self {
            Self::Log(ring) => ring.len(),
            Self::Latest(latest) => latest.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of payloads in memory.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Log(ring) => ring.bytes(),
            Self::Latest(latest) => latest.bytes(),
        }
    }

    /// Whether everything after `offset` is still here.
    pub fn check(&self, offset: u64) -> Result<(), Gone> {
        let floor = match self {
            Self::Log(ring) => ring.floor(),
            Self::Latest(latest) => latest.floor(),
        };
        match offset {
            _ if offset > self.head() => Err(Gone::AheadOfHead),
            _ if offset < floor => Err(Gone::TooOld),
            _ => Ok(()),
        }
    }

    /// Entries after `offset` in order, as many as fit into `max_bytes` with `overhead` each, but at least one if there
    /// is one. The caller has called [`Content::check`].
    pub fn after(&self, offset: u64, max_bytes: usize, overhead: usize) -> Vec<Arc<Entry>> {
        match self {
            Self::Log(ring) => fitting(ring.after(offset), max_bytes, overhead),
            Self::Latest(latest) => fitting(latest.after(offset), max_bytes, overhead),
        }
    }

    /// The state now: a log's newest `events`, or every key of a latest that has a value; oldest first.
    pub fn newest(&self, events: usize) -> Vec<&Arc<Entry>> {
        match self {
            Self::Log(ring) => ring.after(ring.head().saturating_sub(events as u64).max(ring.floor())).collect(),
            Self::Latest(latest) => latest.present().collect(),
        }
    }

    /// Begins anew with what is stored. Only logs are.
    pub fn restore(&mut self, head: u64, newest: impl ExactSizeIterator<Item = Bytes>) {
        match self {
            Self::Log(ring) => ring.restore(head, newest),
            Self::Latest(_) => unreachable!("no latest is durable"),
        }
    }

    /// Gives an event of a log another text, if it is still here.
    pub fn rewrite(&mut self, offset: u64, payload: Bytes) {
        match self {
            Self::Log(ring) => ring.rewrite(offset, payload),
            Self::Latest(_) => unreachable!("no latest is durable"),
        }
    }

    pub fn append(&mut self, payload: Bytes) -> u64 {
        match self {
            Self::Log(ring) => ring.push(payload),
            Self::Latest(_) => unreachable!("the registry checks the kind before it appends"),
        }
    }
}

/// The first of `entries`, as many as fit into `max_bytes` with `overhead` each, but at least one if there is one.
pub fn fitting<'a>(
    entries: impl Iterator<Item = &'a Arc<Entry>>,
    max_bytes: usize,
    overhead: usize,
) -> Vec<Arc<Entry>> {
    let mut bytes = 0;
    entries
        .take_while(|entry| {
            let first = bytes == 0;
            bytes += entry.payload.len() + overhead.max(1);
            first || bytes <= max_bytes
        })
        .cloned()
        .collect()
}
