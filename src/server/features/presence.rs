//! Who is in a room and who is writing there: by person, not by connection, so three tabs are one person. Whoever loads
//! the next page is not gone: a person leaves ten seconds after their last connection did.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    server::topics::{Cursor, From, Mailbox, Topics},
    wire::{Topic, person::Visitor, room::TYPING_MS, topic::Segment},
};

/// Longer than a page takes to load.
const LINGER: Duration = Duration::from_secs(10);

/// Who has not said for so long that they are writing has stopped.
const TYPING: Duration = Duration::from_millis(2 * TYPING_MS as u64);

/// How often to call [`Presence::sweep`].
pub const SWEEP: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub struct Presence {
    topics: Arc<Topics>,
    rooms: Mutex<HashMap<Segment, Room>>,
}

#[derive(Debug)]
struct Room {
    people: HashMap<String, Here>,
    typing: HashMap<String, Instant>,
    /// Topics without readers are forgotten; these two have to last as long as there is somebody.
    _kept: [Cursor; 2],
}

#[derive(Debug)]
struct Here {
    connections: u32,
    /// When the last connection went.
    left: Option<Instant>,
}

/// One connection's being in a room; dropped with it.
#[derive(Debug)]
pub struct Guard {
    presence: Arc<Presence>,
    room: Segment,
    person: String,
}

impl Presence {
    pub fn new(topics: Arc<Topics>) -> Arc<Self> {
        Arc::new(Self { topics, rooms: Mutex::default() })
    }

    /// Somebody's connection has come into a room.
    pub fn enter(self: &Arc<Self>, room: &Segment, who: &Visitor) -> Guard {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let place = rooms.entry(room.clone()).or_insert_with(|| self.open(room));
        let here = place.people.entry(who.id.clone()).or_insert(Here { connections: 0, left: None });
        here.connections += 1;
        here.left = None;
        // Under the lock: what the topic says is what the map holds. A value of our own types has JSON.
        let _ = self.topics.set(&Topic::Presence { room: room.clone() }, &who.id, who);
        Guard { presence: self.clone(), room: room.clone(), person: who.id.clone() }
    }

    /// Somebody is writing. Nothing of somebody who is not there: a room is not kept for them.
    pub fn types(&self, room: &Segment, who: &Visitor, now: Instant) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = rooms.get_mut(room).filter(|place| place.people.contains_key(&who.id)) else { return };
        place.typing.insert(who.id.clone(), now + TYPING);
        let _ = self.topics.set(&Topic::Typing { room: room.clone() }, &who.id, who);
    }

    /// Somebody has sent what they were writing.
    pub fn sent(&self, room: &Segment, person: &str) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.get_mut(room).is_some_and(|place| place.typing.remove(person).is_some()) {
            let _ = self.topics.remove(&Topic::Typing { room: room.clone() }, person);
        }
    }

    /// Takes somebody out at once: they are no member any longer.
    pub fn expel(&self, room: &Segment, person: &str) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = rooms.get_mut(room) {
            place.people.remove(person);
            place.typing.remove(person);
            self.tell_gone(room, person);
        }
    }

    /// Notes who has been gone, or silent, for long enough.
    pub fn sweep(&self, now: Instant) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.retain(|room, place| {
            place.typing.retain(|person, until| {
                let still = now < *until;
                if !still {
                    let _ = self.topics.remove(&Topic::Typing { room: room.clone() }, person);
                }
                still
            });
            place.people.retain(|person, here| {
                let stays = here.left.is_none_or(|left| now < left + LINGER);
                if !stays {
                    self.tell_gone(room, person);
                }
                stays
            });
            !place.people.is_empty()
        });
    }

    fn tell_gone(&self, room: &Segment, person: &str) {
        let _ = self.topics.remove(&Topic::Presence { room: room.clone() }, person);
        let _ = self.topics.remove(&Topic::Typing { room: room.clone() }, person);
    }

    fn open(&self, room: &Segment) -> Room {
        let keep = |topic| self.topics.subscribe(&topic, From::Now, &Arc::<Mailbox>::default(), 0, 0);
        let kept = [Topic::Presence { room: room.clone() }, Topic::Typing { room: room.clone() }].map(keep);
        Room { people: HashMap::new(), typing: HashMap::new(), _kept: kept }
    }

    fn leave(&self, room: &Segment, person: &str) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let here = rooms.get_mut(room).and_then(|place| place.people.get_mut(person));
        // Whoever was expelled is not there any more.
        if let Some(here) = here {
            here.connections = here.connections.saturating_sub(1);
            if here.connections == 0 {
                here.left = Some(Instant::now());
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.presence.leave(&self.room, &self.person);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody(id: &str) -> Visitor {
        Visitor { id: id.into(), name: id.to_uppercase(), hue: 7 }
    }

    #[test]
    fn three_tabs_are_one_person_who_leaves_ten_seconds_after_the_last() {
        let topics = Arc::<Topics>::default();
        let presence = Presence::new(topics.clone());
        let room = Segment::new("lobby").unwrap();
        let here = || topics.keys(&Topic::Presence { room: room.clone() });
        let tabs: Vec<_> = (0..3).map(|_| presence.enter(&room, &somebody("ada"))).collect();
        assert_eq!(here(), ["ada"]);
        let (now, head) = (Instant::now(), topics.head(&Topic::Presence { room: room.clone() }));
        drop(tabs);
        presence.sweep(now + LINGER - Duration::from_secs(1));
        let again = presence.enter(&room, &somebody("ada"));
        presence.sweep(now + LINGER * 3);
        assert_eq!(topics.head(&Topic::Presence { room: room.clone() }), head, "nobody saw them come and go");
        drop(again);
        presence.sweep(Instant::now() + LINGER);
        assert!(here().is_empty());
        assert!(presence.rooms.lock().unwrap().is_empty(), "an empty room is not kept");
    }

    #[test]
    fn who_writes_is_shown_until_it_is_sent_or_they_have_stopped() {
        let topics = Arc::<Topics>::default();
        let presence = Presence::new(topics.clone());
        let room = Segment::new("lobby").unwrap();
        let typing = || topics.keys(&Topic::Typing { room: room.clone() });
        let now = Instant::now();
        presence.types(&room, &somebody("ghost"), now);
        let _tab = presence.enter(&room, &somebody("ada"));
        presence.types(&room, &somebody("ada"), now);
        assert_eq!(typing(), ["ada"], "who is not there does not write");
        presence.sent(&room, "ada");
        assert!(typing().is_empty());
        presence.types(&room, &somebody("ada"), now);
        presence.sweep(now + TYPING);
        assert!(typing().is_empty());
    }
}
