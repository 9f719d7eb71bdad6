//! The rooms one may enter and what is unread in each, from the server's rendering on; polled while somebody looks, because
//! who reads a room's topic is there, and a list is nowhere.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    dynamic::dynamic,
    seed::{self, Seed},
};
use crate::{
    client::{
        local_offset_minutes, now_ms,
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
    Effect::new(move |_| zone.set(local_offset_minutes(now_ms() as u64)));
    view! {
        <ul class="room-list">
            // What a room looks like is part of its key: an item that changed is another item.
            <For each=move || data.get().unwrap_or_default() key=key let:room>
                <li class="room-item">
                    <a class="room-item__name" href=["/rooms/", &room.id].concat()>{room.title.clone()}</a>
                    {(room.unread > 0).then(|| view! { <span class="room-item__unread">{unread(room.unread)}</span> })}
                    <p class="room-item__note">
                        {if room.archived { "archived" } else if room.private { "private" } else { "open to everyone" }}
                        {(!room.member).then_some(" · you have not been here")}
                        {dynamic(move || room.newest.map(|ms| [" · last message ", &day(ms, zone.get()), " ", &clock(ms, zone.get())].concat()))}
                    </p>
                </li>
            </For>
        </ul>
    }
}

fn key(room: &RoomItem) -> String {
    let RoomItem { id, title, unread, newest, .. } = room;
    [id, "@", title, "@", &unread.to_string(), "@", &newest.unwrap_or(0).to_string()].concat()
}

fn unread(number: u32) -> String {
    match number {
        UNREAD_COUNTED.. => ["more than ", &grouped(u64::from(UNREAD_COUNTED - 1)), " unread messages"].concat(),
        number => count(u64::from(number), "unread message"),
    }
}
