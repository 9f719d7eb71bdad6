//! A component's subscription to one topic: from its position on, each event once, in order.

use leptos::prelude::on_cleanup;
use serde::de::DeserializeOwned;

use super::{
    effect, json,
    record::{Raw, Record},
    tab::{self, Parcel},
};
use crate::wire::{
    Position, Topic,
    markdown::Patch,
    stream::{Event, Reset, Snapshot},
    topic::Mark,
};

#[derive(Clone, Debug)]
pub enum Delivery<T> {
    /// What followed the position held, oldest first: all that arrived within one frame of the screen.
    Events(Vec<Event<T>>),
    /// There is no way on from the position held.
    Reset(Reset<T>),
    /// A connection began: this reader stands at `from`, the topic had come as far as `head`. What lies between
    /// arrives next.
    Resumed { from: Position, head: Position },
    /// The topic may no longer be read: nothing more of it will come.
    Lost,
}

/// Subscribes from `position` on until the component that calls it is gone. Does nothing on the server.
///
/// Events that cannot be read as `T` are reported to the console and passed over.
pub fn subscribe<T: DeserializeOwned + 'static>(
    topic: Topic,
    position: Position,
    mut deliver: impl FnMut(Delivery<T>) + 'static,
) {
    subscribe_raw(topic, position, Box::new(move |delivery| deliver(read(delivery))));
}

/// The same for events that are left as JSON, to whoever wants little of them: a type is code for every visitor.
pub fn subscribe_raw(topic: Topic, position: Position, mut deliver: Box<dyn FnMut(Delivery<Raw>)>) {
    listen(topic, position, Box::new(move |parcels| parcels.into_iter().filter_map(open).for_each(&mut *deliver)));
}

fn listen(topic: Topic, position: Position, deliver: Box<dyn FnMut(Vec<Parcel>)>) {
    let mut deliver = Some(deliver);
    // Effects run in the browser only, and this one once: it reads no signal.
    effect(move |_| {
        let Some(deliver) = deliver.take() else { return };
        let id = tab::subscribe(topic.clone(), position, deliver);
        on_cleanup(move || tab::unsubscribe(id));
    });
}

/// Hands on what the events of a run in a room add to its text from this mark on, and what that changes of its HTML, until
/// [`unsubscribe`](super::unsubscribe). In Effects and handlers only. Nothing if it is no mark.
pub fn follow_text(mark: &str, mut added: impl FnMut(&str, Vec<Patch>) + 'static) -> Option<u32> {
    let Mark { topic, position } = mark.parse().ok()?;
    let deliver = move |parcels: Vec<Parcel>| {
        for parcel in parcels {
            let Parcel::Events(events) = parcel else { continue };
            let (mut text, mut patches) = (String::new(), Vec::new());
            for record in events.iter().filter_map(|(_, json)| Record::parse(json)) {
                text.push_str(&record.text("text").unwrap_or_default());
                patches.extend(record.list("patches").iter().filter_map(patch));
            }
            added(&text, patches);
        }
    };
    Some(tab::subscribe(topic, position?, Box::new(deliver)))
}

fn patch(record: &Record) -> Option<Patch> {
    let number = |name| record.number(name).map(|number| number as u32);
    Some(Patch { block: number("block")?, keep: number("keep")?, html: record.text("html")? })
}

fn open(parcel: Parcel) -> Option<Delivery<Raw>> {
    Some(match parcel {
        Parcel::Events(events) => {
            Delivery::Events(events.into_iter().map(|(offset, json)| Event { offset, data: Raw(json) }).collect())
        }
        Parcel::Reset(json) => Delivery::Reset(parse(&json)?),
        Parcel::Resumed { from, head } => Delivery::Resumed { from, head },
        Parcel::Lost => Delivery::Lost,
    })
}

fn read<T: DeserializeOwned>(delivery: Delivery<Raw>) -> Delivery<T> {
    match delivery {
        Delivery::Events(events) => Delivery::Events(read_all(events)),
        Delivery::Reset(Reset { topic, reason, position, snapshot }) => {
            let snapshot =
                Snapshot { topic: snapshot.topic, position: snapshot.position, events: read_all(snapshot.events) };
            Delivery::Reset(Reset { topic, reason, position, snapshot })
        }
        Delivery::Resumed { from, head } => Delivery::Resumed { from, head },
        Delivery::Lost => Delivery::Lost,
    }
}

/// An event as one type, if it can be read so.
pub fn read_event<T: DeserializeOwned>(event: &Event<Raw>) -> Option<T> {
    parse(&event.data.0)
}

fn read_all<T: DeserializeOwned>(events: Vec<Event<Raw>>) -> Vec<Event<T>> {
    let read = |Event { offset, data: Raw(json) }: Event<Raw>| Some(Event { offset, data: parse(&json)? });
    events.into_iter().filter_map(read).collect()
}

fn parse<T: DeserializeOwned>(json: &str) -> Option<T> {
    let value = json::parse(json);
    if value.is_none() {
        leptos::logging::error!("an event could not be read: {json}");
    }
    value
}
