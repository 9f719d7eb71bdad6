//! Where one writes in a room: the field with its draft, sending what was written, editing and deleting what was said.
//! `outbox.rs` decides what is said next; here it is said.

use std::time::Duration;

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use super::{
    outbox::{Outbox, Pending},
    room_log::RoomLog,
    room_scroll::{go_to_end, note_read},
    room_state::Room,
};
use crate::{
    client::{
        effect, is_composing, now_ms, random_id, remember, remembered, remove_remembered,
        socket::{self, Outcome, quoted},
    },
    wire::room::{MESSAGE_CHARS, TYPING_MS},
};

/// What was not yet said lasts over a reload, and so does a draft. What waits is said whenever there is a connection.
pub fn keep(room: Room) {
    let kept = ["outbox ", &room.id(), " ", &room.me().unwrap_or_default()].concat();
    let key = kept.clone();
    effect(move |first| {
        if first {
            room.outbox.update(|outbox| outbox.restore(&remembered(&key).unwrap_or_default()));
        }
        if room.is_live() {
            room.note.set(String::new());
            pump(room);
            note_read(room);
        }
    });
    effect(move |first| {
        let text = room.outbox.with(Outbox::to_text);
        if !first {
            remember(&kept, &text);
        }
    });
    effect(move |_| {
        if let (Some(field), Some(text)) = (room.field.get(), remembered(&draft(room))) {
            field.set_value(&text);
        }
    });
}

/// Under which key a draft is kept.
fn draft(room: Room) -> String {
    ["draft ", &room.id()].concat()
}

fn text(room: Room) -> String {
    room.field.get_untracked().map(|field| field.value()).unwrap_or_default()
}

fn set_text(room: Room, text: &str) {
    if let Some(field) = room.field.get_untracked() {
        field.set_value(text);
    }
}

/// Says what was written, or saves it if it is an edit.
pub fn send(room: Room) {
    let text = text(room);
    let length = text.trim().chars().count();
    if length == 0 {
        return;
    }
    if length > MESSAGE_CHARS {
        let words = ["A message has at most 4,000 characters; this one has ", &length.to_string(), "."];
        return room.note.set(words.concat());
    }
    room.note.set(String::new());
    if let Some(message) = room.editing.get_untracked() {
        return ask(room, "edit", message, Some(text));
    }
    set_text(room, "");
    remove_remembered(&draft(room));
    room.outbox.update(|outbox| outbox.add(Pending::new(random_id(), text.trim_end().to_owned())));
    pump(room);
    go_to_end(room);
}

/// Something was written in the field.
pub fn input(room: Room) {
    let text = text(room);
    room.note.set(String::new());
    // An edit is none of the draft, which waits until it is over.
    if room.editing.get_untracked().is_none() {
        remember(&draft(room), &text);
    }
    let now = now_ms();
    if !text.is_empty() && now - room.held.with_value(|held| held.typed) >= f64::from(TYPING_MS) {
        room.held.update_value(|held| held.typed = now);
        socket::mention([&room.command("typing"), "}"].concat());
    }
}

/// A key was pressed in the field.
pub fn pressed(room: Room, event: &ev::KeyboardEvent) {
    let key = event.key();
    if key == "Enter" && !event.shift_key() && !is_composing(event) {
        event.prevent_default();
        send(room);
        room.held.update_value(|held| held.typed = 0.0);
    } else if key == "Escape" && room.editing.get_untracked().is_some() {
        leave_edit(room);
    }
}

/// A click among the messages: their buttons say what they are for, so that one listener is enough for all.
pub fn clicked(room: Room, event: &ev::MouseEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let Some(button) = target.and_then(|target| target.closest("[data-do]").ok().flatten()) else { return };
    let (Some(what), Some(id)) = (button.get_attribute("data-do"), button.get_attribute("data-id")) else { return };
    match (what.as_str(), id.parse()) {
        ("edit", Ok(id)) => edit(room, id),
        ("delete", Ok(id)) => {
            if window().confirm_with_message("Delete this message for everyone?").unwrap_or(false) {
                ask(room, "delete", id, None);
            }
        }
        ("retry", _) => {
            room.outbox.update(|outbox| outbox.retry(&id));
            pump(room);
        }
        ("drop", _) => room.outbox.update(|outbox| outbox.forget(&id)),
        _ => {}
    }
}

fn edit(room: Room, id: u64) {
    let text = room.log.with_untracked(|log: &RoomLog| log.message(id).map(|message| message.text.clone()));
    if let (Some(field), Some(text)) = (room.field.get_untracked(), text) {
        if room.editing.get_untracked().is_none() {
            remember(&draft(room), &field.value());
        }
        room.editing.set(Some(id));
        field.set_value(&text);
        let _ = field.focus();
    }
}

/// Back to the draft that the edit came between.
fn leave_edit(room: Room) {
    room.editing.set(None);
    room.note.set(String::new());
    set_text(room, &remembered(&draft(room)).unwrap_or_default());
}

/// The server has saved an edit. Whoever has written on meanwhile is left to it.
fn saved(room: Room, message: u64, sent: &str) {
    if room.editing.try_get_untracked().flatten() == Some(message) && text(room) == sent {
        leave_edit(room);
    }
}

/// Asks for a change of a message, and notes what went wrong. Until it is done, a new `text` stays in the field.
fn ask(room: Room, kind: &str, message: u64, text: Option<String>) {
    let id = random_id();
    let begun = room.command(kind);
    let further = text.as_ref().map(|text| [",\"text\":", &quoted(text)].concat()).unwrap_or_default();
    let json = [&begun, ",\"message\":", &message.to_string(), &further, ",\"id\":\"", &id, "\"}"].concat();
    socket::command(id, json, move |outcome| match outcome {
        Outcome::Done(_) => saved(room, message, &text.unwrap_or_default()),
        Outcome::Failed(words) => drop(room.note.try_set(words)),
        Outcome::Later(_) | Outcome::Unknown => {
            room.note.try_set("That did not reach the server. Try again when you are live.".to_owned());
        }
    });
}

/// Says the first of what waits, unless something is being said: one at a time, so that it stays in order.
fn pump(room: Room) {
    let Some(Some(Pending { client, text, .. })) = room.outbox.try_update(Outbox::take_next) else { return };
    let id = quoted(&client);
    let json = [&room.command("post"), ",\"id\":", &id, ",\"client\":", &id, ",\"text\":", &quoted(&text), "}"];
    socket::command(client.clone(), json.concat(), move |outcome| {
        let again = room.outbox.try_update(|outbox| outbox.answered(&client, outcome)).flatten();
        if let Some(ms) = again {
            set_timeout(move || pump(room), Duration::from_millis(ms.into()));
        }
    });
}
