//! What a live connection carries, whatever its framing: cursors on its topics, in turn, and what is due of them. No
//! task, no timer, no bytes.

use std::{collections::HashSet, sync::Arc};

use thiserror::Error;

use crate::{
    server::{
        features::presence,
        topics::{Access, Cursor, Entry, From, Mailbox, Read, Reset, Slot, Topics},
    },
    wire::{
        Epoch, Topic,
        stream::Subscribed,
        topic::{Mark, TOPICS_PER_STREAM},
    },
};

pub struct Carried {
    topics: Arc<Topics>,
    pub mailbox: Arc<Mailbox>,
    cursors: Vec<(Slot, Cursor, Option<presence::Guard>)>,
    /// Slots that may have something to read.
    pending: u64,
    /// The cursor that reads first at the next step: one that always has much due must not starve the others.
    turn: usize,
    /// Slots that joined since the last step and have not been announced. A set, not frames: whoever changes topics
    /// faster than they read makes nothing grow.
    joined: u64,
    /// What was asked for and is lost already, to be said at the next step.
    lost: Vec<Topic>,
    serial: u64,
    /// The right by which all of it is read; none for what everybody may read.
    access: Option<Access>,
    /// Events handed out since the caller last took the count.
    delivered: u64,
}

/// A topic that somebody may read, found out by `transports/entrance.rs`.
#[derive(Debug)]
pub struct Joining {
    pub mark: Mark,
    /// The right to this topic alone.
    pub membership: Option<Access>,
    /// Their being there.
    pub presence: Option<presence::Guard>,
}

impl Joining {
    /// Topics that everybody may read, without being anywhere.
    pub fn everybody(marks: &[Mark]) -> Vec<Self> {
        marks.iter().map(|mark| Self { mark: mark.clone(), membership: None, presence: None }).collect()
    }
}

/// What comes of the topics that somebody asked for.
#[derive(Debug, Default)]
pub struct Entering {
    pub joining: Vec<Joining>,
    /// What they have read before and may not any longer.
    pub lost: Vec<Topic>,
}

impl std::convert::From<Vec<Joining>> for Entering {
    fn from(joining: Vec<Joining>) -> Self {
        Self { joining, lost: Vec::new() }
    }
}

/// Something to be said about a topic.
pub enum Due<'a> {
    Events {
        epoch: Epoch,
        entries: Vec<Arc<Entry>>,
    },
    Reset(&'a Reset),
    /// No longer readable, and no longer carried.
    Lost,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum SubscribeError {
    #[error("a stream carries at most {TOPICS_PER_STREAM} topics")]
    TooManyTopics,
}

/// Whoever reads here may not any more.
#[derive(Debug)]
pub struct Revoked;

impl Carried {
    pub fn new(topics: Arc<Topics>, serial: u64, access: Option<Access>) -> Self {
        Self {
            topics,
            mailbox: Arc::default(),
            cursors: Vec::new(),
            pending: 0,
            turn: 0,
            joined: 0,
            lost: Vec::new(),
            serial,
            access,
            delivered: 0,
        }
    }

    /// Takes topics off and adds others, or moves the cursors of those it has: all of it or nothing.
    pub fn change(&mut self, entering: impl Into<Entering>, leave: &[Topic]) -> Result<(), SubscribeError> {
        let Entering { joining, lost } = entering.into();
        let asked: HashSet<_> = joining.iter().map(|joining| &joining.mark.topic).chain(&lost).collect();
        // What is lost and not yet said counts, too, or whoever changes topics faster than they read would make it grow.
        let held = self.topics().chain(&self.lost);
        let staying = held.filter(|topic| !leave.contains(topic) && !asked.contains(topic)).count();
        if staying + asked.len() > TOPICS_PER_STREAM {
            return Err(SubscribeError::TooManyTopics);
        }
        leave.iter().for_each(|topic| self.unsubscribe(topic));
        joining.into_iter().for_each(|joining| self.add(joining));
        for topic in lost {
            self.unsubscribe(&topic);
            self.lost.push(topic);
        }
        self.mailbox.wake();
        Ok(())
    }

    pub fn unsubscribe(&mut self, topic: &Topic) {
        self.cursors.retain(|(_, cursor, _)| cursor.topic() != topic);
        self.lost.retain(|lost| lost != topic);
        // A mark or an announcement whose topic has left has nobody to clear it.
        let held = self.slots();
        self.pending &= held;
        self.joined &= held;
    }

    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.cursors().map(Cursor::topic)
    }

    pub fn cursors(&self) -> impl Iterator<Item = &Cursor> {
        self.cursors.iter().map(|(_, cursor, _)| cursor)
    }

    /// Events handed out since the last call.
    pub fn take_delivered(&mut self) -> u64 {
        std::mem::take(&mut self.delivered)
    }

    /// Looks which cursors have something to read; whether there is anything to be said.
    pub fn look(&mut self) -> bool {
        self.pending |= self.mailbox.take() & self.slots();
        self.pending != 0 || !self.lost.is_empty()
    }

    /// Whether all of it is read by this right.
    pub fn is_by(&self, access: Option<&Access>) -> bool {
        match (&self.access, access) {
            (Some(own), Some(other)) => own.is(other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Who joined since the last call, as they stand now. They have not read yet.
    pub fn take_joined(&mut self) -> Vec<Subscribed> {
        let joined = std::mem::take(&mut self.joined);
        let cursors = self.cursors.iter().filter(|(slot, ..)| joined & 1 << slot != 0);
        cursors
            .map(|(_, cursor, _)| Subscribed {
                topic: cursor.topic().clone(),
                from: cursor.position(),
                head: cursor.head(),
            })
            .collect()
    }

    /// Says what is lost, then reads the marked cursors in turn. `say` is given the topic, what is due of it and the other cursors, and returns
    /// how many bytes it holds by then; it is not asked again once it holds `most`.
    pub fn read(
        &mut self,
        most: usize,
        overhead: usize,
        mut say: impl FnMut(&Topic, Due<'_>, &mut dyn Iterator<Item = &Cursor>) -> usize,
    ) -> Result<(), Revoked> {
        let count = self.cursors.len();
        let (mut held, mut lost) = (0, std::mem::take(&mut self.lost));
        for topic in &lost {
            held = say(topic, Due::Lost, &mut self.cursors());
        }
        for index in (self.turn..self.turn + count).map(|turn| turn % count) {
            let bit = 1 << self.cursors[index].0;
            if self.pending & bit == 0 {
                continue;
            }
            if held >= most {
                self.turn = index;
                break;
            }
            let (before, own_and_after) = self.cursors.split_at_mut(index);
            let Some(((_, cursor, _), after)) = own_and_after.split_first_mut() else { continue };
            let read = cursor.read(most - held, overhead);
            let mut others = before.iter().chain(after.iter()).map(|(_, cursor, _)| cursor);
            let topic = cursor.topic();
            match read {
                Read::Revoked => return Err(Revoked),
                Read::Lost => {
                    held = say(topic, Due::Lost, &mut others);
                    lost.push(topic.clone());
                }
                Read::UpToDate | Read::NotYet => self.pending &= !bit,
                Read::Reset(reset) => {
                    held = say(topic, Due::Reset(&reset), &mut others);
                    self.pending &= !bit;
                }
                Read::Events(batch) => {
                    if batch.reached_head {
                        self.pending &= !bit;
                    }
                    self.delivered += batch.entries.len() as u64;
                    let epoch = cursor.position().epoch;
                    held = say(topic, Due::Events { epoch, entries: batch.entries }, &mut others);
                }
            }
        }
        lost.iter().for_each(|topic| self.unsubscribe(topic));
        Ok(())
    }

    fn add(&mut self, Joining { mark, membership, presence }: Joining) {
        self.unsubscribe(&mark.topic);
        // There is a free slot: there are more of them than topics on a stream.
        let slot = self.slots().trailing_ones() as Slot;
        let from = mark.position.map_or(From::Now, From::After);
        let mut cursor = self.topics.subscribe(&mark.topic, from, &self.mailbox, slot, self.serial);
        if let Some(access) = &self.access {
            cursor = cursor.with_access(access.clone());
        }
        if let Some(membership) = membership {
            cursor = cursor.with_membership(membership);
        }
        self.cursors.push((slot, cursor, presence));
        self.joined |= 1 << slot;
    }

    /// The slots in use.
    fn slots(&self) -> u64 {
        self.cursors.iter().fold(0, |bits, (slot, ..)| bits | 1 << slot)
    }
}
