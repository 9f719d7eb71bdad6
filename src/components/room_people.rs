//! Who is in a room and who is writing there, as the latest topics `presence/{room}` and `typing/{room}` have it.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    client::{Delivery, subscribe},
    wire::{
        Position, Topic,
        person::Visitor,
        stream::{Event, Keyed, Snapshot},
    },
};

/// Some people, and the position it is true at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct People {
    pub position: Position,
    /// By id.
    pub people: Vec<Visitor>,
}

impl From<Snapshot<Keyed<Visitor>>> for People {
    fn from(snapshot: Snapshot<Keyed<Visitor>>) -> Self {
        let mut people = Vec::new();
        apply(snapshot.events, &mut people);
        Self { position: snapshot.position, people }
    }
}

fn apply(events: Vec<Event<Keyed<Visitor>>>, people: &mut Vec<Visitor>) {
    for Event { data: Keyed { key, value }, .. } in events {
        let place = people.binary_search_by(|who| who.id.cmp(&key));
        match (place, value) {
            (Ok(at), Some(person)) => people[at] = person,
            (Err(at), Some(person)) => people.insert(at, person),
            (Ok(at), None) => drop(people.remove(at)),
            (Err(_), None) => {}
        }
    }
}

/// Keeps the people as the topic has them.
pub fn follow(topic: Topic, People { position, people }: People) -> RwSignal<Vec<Visitor>> {
    let people = RwSignal::new(people);
    subscribe(topic, position, move |delivery: Delivery<Keyed<Visitor>>| {
        let (clear, events) = match delivery {
            Delivery::Events(events) => (false, events),
            Delivery::Reset(reset) => (true, reset.snapshot.events),
            Delivery::Resumed { .. } => return,
            Delivery::Lost => (true, Vec::new()),
        };
        people.update(|people| {
            if clear {
                people.clear();
            }
            apply(events, people);
        });
    });
    people
}

/// How many they are, in words.
pub fn count_people(people: &[Visitor]) -> String {
    match people.len() {
        0 => "Nobody is here".to_owned(),
        1 => "1 person is here".to_owned(),
        number => [&number.to_string(), " people are here"].concat(),
    }
}

/// Who of them is writing, in words, besides the reader.
pub fn writers(people: &[Visitor], me: &str) -> String {
    let names: Vec<_> = people.iter().filter(|who| who.id != me).map(|who| who.name.as_str()).collect();
    match names[..] {
        [] => String::new(),
        [one] => [one, " is writing …"].concat(),
        [one, other] => [one, " and ", other, " are writing …"].concat(),
        _ => "Several people are writing …".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody(id: &str) -> Visitor {
        Visitor { id: id.into(), name: id.to_uppercase(), hue: 0 }
    }

    fn changes(changes: &[(&str, bool)]) -> Vec<Event<Keyed<Visitor>>> {
        let event = |&(id, there): &(&str, bool)| Event {
            offset: 0,
            data: Keyed { key: id.into(), value: there.then(|| somebody(id)) },
        };
        changes.iter().map(event).collect()
    }

    #[test]
    fn people_come_once_and_go() {
        let mut people = Vec::new();
        apply(changes(&[("b", true), ("a", true), ("b", true), ("c", false)]), &mut people);
        assert_eq!(people, [somebody("a"), somebody("b")]);
        apply(changes(&[("a", false), ("c", true)]), &mut people);
        assert_eq!(people, [somebody("b"), somebody("c")]);
    }

    #[test]
    fn up_to_two_writers_are_named_and_the_reader_is_none_of_them() {
        let people = ["a", "b", "c", "d"].map(somebody);
        assert_eq!(writers(&people[..1], "a"), "");
        assert_eq!(writers(&people[..2], "a"), "B is writing …");
        assert_eq!(writers(&people[..3], "a"), "B and C are writing …");
        assert_eq!(writers(&people, "a"), "Several people are writing …");
    }
}
