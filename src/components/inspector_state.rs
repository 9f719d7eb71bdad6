//! The inspector's model: the keys of its topic and their rows, sorted. Pure.

use crate::wire::{
    inspector::Fields,
    stream::{Event, Keyed},
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct InspectorState {
    rows: Vec<(String, Fields)>,
}

impl InspectorState {
    pub fn new(events: Vec<Event<Keyed<Fields>>>) -> Self {
        let mut state = Self::default();
        state.apply(events);
        state
    }

    /// Applies changed keys, in order.
    pub fn apply(&mut self, events: Vec<Event<Keyed<Fields>>>) {
        for Event { data: Keyed { key, value }, .. } in events {
            // Shorter keys first: numbers in them then sort as numbers.
            let place = self.rows.binary_search_by(|(held, _)| (held.len(), held).cmp(&(key.len(), &key)));
            match (place, value) {
                (Ok(index), Some(fields)) => self.rows[index].1 = fields,
                (Err(index), Some(fields)) => self.rows.insert(index, (key, fields)),
                (Ok(index), None) => drop(self.rows.remove(index)),
                (Err(_), None) => {}
            }
        }
    }

    /// The rows whose key begins so, in order.
    pub fn group(&self, prefix: &str) -> impl Iterator<Item = &(String, Fields)> {
        self.rows.iter().filter(move |(key, _)| key.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(key: &str, value: Option<&str>) -> Event<Keyed<Fields>> {
        let value = value.map(|text| Fields(vec![("text".into(), text.into())]));
        Event { offset: 1, data: Keyed { key: key.into(), value } }
    }

    fn shown(state: &InspectorState) -> Vec<String> {
        state.group("connection/").map(|(key, fields)| [key, "=", fields.get("text")].concat()).collect()
    }

    #[test]
    fn keys_come_change_and_go() {
        let add = ["connection/10", "topic/feed", "connection/7"].map(|key| event(key, Some("a")));
        let mut state = InspectorState::new(add.into());
        state.apply(vec![event("connection/10", Some("b")), event("connection/11", None)]);
        assert_eq!(shown(&state), ["connection/7=a", "connection/10=b"]);
        state.apply(vec![event("connection/7", None)]);
        assert_eq!(shown(&state), ["connection/10=b"]);
    }
}
