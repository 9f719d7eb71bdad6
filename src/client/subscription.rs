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
