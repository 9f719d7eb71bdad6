//! The bell in the masthead: how many notifications are unread, live, on the tab's one connection. On every page, so
//! small: it reads one number of each event, and the list is a page of its own.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    dynamic::dynamic,
    seed::{self, Seed},
};
use crate::{
    client::{Delivery, Raw, Record, subscribe_raw},
    wire::{Position, Topic, numbers::grouped},
};

/// What the bell starts from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BellSeed {
    /// Of the visitor's notifications.
    pub topic: Topic,
    pub unread: u32,
    /// What the number is true at.
    pub position: Position,
}

impl Seed for BellSeed {
    const ID: &'static str = "bell-seed";
}

/// Takes [`BellSeed`].
#[island]
pub fn Bell() -> impl IntoView {
    let BellSeed { topic, unread, position } = seed::take();
    let unread = RwSignal::new(unread);
    // What the list beneath follows: two events may leave the number as it is.
    let at = RwSignal::new(position.offset as u32);
    let told = move |delivery: Delivery<Raw>| {
        let events = match delivery {
            Delivery::Events(events) => events,
            Delivery::Reset(reset) => reset.snapshot.events,
            Delivery::Resumed { .. } | Delivery::Lost => return,
        };
        // All that the bell needs of a `UserEvent`.
        let number = |json: &str| Record::parse(json)?.number("unread");
        if let Some((offset, number)) = events.last().and_then(|event| Some((event.offset, number(&event.data.0)?))) {
            at.set(offset as u32);
            unread.set(number as u32);
        }
    };
    subscribe_raw(topic, position, Box::new(told));
    view! {
        <a class="bell" href="/notifications" title="Notifications" data-unread=dynamic(move || unread.get().to_string()) data-at=dynamic(move || at.get().to_string())>
            <span class="bell__word">"Notifications"</span>
            " "
            <span class="bell__count" role="status">
                {dynamic(move || match unread.get() {
                    0 => String::new(),
                    unread => grouped(u64::from(unread)),
                })}
                <span class="bell__unread">{dynamic(move || if unread.get() == 0 { "" } else { " unread" })}</span>
            </span>
        </a>
    }
}
