//! A component's subscription to one topic: from its position on, each event once, in order.

use leptos::prelude::{Effect, on_cleanup};
use serde::de::DeserializeOwned;

use super::{
    json,
    tab::{self, Parcel},
};
use crate::wire::{
    Position, Topic,
    stream::{Event, Reset},
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
    deliver: impl FnMut(Delivery<T>) + 'static,
) {
    let mut deliver = Some(deliver);
    // Effects run in the browser only, and this one once: it reads no signal.
    Effect::new(move |_| {
        let Some(mut deliver) = deliver.take() else { return };
        let deliver = move |parcels: Vec<Parcel>| parcels.into_iter().for_each(|parcel| open(parcel, &mut deliver));
        let id = tab::subscribe(topic.clone(), position, Box::new(deliver));
        on_cleanup(move || tab::unsubscribe(id));
    });
}

fn open<T: DeserializeOwned>(parcel: Parcel, deliver: &mut impl FnMut(Delivery<T>)) {
    match parcel {
        Parcel::Events(events) => {
            let read = events.into_iter().filter_map(|(offset, json)| Some(Event { offset, data: parse(&json)? }));
            deliver(Delivery::Events(read.collect()));
        }
        Parcel::Reset(json) => {
            if let Some(reset) = parse(&json) {
                deliver(Delivery::Reset(reset));
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
