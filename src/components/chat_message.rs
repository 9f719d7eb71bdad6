//! One line of a room: a message, a day, a note; and a message that is not yet said.

use leptos::prelude::*;

use super::{
    blocks::blocks,
    dynamic::dynamic,
    outbox::{Pending, State},
    part::{Part, part},
    room_log::{Row, shown_text},
    room_state::Room,
};
use crate::wire::{
    numbers::{clock, day, time_of_day},
    rich_text::{Span, spans},
    room::Message,
};

/// `zone` is in minutes east of UTC; `mine` is what the reader wrote.
pub fn chat_row(room: Room, row: Row, mine: bool, zone: RwSignal<i32>) -> Part {
    match row {
        Row::Day(day) => divider("chat__day", day),
        Row::Unread => divider("chat__unread", "New since you were here".to_owned()),
        Row::Note { words, .. } => part(view! { <li class="chat__note">{words}</li> }),
        Row::Message { message, first } => shown(room, &message, first, mine, zone),
    }
}

fn divider(class: &'static str, words: String) -> Part {
    part(view! { <li class=class><span>{words}</span></li> })
}

fn shown(room: Room, message: &Message, first: bool, mine: bool, zone: RwSignal<i32>) -> Part {
    let (id, time) = (message.id.to_string(), message.time);
    let class = ["message", if first { " message--first" } else { "" }, if mine { " message--mine" } else { "" }];
    let exact = [&day(time, 0), "T", &time_of_day(time, 0), "Z"].concat();
    let mut foot = vec![part(view! { <time datetime=exact>{dynamic(move || clock(time, zone.get()))}</time> })];
    if message.edited && !message.deleted {
        foot.push(words(" · edited"));
    }
    if mine && !message.deleted {
        let tools = [tool("edit", &id, "Edit"), tool("delete", &id, "Delete")];
        foot.push(part(view! { <span class="message__tools">{Vec::from(tools)}</span> }));
    }
    let text = if message.deleted {
        paragraph("message__text message__text--gone", vec![words("This message was deleted.")])
    } else if message.html.is_empty() {
        paragraph("message__text", rich(shown_text(message), &message.mentions))
    } else {
        formatted(room, message)
    };
    let mut parts = vec![text, paragraph("message__foot", foot)];
    if first {
        parts.insert(0, heading(message));
    }
    let busy = message.run.as_ref().map(|_| "true".to_owned());
    line(class.concat(), Some(["m", &id].concat()), busy, parts)
}

/// What the server has rendered. As long as it is written it grows in its place.
fn formatted(room: Room, message: &Message) -> Part {
    let (id, whole) = (message.id, message.run.is_none().then(|| message.html.clone()));
    let grows = move || room.log.with(|log| log.message(id).map(|message| message.html.clone()).unwrap_or_default());
    blocks("message__text markdown", move || whole.clone().unwrap_or_else(grows))
}

fn heading(message: &Message) -> Part {
    let mut parts = vec![words(&message.author.name)];
    if message.author.bot {
        parts.push(part(view! { <span class="message__bot">"bot"</span> }));
    }
    part(view! { <p class="message__author" style=["--hue: ", &message.author.hue.to_string()].concat()>{parts}</p> })
}

pub fn pending_row(pending: Pending) -> Part {
    let Pending { client, text, state } = pending;
    let foot = match state {
        State::Waiting | State::Sending => vec![words("sending …")],
        State::Sent => vec![words("sent")],
        State::Failed(why) => vec![
            part(view! { <span class="message__why">{["Not sent: ", &why, "."].concat()}</span> }),
            tool("retry", &client, "Try again"),
            tool("drop", &client, "Discard"),
        ],
    };
    let parts = vec![paragraph("message__text", rich(&text, &[])), paragraph("message__foot", foot)];
    line("message message--pending".to_owned(), None, None, parts)
}

/// What is `busy` is read out when it is whole.
fn line(class: String, id: Option<String>, busy: Option<String>, parts: Vec<Part>) -> Part {
    part(view! { <li class=class id=id aria-busy=busy>{parts}</li> })
}

fn paragraph(class: &'static str, parts: Vec<Part>) -> Part {
    part(view! { <p class=class>{parts}</p> })
}

/// A button, which says what it is for: `composer.rs` listens.
fn tool(what: &'static str, id: &str, words: &'static str) -> Part {
    part(view! { <button class="message__tool" type="button" data-do=what data-id=id.to_owned()>{words}</button> })
}

fn words(words: &str) -> Part {
    part(words.to_owned())
}

/// Text, links and mentions; line breaks are the style sheet's.
fn rich(text: &str, mentions: &[String]) -> Vec<Part> {
    let shown = |span| match span {
        Span::Text(text) => words(text),
        Span::Link(address) => {
            let (address, shown) = (address.to_owned(), address.to_owned());
            part(view! { <a href=address rel="noopener noreferrer nofollow" target="_blank">{shown}</a> })
        }
        Span::Mention(name) => part(view! { <span class="message__mention">{name.to_owned()}</span> }),
    };
    spans(text, mentions).into_iter().map(shown).collect()
}
