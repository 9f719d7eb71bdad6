//! How often the server measures itself, for everyone: a form that works without JavaScript, and before it.
//!
//! A plain form, and a handler that sends the same to the same server function. `ActionForm` and the server function's
//! own client would cost every visitor tens of kilobytes for the sake of one number: see docs/ARCHITECTURE.md.

use std::{cell::Cell, rc::Rc, time::Duration};

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};

use super::dynamic::dynamic;
use crate::{
    api::feed::SetSamplingInterval,
    client::{now_ms, submit_form},
    wire::feed::SAMPLING_INTERVALS_MS,
};

/// A little more than the server's pause between two changes, in milliseconds.
const PAUSE_MS: f64 = 1_100.0;

/// An error stands for this long.
const ERROR_SHOWN: Duration = Duration::from_secs(5);

const NOTE: &str = "It changes for everyone who watches.";

#[component]
pub fn IntervalForm(
    /// The interval in force.
    interval_ms: RwSignal<u32>,
    /// What a form that was sent without JavaScript has to say.
    flash: Option<String>,
) -> impl IntoView {
    let note = RwSignal::new(flash.unwrap_or_else(|| NOTE.into()));
    // The server takes one change a second: who clicks faster has the last click sent when its turn comes.
    let (chosen, sent) = (Rc::new(Cell::new(None::<u32>)), Rc::new(Cell::new(0.0)));
    let turn = (chosen.clone(), sent.clone());
    let send = move || {
        let Some(ms) = turn.0.take() else { return };
        turn.1.set(now_ms());
        leptos::task::spawn_local(async move {
            let answer = submit_form(SetSamplingInterval::PATH, "interval_ms", &ms.to_string()).await;
            // The island may be gone by the time the answer comes. The feed says the same, unless it is cut.
            match answer {
                Ok(()) => {
                    interval_ms.try_set(ms);
                    note.try_set(NOTE.into());
                }
                Err(message) => {
                    note.try_set(message);
                    set_timeout(move || drop(note.try_set(NOTE.into())), ERROR_SHOWN);
                }
            }
        });
    };
    let submit = move |event: SubmitEvent| {
        let value = event.submitter().and_then(|button| button.get_attribute("value")).and_then(|ms| ms.parse().ok());
        let Some(ms) = value else { return };
        event.prevent_default();
        if chosen.replace(Some(ms)).is_none() {
            let wait = (sent.get() + PAUSE_MS - now_ms()).clamp(0.0, PAUSE_MS);
            set_timeout(send.clone(), Duration::from_millis(wait as u64));
        }
    };
    let choice = move |ms: u32| {
        view! {
            <button
                class="segments__segment"
                type="submit"
                name="interval_ms"
                value=ms.to_string()
                aria-pressed=dynamic(move || (interval_ms.get() == ms).to_string())
            >
                {in_words(ms)}
            </button>
        }
    };
    view! {
        <form class="interval-form" method="post" action=SetSamplingInterval::PATH on:submit=submit>
            <fieldset class="segments">
                <legend>"One sample every"</legend>
                {SAMPLING_INTERVALS_MS.map(choice).collect_view()}
            </fieldset>
            <p class="interval-form__note" role="status">{dynamic(move || note.get())}</p>
        </form>
    }
}

fn in_words(ms: u32) -> String {
    if ms.is_multiple_of(1_000) {
        [&(ms / 1_000).to_string(), " s"].concat()
    } else {
        [&ms.to_string(), " ms"].concat()
    }
}
