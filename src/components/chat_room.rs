//! `ChatRoom`: what is said in a room, from the server's rendering on; saying something; who is there, who is writing.
//! `room_log.rs` holds the messages, `outbox.rs` what is not yet said, `chat_message.rs` shows one.

use std::collections::BTreeMap;

use leptos::{ev, html, prelude::*, server_fn::ServerFn};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast;

use super::{
    chat_message::{ChatRow, PendingRow},
    connection_badge::ConnectionBadge,
    dynamic::dynamic,
    outbox::{Outbox, Pending},
    room_log::RoomLog,
    seed::{self, Seed},
};
use crate::{
    api::rooms::PostMessage,
    client::{
        ConnectionState, Delivery, fetch, has_fallen_back, local_offset_minutes, now_ms, random_id, remember,
        remembered, remove_remembered, set_title,
        socket::{self, Outcome, quoted},
        subscribe, use_connection,
    },
    wire::{
        Topic,
        numbers::count,
        person::Visitor,
        room::{History, MESSAGE_CHARS, RoomEvent, RoomEventKind, TYPING_MS},
        stream::{Event, Keyed, Snapshot},
        topic::Segment,
    },
};

/// Closer to the end than this, in pixels, is at the end; closer to the beginning than that fetches what is older.
const NEAR_END: i32 = 48;
const NEAR_BEGINNING: i32 = 300;

/// What the island starts from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoomSeed {
    pub room: Segment,
    pub title: String,
    pub archived: bool,
    /// Who looks; nobody may only look.
    pub me: Option<Visitor>,
    pub history: History,
    /// The newest message they have seen.
    pub seen: Option<u64>,
    pub presence: Snapshot<Keyed<Visitor>>,
    pub typing: Snapshot<Keyed<Visitor>>,
    /// For the form, where there is no script to make one.
    pub client: String,
    /// What the form was sent with the last time, if that failed and there is no script.
    pub draft: String,
}

impl Seed for RoomSeed {
    const ID: &'static str = "room-seed";
}

type People = BTreeMap<String, Visitor>;

fn people_of(events: Vec<Event<Keyed<Visitor>>>, people: &mut People) {
    for Event { data: Keyed { key, value }, .. } in events {
        match value {
            Some(person) => people.insert(key, person),
            None => people.remove(&key),
        };
    }
}

/// Keeps `people` as a latest topic has them.
fn follow(topic: Topic, snapshot: Snapshot<Keyed<Visitor>>) -> RwSignal<People> {
    let mut first = People::new();
    people_of(snapshot.events, &mut first);
    let people = RwSignal::new(first);
    subscribe(topic, snapshot.position, move |delivery: Delivery<Keyed<Visitor>>| match delivery {
        Delivery::Events(events) => people.update(|people| people_of(events, people)),
        Delivery::Reset(reset) => people.update(|people| {
            people.clear();
            people_of(reset.snapshot.events, people);
        }),
        Delivery::Resumed { .. } => {}
        Delivery::Lost => people.update(People::clear),
    });
    people
}

/// Takes [`RoomSeed`].
#[island]
pub fn ChatRoom() -> impl IntoView {
    let RoomSeed { room, title, archived, me, history, seen, presence, typing, client, draft: failed } = seed::take();
    let me_id = me.as_ref().map(|me| me.id.clone()).unwrap_or_default();
    let place = room.to_string();
    let log = RwSignal::new(RoomLog::new(history.messages, seen, &me_id));
    let more = RwSignal::new(history.more);
    let outbox = RwSignal::new(Outbox::default());
    // The server knows no zone and writes UTC; the reader's own comes after hydration.
    let zone = RwSignal::new(0);
    let (unseen, away) = (RwSignal::new(0u32), RwSignal::new(0u32));
    let closed = RwSignal::new(archived.then(|| "This room is archived: it can be read only.".to_owned()));
    let note = RwSignal::new(String::new());
    let editing = RwSignal::new(None::<u64>);
    let name = RwSignal::new(title);
    let list = NodeRef::<html::Div>::new();
    let field = NodeRef::<html::Textarea>::new();
    let state = use_connection();
    let live = move || state.with(|state| *state == ConnectionState::Live);

    Effect::new(move |_| zone.set(local_offset_minutes(now_ms() as u64)));

    let at_end = move || list.get_untracked().is_none_or(|list| list.scroll_top() > -NEAR_END);
    let go_to_end = move || {
        if let Some(list) = list.get_untracked() {
            list.set_scroll_top(0);
        }
        unseen.set(0);
    };

    let read = StoredValue::new(seen.unwrap_or(0));
    let note_read = {
        let (place, somebody) = (place.clone(), me.is_some());
        move || {
            let newest = log.with_untracked(RoomLog::newest).unwrap_or(0);
            let looked_at = at_end() && !document().hidden() && newest > read.get_value();
            if somebody && looked_at && state.with_untracked(|state| *state == ConnectionState::Live) {
                read.set_value(newest);
                let room = quoted(&place);
                socket::mention(
                    [r#"{"type":"read","room":"#, &room, r#","message":"#, &newest.to_string(), "}"].concat(),
                );
            }
        }
    };
    let note_read = StoredValue::new_local(note_read);

    // What comes in at the end moves nothing for whoever reads further up.
    let change = move |change: &mut dyn FnMut(&mut RoomLog) -> u32| {
        let (stays, before) = (at_end(), list.get_untracked().map_or(0, |list| list.scroll_height()));
        let mut new = 0;
        log.update(|log| new = change(log));
        if document().hidden() {
            away.update(|away| *away += new);
        }
        request_animation_frame(move || {
            let Some(list) = list.get_untracked() else { return };
            if stays {
                list.set_scroll_top(0);
            } else {
                list.set_scroll_top(list.scroll_top() - (list.scroll_height() - before));
                unseen.update(|unseen| *unseen += new);
            }
            note_read.with_value(|note_read| note_read());
        });
    };

    let mine = me_id.clone();
    let fetching = place.clone();
    subscribe(
        Topic::Room { room: room.clone() },
        history.position,
        move |delivery: Delivery<RoomEvent>| match delivery {
            Delivery::Events(events) => {
                for event in &events {
                    match event.data.kind {
                        RoomEventKind::RoomArchived => {
                            closed.set(Some("This room was archived: it can be read only.".to_owned()));
                        }
                        RoomEventKind::RoomRenamed => drop(event.data.title.clone().map(|title| name.set(title))),
                        _ => {}
                    }
                }
                let mut events = Some(events);
                change(&mut |log| {
                    let of_others = |event: &RoomEvent| event.message.as_ref().is_some_and(|m| m.author.id != mine);
                    let apply = |Event { offset, data }| u32::from(of_others(&data) & log.apply(offset, data));
                    events.take().unwrap_or_default().into_iter().map(apply).sum()
                });
                outbox.update(|outbox| log.with_untracked(|log| outbox.said(log, &mine)));
            }
            // There is no way on from where this page stood: the newest messages, and a note where there is a gap.
            Delivery::Reset(_) => {
                let url = ["/api/rooms/", &fetching, "/messages"].concat();
                leptos::task::spawn_local(async move {
                    if let Some(History { messages, .. }) = fetch::<History>(&url).await {
                        let mut messages = Some(messages);
                        change(&mut |log| {
                            log.put_newest(messages.take().unwrap_or_default());
                            0
                        });
                    }
                });
            }
            Delivery::Resumed { .. } => {}
            Delivery::Lost => {
                closed.set(Some("You are no longer a member of this room. Nothing more of it arrives.".to_owned()))
            }
        },
    );
    let people = follow(Topic::Presence { room: room.clone() }, presence);
    let writing = follow(Topic::Typing { room }, typing);

    // One at a time, so that what is said stays in its order.
    let pump_place = place.clone();
    let pump = move || pump(outbox, pump_place.clone());
    let pump = StoredValue::new_local(pump);
    let kept = ["outbox ", &place, " ", &me_id].concat();
    {
        let kept = kept.clone();
        Effect::new(move |was: Option<()>| {
            if was.is_none() {
                outbox.update(|outbox| outbox.restore(&remembered(&kept).unwrap_or_default()));
            }
            if live() {
                pump.with_value(|pump| pump());
                note_read.with_value(|note_read| note_read());
            }
        });
    }
    Effect::new(move |was: Option<()>| {
        let text = outbox.with(Outbox::to_text);
        if was.is_some() {
            remember(&kept, &text);
        }
    });

    // A draft lasts over a reload.
    let draft = ["draft ", &place].concat();
    {
        let draft = draft.clone();
        Effect::new(move |_| {
            if let (Some(field), Some(text)) = (field.get(), remembered(&draft)) {
                field.set_value(&text);
            }
        });
    }

    // Titles count what is new while nobody looks.
    Effect::new(move |_| {
        let (name, away) = (name.get(), away.get());
        let count = if away > 0 { ["(", &away.to_string(), ") "].concat() } else { String::new() };
        set_title(&[&count, &name, " · Tidemark"].concat());
    });
    Effect::new(move |_| {
        let looked = window_event_listener_untyped("visibilitychange", move |_| {
            if !document().hidden() {
                away.set(0);
                note_read.with_value(|note_read| note_read());
            }
        });
        on_cleanup(move || looked.remove());
    });

    let loading = StoredValue::new(false);
    let older_place = place.clone();
    let older = move || {
        let Some(oldest) = log.with_untracked(RoomLog::oldest).filter(|_| more.get_untracked() && !loading.get_value())
        else {
            return;
        };
        loading.set_value(true);
        let url = ["/api/rooms/", &older_place, "/messages?before=", &oldest.to_string()].concat();
        leptos::task::spawn_local(async move {
            if let Some(History { messages, more: further, .. }) = fetch::<History>(&url).await {
                // The list is measured from its end: what is put before it moves nothing.
                log.update(|log| log.put_before(messages));
                more.set(further);
            }
            loading.set_value(false);
        });
    };
    let older = StoredValue::new_local(older);
    let scrolled = move |_| {
        let Some(list) = list.get_untracked() else { return };
        if at_end() {
            unseen.set(0);
            note_read.with_value(|note_read| note_read());
        }
        if list.scroll_height() + list.scroll_top() - list.client_height() < NEAR_BEGINNING {
            older.with_value(|older| older());
        }
    };

    let send_place = place.clone();
    let sent_draft = draft.clone();
    let send = move || {
        let Some(field) = field.get_untracked() else { return };
        let text = field.value();
        if text.trim().is_empty() {
            return;
        }
        if text.trim().chars().count() > MESSAGE_CHARS {
            return note.set(
                [
                    "A message has at most 4,000 characters; this one has ",
                    &text.trim().chars().count().to_string(),
                    ".",
                ]
                .concat(),
            );
        }
        note.set(String::new());
        field.set_value("");
        remove_remembered(&sent_draft);
        if let Some(message) = editing.get_untracked() {
            editing.set(None);
            let command = [
                "{\"type\":\"edit\",\"room\":",
                &quoted(&send_place),
                ",\"message\":",
                &message.to_string(),
                ",\"text\":",
                &quoted(&text),
            ];
            return ask(command.concat(), note);
        }
        outbox.update(|outbox| outbox.add(Pending::new(random_id(), text.trim_end().to_owned())));
        pump.with_value(|pump| pump());
        go_to_end();
    };
    let send = StoredValue::new_local(send);
    let typed = StoredValue::new(0.0);
    let typing_place = place.clone();
    let input = move |_| {
        let text = field.get_untracked().map(|field| field.value()).unwrap_or_default();
        remember(&draft, &text);
        let now = now_ms();
        if !text.is_empty() && now - typed.get_value() >= f64::from(TYPING_MS) {
            typed.set_value(now);
            socket::mention(["{\"type\":\"typing\",\"room\":", &quoted(&typing_place), "}"].concat());
        }
    };
    let pressed = move |event: ev::KeyboardEvent| {
        // Enter in the middle of composing a character belongs to the input method.
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            send.with_value(|send| send());
            typed.set_value(0.0);
        } else if event.key() == "Escape" && editing.get_untracked().is_some() {
            editing.set(None);
            if let Some(field) = field.get_untracked() {
                field.set_value("");
            }
        }
    };
    let submitted = move |event: ev::SubmitEvent| {
        event.prevent_default();
        send.with_value(|send| send());
    };

    // One listener for all buttons of all messages, which say what they are for.
    let tool_place = place.clone();
    let clicked = move |event: ev::MouseEvent| {
        let button = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let Some(button) = button.and_then(|target| target.closest("[data-do]").ok().flatten()) else { return };
        let (Some(what), Some(id)) = (button.get_attribute("data-do"), button.get_attribute("data-id")) else { return };
        match (what.as_str(), id.parse::<u64>()) {
            ("edit", Ok(id)) => {
                let text = log.with_untracked(|log| log.message(id).map(|message| message.text.clone()));
                if let (Some(field), Some(text)) = (field.get_untracked(), text) {
                    editing.set(Some(id));
                    field.set_value(&text);
                    let _ = field.focus();
                }
            }
            ("delete", Ok(id)) => {
                if window().confirm_with_message("Delete this message for everyone?").unwrap_or(false) {
                    let command =
                        ["{\"type\":\"delete\",\"room\":", &quoted(&tool_place), ",\"message\":", &id.to_string()];
                    ask(command.concat(), note);
                }
            }
            ("retry", _) => {
                outbox.update(|outbox| outbox.retry(&id));
                pump.with_value(|pump| pump());
            }
            ("drop", _) => outbox.update(|outbox| outbox.forget(&id)),
            _ => {}
        }
    };

    let own = me_id.clone();
    let rows = move || log.with(|log| log.rows(zone.get()));
    let writers = move || {
        writing.with(|people| {
            let names: Vec<_> = people.values().filter(|who| who.id != own).map(|who| who.name.as_str()).collect();
            match names[..] {
                [] => String::new(),
                [one] => [one, " is writing …"].concat(),
                [one, other] => [one, " and ", other, " are writing …"].concat(),
                _ => "Several people are writing …".to_owned(),
            }
        })
    };
    let here = move || people.with(|people| count_people(people.len()));
    let (somebody, may_write) = (me.is_some(), move || closed.with(Option::is_none));
    let placeholder = if somebody {
        "Say something. Enter sends, Shift+Enter is a new line."
    } else {
        "Load the page again to write."
    };
    view! {
        <section class="chat" aria-labelledby="room-title" data-transport=dynamic(move || if live() && has_fallen_back() { "sse" } else { "socket" })>
            <header class="chat__header">
                <h1 id="room-title" class="chat__title">{dynamic(move || name.get())}</h1>
                <ConnectionBadge />
                {dynamic(move || (live() && has_fallen_back()).then(|| view! { <span class="chat__fallback">"WebSockets are blocked here: over server-sent events"</span> }))}
                <details class="chat__people">
                    <summary>{dynamic(here)}</summary>
                    <ul>
                        <For each=move || people.with(|people| people.values().cloned().collect::<Vec<_>>()) key=|who| who.id.clone() let:who>
                            <li class="chat__person" style=["--hue: ", &who.hue.to_string()].concat()>{who.name}</li>
                        </For>
                    </ul>
                </details>
            </header>
            <div class="chat__log" role="log" aria-label="Messages" tabindex="0" node_ref=list on:scroll=scrolled on:click=clicked>
                <div class="chat__inner">
                    {dynamic(move || more.get().then(|| {
                        let before = log.with_untracked(RoomLog::oldest).unwrap_or(0).to_string();
                        view! { <a class="chat__older" href=["?before=", &before].concat()>"Older messages"</a> }
                    }))}
                    <ol class="chat__messages">
                        <For each=rows key=|row| row.key() let:row>
                            <ChatRow row zone me=me_id.clone() />
                        </For>
                        <For each=move || outbox.with(|outbox| outbox.shown()) key=Pending::key let:pending>
                            <PendingRow pending />
                        </For>
                    </ol>
                </div>
            </div>
            <div class="chat__below">
                {dynamic(move || (unseen.get() > 0).then(|| {
                    view! { <button class="button chat__new" type="button" on:click=move |_| go_to_end()>{dynamic(move || count(u64::from(unseen.get()), "new message"))}</button> }
                }))}
                <p class="chat__typing" role="status">{dynamic(writers)}</p>
            </div>
            {dynamic(move || closed.get().map(|words| view! { <p class="notice" role="status">{words}</p> }))}
            <form class="composer" method="post" action=PostMessage::PATH on:submit=submitted hidden=dynamic(move || !may_write())>
                <input type="hidden" name="room" value=place />
                <input type="hidden" name="client" value=client />
                <label class="composer__label" for="composer-text">
                    {dynamic(move || if editing.get().is_some() { "Edit your message (Esc to leave it)" } else { "Your message" })}
                </label>
                <textarea id="composer-text" class="composer__text" name="text" rows="1" maxlength="8000" required placeholder=placeholder disabled=!somebody node_ref=field on:input=input on:keydown=pressed inner_html=escaped(&failed)></textarea>
                <button class="button composer__send" disabled=!somebody>{dynamic(move || if editing.get().is_some() { "Save" } else { "Send" })}</button>
                <p class="composer__note" role="alert">{dynamic(move || note.get())}</p>
            </form>
        </section>
    }
}

/// A text as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn count_people(number: usize) -> String {
    match number {
        0 => "Nobody is here".to_owned(),
        1 => "1 person is here".to_owned(),
        number => [&number.to_string(), " people are here"].concat(),
    }
}

/// Sends a command whose JSON lacks its id and its end, and says in `note` what went wrong.
fn ask(begun: String, note: RwSignal<String>) {
    let id = random_id();
    let json = [&begun, ",\"id\":\"", &id, "\"}"].concat();
    socket::command(id, json, move |outcome| match outcome {
        Outcome::Done(_) => {}
        Outcome::Failed(words) => drop(note.try_set(words)),
        Outcome::Later(_) | Outcome::Unknown => {
            note.try_set("That did not reach the server. Try again when you are live.".to_owned());
        }
    });
}

/// Says the first of what waits, unless something is being said.
fn pump(outbox: RwSignal<Outbox>, room: String) {
    let Some(Some(pending)) = outbox.try_update(Outbox::take_next) else { return };
    let json = [
        "{\"type\":\"post\",\"id\":",
        &quoted(&pending.client),
        ",\"client\":",
        &quoted(&pending.client),
        ",\"room\":",
        &quoted(&room),
        ",\"text\":",
        &quoted(&pending.text),
        "}",
    ];
    socket::command(pending.client.clone(), json.concat(), move |outcome| {
        let again = outbox.try_update(|outbox| outbox.answered(&pending.client, outcome)).flatten();
        if let Some(ms) = again {
            set_timeout(move || pump(outbox, room), std::time::Duration::from_millis(ms.into()));
        }
    });
}
