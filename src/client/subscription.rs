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
    stream::{Event, Reset, Snapshot},
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
    listen(topic, position, Box::new(move |parcels| parcels.into_iter().for_each(|parcel| open(parcel, &mut deliver))));
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

/// Hands on what a run adds to its text, from `position` on, until [`unsubscribe`]. In Effects and handlers only.
pub fn follow_text(topic: Topic, position: Position, mut added: impl FnMut(String) + 'static) -> u32 {
    let text = |json: &str| {
        let event = Record::parse(json)?;
        event.text("type").filter(|kind| kind == "TextAdded").and(event.text("text"))
    };
    let deliver = move |parcels: Vec<Parcel>| {
        for parcel in parcels {
            if let Parcel::Events(events) = parcel {
                added(events.iter().filter_map(|(_, json)| text(json)).collect());
            }
        }
    };
    tab::subscribe(topic, position, Box::new(deliver))
}

fn open<T: DeserializeOwned>(parcel: Parcel, deliver: &mut impl FnMut(Delivery<T>)) {
    match parcel {
        Parcel::Events(events) => {
            let read = events.into_iter().filter_map(|(offset, json)| Some(Event { offset, data: parse(&json)? }));
            deliver(Delivery::Events(read.collect()));
        }
        Parcel::Reset(json) => {
            if let Some(Reset { topic, reason, position, snapshot }) = parse::<Reset<Raw>>(&json) {
                // An event that cannot be read is passed over here, too.
                let read = snapshot.events.into_iter();
                let read =
                    read.filter_map(|Event { offset, data: Raw(json) }| Some(Event { offset, data: parse(&json)? }));
                let snapshot = Snapshot { topic: snapshot.topic, position: snapshot.position, events: read.collect() };
                deliver(Delivery::Reset(Reset { topic, reason, position, snapshot }));
            }
        }
        Parcel::Resumed { from, head } => deliver(Delivery::Resumed { from, head }),
        Parcel::Lost => deliver(Delivery::Lost),
    }
}

fn parse<T: DeserializeOwned>(json: &str) -> Option<T> {
    let value = json::parse(json);
    if value.is_none() {
        leptos::logging::error!("an event could not be read: {json}");
    }
    value
}
