//! One line of a room: a message, a day, a note; and a message that is not yet said.

use leptos::prelude::*;

use super::{
    dynamic::dynamic,
    outbox::{Pending, State},
    room_log::Row,
};
use crate::wire::{
    numbers::{clock, day, time_of_day},
    rich_text::{Span, spans},
    room::Message,
};

#[component]
pub fn ChatRow(
    row: Row,
    /// In minutes east of UTC.
    zone: RwSignal<i32>,
    /// The reader's id.
    me: String,
) -> impl IntoView {
    match row {
        Row::Day(day) => view! { <li class="chat__day"><span>{day}</span></li> }.into_any(),
        Row::Unread => view! { <li class="chat__unread"><span>"New since you were here"</span></li> }.into_any(),
        Row::Note { words, .. } => view! { <li class="chat__note">{words}</li> }.into_any(),
        Row::Message { message, first } => shown(message, first, zone, &me).into_any(),
    }
}

fn shown(message: Message, first: bool, zone: RwSignal<i32>, me: &str) -> impl IntoView + use<> {
    let (id, time) = (message.id.to_string(), message.time);
    let mine = message.author.id == me;
    let heading = first.then(|| {
        view! {
            <p class="message__author" style=["--hue: ", &message.author.hue.to_string()].concat()>
                {message.author.name.clone()}
                {message.author.bot.then(|| view! { <span class="message__bot">"bot"</span> })}
            </p>
        }
    });
    let tools = (mine && !message.deleted).then(|| {
        view! {
            <span class="message__tools">
                <button class="message__tool" type="button" data-do="edit" data-id=id.clone()>"Edit"</button>
                <button class="message__tool" type="button" data-do="delete" data-id=id.clone()>"Delete"</button>
            </span>
        }
    });
    let text = if message.deleted {
        view! { <p class="message__text message__text--gone">"This message was deleted."</p> }.into_any()
    } else {
        view! { <p class="message__text">{rich(&message.text, &message.mentions)}</p> }.into_any()
    };
    let exact = [&day(time, 0), "T", &time_of_day(time, 0), "Z"].concat();
    view! {
        <li id=["m", &id].concat() class="message" class:message--first=first class:message--mine=mine>
            {heading}
            {text}
            <p class="message__foot">
                <time datetime=exact>{dynamic(move || clock(time, zone.get()))}</time>
                {(message.edited && !message.deleted).then_some(" · edited")}
                {tools}
            </p>
        </li>
    }
}

/// Text, links and mentions; line breaks are the style sheet's.
fn rich(text: &str, mentions: &[String]) -> Vec<AnyView> {
    spans(text, mentions)
        .into_iter()
        .map(|span| match span {
            Span::Text(text) => text.to_owned().into_any(),
            Span::Link(address) => {
                let (address, shown) = (address.to_owned(), address.to_owned());
                view! { <a href=address rel="noopener noreferrer nofollow" target="_blank">{shown}</a> }.into_any()
            }
            Span::Mention(name) => view! { <span class="message__mention">{name.to_owned()}</span> }.into_any(),
        })
        .collect()
}

#[component]
pub fn PendingRow(pending: Pending) -> impl IntoView {
    let Pending { client, text, state } = pending;
    let foot = match state {
        State::Waiting | State::Sending => view! { "sending …" }.into_any(),
        State::Sent => view! { "sent" }.into_any(),
        State::Failed(why) => view! {
            <span class="message__why">{["Not sent: ", &why, "."].concat()}</span>
            <button class="message__tool" type="button" data-do="retry" data-id=client.clone()>"Try again"</button>
            <button class="message__tool" type="button" data-do="drop" data-id=client.clone()>"Discard"</button>
        }
        .into_any(),
    };
    view! {
        <li class="message message--pending" data-pending=client>
            <p class="message__text">{rich(&text, &[])}</p>
            <p class="message__foot">{foot}</p>
        </li>
    }
}
