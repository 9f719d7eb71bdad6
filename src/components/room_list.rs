//! The rooms one may enter and what is unread in each, from the server's rendering on; polled while somebody looks, because
//! who reads a room's topic is there, and a list is nowhere.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    dynamic::dynamic,
    part::{Line, Part, list, part},
    seed::{self, Seed},
};
use crate::{
    client::{
        effect, local_offset_minutes, now_ms,
        polling::{Interval, Options, use_polling},
    },
    wire::{
        numbers::{clock, count, day, grouped},
        room::{RoomItem, UNREAD_COUNTED},
    },
};

/// In milliseconds.
const REFRESH_MS: u32 = 5_000;

/// What the island starts from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoomsSeed {
    pub rooms: Vec<RoomItem>,
}

impl Seed for RoomsSeed {
    const ID: &'static str = "rooms-seed";
}

/// Takes [`RoomsSeed`].
#[island]
pub fn RoomList() -> impl IntoView {
    let RoomsSeed { rooms } = seed::take();
    let options = Options { refresh_interval: Interval::Fixed(REFRESH_MS), ..Options::default() };
    let data = use_polling(|| Some("/api/rooms".to_owned()), options, Some(rooms)).data;
    let zone = RwSignal::new(0);
    effect(move |_| zone.set(local_offset_minutes(now_ms() as u64)));
    let rooms = list(move || data.get().unwrap_or_default().into_iter().map(|room| line(room, zone)).collect());
    view! { <ul class="room-list">{rooms}</ul> }
}

/// What a room looks like is part of its key: an item that changed is another item.
fn line(room: RoomItem, zone: RwSignal<i32>) -> Line {
    (key(&room), Box::new(move || item(room, zone)))
}

fn item(RoomItem { id, title, private, archived, member, unread, newest }: RoomItem, zone: RwSignal<i32>) -> Part {
    let new = (unread > 0).then(|| part(view! { <span class="room-item__unread">{words_of(unread)}</span> }));
    let state = if archived {
        "archived"
    } else if private {
        "private"
    } else {
        "open to everyone"
    };
    let note = [state, if member { "" } else { " · you have not been here" }].concat();
    let last = move || match newest {
        Some(ms) => [" · last message ", &day(ms, zone.get()), " ", &clock(ms, zone.get())].concat(),
        None => String::new(),
    };
    part(view! {
        <li class="room-item">
            <a class="room-item__name" href=["/rooms/", &id].concat()>{title}</a>
            {new}
            <p class="room-item__note">{note} {dynamic(last)}</p>
        </li>
    })
}

fn key(room: &RoomItem) -> String {
    let RoomItem { id, title, private, archived, member, unread, newest } = room;
    let flag = |is: &bool| if *is { "@yes" } else { "@no" };
    let numbers = [unread.to_string(), newest.unwrap_or(0).to_string()].join("@");
    [id, "@", title, flag(private), flag(archived), flag(member), "@", &numbers].concat()
}

fn words_of(number: u32) -> String {
    match number {
        UNREAD_COUNTED.. => ["more than ", &grouped(u64::from(UNREAD_COUNTED - 1)), " unread messages"].concat(),
        number => count(u64::from(number), "unread message"),
    }
}
