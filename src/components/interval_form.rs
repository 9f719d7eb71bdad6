//! How often the server measures itself, for everyone: a form that works without JavaScript, and before it.
//!
//! A plain form, and a handler that sends the same to the same server function. `ActionForm` and the server function's
//! own client would cost every visitor tens of kilobytes for the sake of one number: see docs/ARCHITECTURE.md.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};

use super::dynamic::dynamic;
use crate::{api::feed::SetSamplingInterval, client::submit_form, wire::feed::SAMPLING_INTERVALS_MS};

const NOTE: &str = "It changes for everyone who watches.";

#[component]
pub fn IntervalForm(
    /// The interval in force.
    interval_ms: RwSignal<u32>,
    /// What a form that was sent without JavaScript has to say.
    flash: Option<String>,
) -> impl IntoView {
    let note = RwSignal::new(flash.unwrap_or_else(|| NOTE.into()));
    let submit = move |event: SubmitEvent| {
        let chosen =
            event.submitter().and_then(|button| button.get_attribute("value")).and_then(|ms| ms.parse::<u32>().ok());
        let Some(ms) = chosen else { return };
        event.prevent_default();
        leptos::task::spawn_local(async move {
            let words = match submit_form(SetSamplingInterval::PATH, "interval_ms", &ms.to_string()).await {
                Ok(()) => NOTE.into(),
                Err(message) => message,
            };
            // The island may be gone by the time the answer comes.
            note.try_set(words);
        });
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
