//! `ChatRoom`: what is said in a room, from the server's rendering on; saying something; who is there, who is writing.
//! `room_log.rs` holds the messages, `outbox.rs` what is not yet said, `chat_message.rs` shows one; what one does here is
//! `composer.rs` (to write), `room_scroll.rs` (to read) and `room_people.rs` (to be there).

use leptos::{ev, prelude::*, server_fn::ServerFn};
use serde::{Deserialize, Serialize};

use super::{
    chat_message::{chat_row, pending_row},
    composer,
    connection_badge::ConnectionBadge,
    dynamic::dynamic,
    part::{Line, list, part, when},
    room_answer,
    room_log::Row,
    room_people::{self, People, count_people, writers},
    room_scroll,
    room_state::Room,
    seed::{self, Seed},
};
use crate::{
    api::rooms::PostMessage,
    client::{Delivery, effect, has_fallen_back, local_offset_minutes, now_ms, subscribe},
    wire::{
        Topic,
        numbers::count,
        person::Visitor,
        room::{History, RoomEvent, RoomEventKind},
        stream::Event,
        topic::Segment,
    },
};

/// What the island starts from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoomSeed {
    pub room: Segment,
    pub title: String,
    pub archived: bool,
    /// The page shows older messages than the newest: what is new does not follow them.
    pub past: bool,
    /// Who looks; nobody may only look.
    pub me: Option<Visitor>,
    pub history: History,
    /// The newest message they have seen.
    pub seen: Option<u64>,
    pub presence: People,
    pub typing: People,
    /// For the form, where there is no script to make one.
    pub client: String,
    /// What the form was sent with the last time, if that failed and there is no script.
    pub draft: String,
}

impl Seed for RoomSeed {
    const ID: &'static str = "room-seed";
}

/// Takes [`RoomSeed`].
#[island]
pub fn ChatRoom() -> impl IntoView {
    let seed: RoomSeed = seed::take();
    let room = Room::new(&seed);
    let RoomSeed { room: id, history, presence, typing, client, draft, .. } = seed;
    subscribe(Topic::Room { room: id.clone() }, history.position, move |delivery| happened(room, delivery));
    let people = room_people::follow(Topic::Presence { room: id.clone() }, presence);
    let writing = room_people::follow(Topic::Typing { room: id }, typing);
    room_answer::follow(room);
    composer::keep(room);
    room_scroll::count_in_title(room);
    let me = room.me().unwrap_or_default();
    view! {
        <section class="chat" aria-labelledby="room-title" data-transport=dynamic(move || if is_fallback(room) { "sse" } else { "socket" })>
            <header class="chat__header">
                <h1 id="room-title" class="chat__title">{dynamic(move || room.title.get())}</h1>
                <ConnectionBadge />
                {when(move || is_fallback(room), || part(view! { <span class="chat__fallback">"WebSockets are blocked here: over server-sent events"</span> }))}
                <details class="chat__people">
                    <summary>{dynamic(move || people.with(|people| count_people(people)))}</summary>
                    <ul>{list(move || people.with(|people| people.iter().map(person).collect()))}</ul>
                </details>
            </header>
            {messages(room)}
            <div class="chat__below">
                {when(move || room.unseen.get() > 0, move || part(view! {
                    <button class="button chat__new" type="button" on:click=move |_| room_scroll::go_to_end(room)>
                        {dynamic(move || count(u64::from(room.unseen.get()), "new message"))}
                    </button>
                }))}
                <p class="chat__typing" role="status">{dynamic(move || writing.with(|people| writers(people, &me)))}</p>
            </div>
            {when(move || is_closed(room), move || part(view! { <p class="notice" role="status">{dynamic(move || room.closed.get())}</p> }))}
            {form(room, client, &draft)}
        </section>
    }
}

fn is_fallback(room: Room) -> bool {
    room.is_live() && has_fallen_back()
}

fn is_closed(room: Room) -> bool {
    room.closed.with(|words| !words.is_empty())
}

fn person(who: &Visitor) -> Line {
    let Visitor { id, name, hue } = who.clone();
    let style = ["--hue: ", &hue.to_string()].concat();
    (id, Box::new(move || part(view! { <li class="chat__person" style=style>{name}</li> })))
}

fn messages(room: Room) -> impl IntoView {
    // The server knows no zone and writes UTC; the reader's own comes after hydration.
    let zone = RwSignal::new(0);
    effect(move |_| zone.set(local_offset_minutes(now_ms() as u64)));
    let me = room.me();
    let row = move |row: Row| -> Line {
        let mine = matches!(&row, Row::Message { message, .. } if Some(&message.author.id) == me.as_ref());
        (row.key(), Box::new(move || chat_row(room, row, mine, zone)))
    };
    let said = list(move || room.log.with(|log| log.rows(zone.get())).into_iter().map(&row).collect());
    let pending = list(move || {
        let pending = room.outbox.with(|outbox| outbox.shown()).into_iter();
        pending.map(|pending| -> Line { (pending.key(), Box::new(move || pending_row(pending))) }).collect()
    });
    let before = move || ["?before=", &room.older.get().unwrap_or(0).to_string()].concat();
    let older = move || part(view! { <a class="chat__older" href=dynamic(before)>"Older messages"</a> });
    view! {
        <div class="chat__log" role="log" aria-label="Messages" tabindex="0" node_ref=room.list on:scroll=move |_| room_scroll::scrolled(room) on:click=move |event| composer::clicked(room, &event)>
            <div class="chat__inner">
                {when(move || room.older.get().is_some(), older)}
                <ol class="chat__messages">{said}{pending}</ol>
            </div>
        </div>
    }
}

/// Where one writes.
fn form(room: Room, client: String, failed: &str) -> impl IntoView + use<> {
    let nobody = room.me().is_none();
    let placeholder = if nobody {
        "Load the page again to write."
    } else {
        "Say something, or ask @assistant. Enter sends, Shift+Enter is a new line."
    };
    let edits =
        move |yes: &'static str, no: &'static str| dynamic(move || if room.editing.get().is_some() { yes } else { no });
    let submitted = move |event: ev::SubmitEvent| {
        event.prevent_default();
        composer::send(room);
    };
    view! {
        <form class="composer" method="post" action=PostMessage::PATH on:submit=submitted hidden=dynamic(move || is_closed(room))>
            <input type="hidden" name="room" value=room.id() />
            <input type="hidden" name="client" value=client />
            <label class="composer__label" for="composer-text">{edits("Edit your message (Esc to leave it)", "Your message")}</label>
            <textarea id="composer-text" class="composer__text" name="text" rows="1" maxlength="8000" required placeholder=placeholder disabled=nobody node_ref=room.field on:input=move |_| composer::input(room) on:keydown=move |event| composer::pressed(room, &event) inner_html=escaped(failed)></textarea>
            <button class="button composer__send" disabled=nobody>{edits("Save", "Send")}</button>
            <p class="composer__note" role="alert">{dynamic(move || room.note.get())}</p>
        </form>
    }
}

/// A text as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// What the room's topic tells.
fn happened(room: Room, delivery: Delivery<RoomEvent>) {
    let past = room.held.with_value(|held| held.past);
    match delivery {
        Delivery::Events(events) => {
            for Event { data, .. } in &events {
                match (data.kind, &data.title) {
                    (RoomEventKind::RoomArchived, _) => close(room, "This room was archived: it can be read only."),
                    (RoomEventKind::RoomRenamed, Some(title)) => room.title.set(title.clone()),
                    _ => {}
                }
            }
            if past {
                return;
            }
            let me = room.me().unwrap_or_default();
            let mut events = Some(events);
            room_scroll::change(room, &mut |log| {
                let of_others = |event: &RoomEvent| event.message.as_ref().is_some_and(|m| m.author.id != me);
                let apply = |Event { offset, data }| u32::from(of_others(&data) & log.apply(offset, data));
                events.take().unwrap_or_default().into_iter().map(apply).sum()
            });
            room.outbox.update(|outbox| room.log.with_untracked(|log| outbox.said(log, &me)));
        }
        Delivery::Reset(_) if !past => room_scroll::fetch_newest(room),
        Delivery::Reset(_) | Delivery::Resumed { .. } => {}
        Delivery::Lost => close(room, "You are no longer a member of this room. Nothing more of it arrives."),
    }
}

fn close(room: Room, why: &str) {
    room.closed.set(why.to_owned());
}
