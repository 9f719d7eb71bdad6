//! The state of the tab's connection in words, with a light beside it. Tests wait on its `data-connection`.

use leptos::prelude::*;

use super::dynamic::dynamic;
use crate::client::use_connection;

#[component]
pub fn ConnectionBadge() -> impl IntoView {
    let state = use_connection();
    // Not a live region: "reconnecting in 3 s, 2 s, 1 s" read aloud helps nobody. The strip announces what happened.
    view! {
        <span class="connection-badge" data-connection=dynamic(move || state.with(|state| state.attribute()))>
            <span class="connection-badge__light" aria-hidden="true"></span>
            <span class="connection-badge__words">{dynamic(move || state.with(|state| state.words()))}</span>
        </span>
    }
}
