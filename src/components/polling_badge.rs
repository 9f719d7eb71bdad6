//! Whether something is being polled, in words, with a light beside it. Tests wait on its `data-connection`.

use leptos::prelude::*;

use super::dynamic::dynamic;

#[component]
pub fn PollingBadge(
    /// Whether it is asked about again.
    asks: Signal<bool>,
    /// Whether the last question had no answer.
    failed: Signal<bool>,
) -> impl IntoView {
    let hydrated = RwSignal::new(false);
    Effect::new(move |_| hydrated.set(true));
    let state = move || match (hydrated.get(), failed.get(), asks.get()) {
        (false, ..) => ("idle", "as of this page"),
        (_, true, _) => ("reconnecting", "no answer; trying again"),
        (_, _, true) => ("live", "asking once a second"),
        (_, _, false) => ("done", "done asking"),
    };
    view! {
        <span class="connection-badge" data-connection=dynamic(move || state().0)>
            <span class="connection-badge__light" aria-hidden="true"></span>
            <span class="connection-badge__words">{dynamic(move || state().1)}</span>
        </span>
    }
}
