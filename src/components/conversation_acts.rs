//! What one does in a conversation beside asking. All of it are plain forms and buttons that say what they are for: here
//! is the one listener for all of them.

use std::time::Duration;

use leptos::{ev, prelude::*, server_fn::ServerFn};
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, FormData, HtmlElement, HtmlFormElement, UrlSearchParams};

use super::{
    conversation_ask::{ask, discard, field, leave_edit, retry},
    conversation_scroll::go_to_end,
    conversation_state::Chat,
};
use crate::{
    api::assistant::AskAssistant,
    client::{UNREACHABLE, copy, effect, has_mouse, is_composing, submit},
};

/// The form that stops an answer.
pub const STOP: &str = "stop-answer";

/// The id of the list of messages.
pub const MESSAGES: &str = "conversation-messages";

/// How long a button says that it has copied.
const COPIED: Duration = Duration::from_secs(2);

/// A form is to be sent: it is, without the page being loaded anew.
pub fn submitted(chat: Chat, event: &ev::SubmitEvent) {
    let Some(form) = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok()) else { return };
    event.prevent_default();
    let Some(fields) = fields(&form, event.submitter()) else { return };
    let path = form.get_attribute("action").unwrap_or_default();
    if path == AskAssistant::PATH {
        if ask(chat, &fields) && fields.has("instead_of") {
            close_edit(chat, &form);
        }
        return;
    }
    // Twice at once is once.
    if chat.held.with_value(|held| held.acting == path) {
        return;
    }
    chat.held.update_value(|held| held.acting.clone_from(&path));
    chat.note.set(String::new());
    let fields = String::from(fields.to_string());
    let row = form.closest("li").ok().flatten();
    if row.is_none() && has_mouse() {
        // To stop an answer is what one does before one asks something else.
        focus(field().as_deref());
    }
    leptos::task::spawn_local(async move {
        match submit(&path, fields).await {
            Ok(()) => {
                let before = row.as_ref().and_then(Element::previous_element_sibling);
                chat.fetch().await;
                set_timeout(move || keep_focus(row, before), Duration::ZERO);
            }
            Err(words) => drop(chat.note.try_set(words.unwrap_or_else(|| UNREACHABLE.to_owned()))),
        }
        chat.held.try_update_value(|held| held.acting.clear());
    });
}

/// As a browser would send them: those of the form and the button that was pressed.
fn fields(form: &HtmlFormElement, pressed: Option<HtmlElement>) -> Option<UrlSearchParams> {
    let fields = UrlSearchParams::new_with_str_sequence_sequence(&FormData::new_with_form(form).ok()?.into()).ok()?;
    if let Some(pressed) = pressed
        && let (Some(name), Some(value)) = (pressed.get_attribute("name"), pressed.get_attribute("value"))
    {
        fields.append(&name, &value);
    }
    Some(fields)
}

/// What had the focus may be gone: then its message has it, or the one in its place.
fn keep_focus(row: Option<Element>, before: Option<Element>) {
    if document().active_element().is_some_and(|element| element.tag_name() != "BODY") {
        return;
    }
    let place = row.filter(|row| row.is_connected()).or_else(|| before?.next_element_sibling());
    match place {
        Some(place) => focus(place.dyn_ref()),
        None => focus(document().get_element_by_id(MESSAGES).as_ref().and_then(JsCast::dyn_ref)),
    }
}

/// Without moving the page.
fn focus(element: Option<&HtmlElement>) {
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    let _ = element.map(|element| element.focus_with_options(&options));
}

pub fn clicked(chat: Chat, event: &ev::MouseEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let Some(button) = target.and_then(|target| target.closest("[data-do], [data-copy]").ok().flatten()) else {
        return;
    };
    let attribute = |name| button.get_attribute(name);
    match attribute("data-do").as_deref() {
        None => {
            let code = button.closest(".code").ok().flatten();
            let text = code.and_then(|code| code.query_selector(".code__text").ok().flatten());
            copy_from(chat, button, text.and_then(|text| text.text_content()));
        }
        Some("copy") => {
            let id = attribute("data-id").and_then(|id| id.parse().ok());
            let of = |id| chat.message(id).map(|message| message.with_untracked(|message| message.text.clone()));
            let text = id.and_then(of).or_else(|| attribute("data-text"));
            copy_from(chat, button, text);
        }
        Some("edit") => {
            // It is opened or closed by the browser, after this.
            if button.closest("details[open]").is_ok_and(|open| open.is_some()) {
                leave_edit(chat);
            }
            set_timeout(move || focus_in(&button), Duration::ZERO);
        }
        Some("end") => go_to_end(chat),
        Some("retry") => retry(chat),
        Some("drop") => discard(chat),
        Some(_) => {}
    }
}

fn focus_in(summary: &Element) {
    let opened = summary.closest("details[open]").ok().flatten();
    let field = opened.and_then(|opened| opened.query_selector("textarea").ok().flatten());
    if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlElement>().ok()) {
        let _ = field.focus();
    }
}

fn copy_from(chat: Chat, button: Element, text: Option<String>) {
    const DONE: &str = "Copied";
    let Some(text) = text else { return };
    leptos::task::spawn_local(async move {
        let words = if copy(text).await { DONE } else { "Not allowed here" };
        chat.said.try_set(words.to_owned());
        let before = button.get_attribute("data-words").or_else(|| button.text_content()).unwrap_or_default();
        let _ = button.set_attribute("data-words", &before);
        button.set_text_content(Some(words));
        let back = move || {
            button.set_text_content(Some(&before));
            // An answer may have ended meanwhile.
            if chat.said.try_with_untracked(|said| said == words) == Some(true) {
                chat.said.set(String::new());
            }
        };
        set_timeout(back, COPIED);
    });
}

/// Enter sends, wherever a question is written; Shift and Enter is a new line. So is Enter on a screen's keyboard, which has
/// no such Shift.
pub fn pressed(event: &ev::KeyboardEvent) {
    if event.key() != "Enter" || event.shift_key() || is_composing(event) || !has_mouse() {
        return;
    }
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let form = target.and_then(|target| target.closest("textarea").ok().flatten()?.closest("form").ok().flatten());
    if let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) {
        event.prevent_default();
        let _ = form.request_submit();
    }
}

/// Escape leaves an edit, and stops what is being written, wherever the focus is but in a field of something else.
pub fn listen_for_escape(chat: Chat) {
    effect(move |first| {
        if first {
            let handle = window_event_listener(ev::keydown, move |event| {
                if event.key() == "Escape" && !is_composing(&event) && !event.default_prevented() {
                    escape(chat);
                }
            });
            on_cleanup(move || handle.remove());
        }
    });
}

fn escape(chat: Chat) {
    let field =
        document().active_element().and_then(|element| element.closest("input, details[open] form").ok().flatten());
    if let Some(field) = field {
        close_edit(chat, &field);
    } else if let Some(stop) =
        document().get_element_by_id(STOP).and_then(|form| form.dyn_into::<HtmlFormElement>().ok())
    {
        let _ = stop.request_submit();
    }
}

/// Closes what a question is edited in.
fn close_edit(chat: Chat, form: &Element) {
    let Some(edit) = form.closest(".edit[open]").ok().flatten() else { return };
    leave_edit(chat);
    let _ = edit.remove_attribute("open");
    let summary = edit.query_selector("summary").ok().flatten();
    if let Some(summary) = summary.and_then(|summary| summary.dyn_into::<HtmlElement>().ok()) {
        let _ = summary.focus();
    }
}
