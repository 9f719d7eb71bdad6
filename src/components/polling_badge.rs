//! Whether something is being polled, in words, with a light beside it. Tests wait on its `data-connection`.

use leptos::prelude::*;

use super::dynamic::dynamic;
use crate::client::{effect, watch_away};

#[component]
pub fn PollingBadge(
    /// Whether it is asked about again.
    asks: Signal<bool>,
    /// Whether the last question had no answer.
    failed: Signal<bool>,
) -> impl IntoView {
    let (hydrated, offline, hidden) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    effect(move |_| {
        watch_away(offline, hidden);
        hydrated.set(true);
    });
    // Set by the words themselves: whoever has never asked has nothing to end.
    let asked = StoredValue::new(false);
    let state = move || {
        if asks.get() {
            asked.set_value(true);
        }
        if !hydrated.get() {
            return ("idle", "as of this page");
        }
        match (failed.get(), asks.get()) {
            (false, false) if asked.get_value() => ("done", "no longer asking"),
            (false, false) => ("done", "nothing to ask about"),
            _ if offline.get() => ("offline", "offline; asks again when there is a network"),
            _ if hidden.get() => ("resting", "not asking while hidden"),
            (true, _) => ("reconnecting", "no answer; trying again"),
            (false, true) => ("live", "asking once a second"),
        }
    };
    view! {
        <span class="connection-badge" data-connection=dynamic(move || state().0)>
            <span class="connection-badge__light" aria-hidden="true"></span>
            <span class="connection-badge__words">{dynamic(move || state().1)}</span>
        </span>
    }
}
