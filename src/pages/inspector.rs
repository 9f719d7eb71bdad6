//! `/inspector`: topics, cursors and connections, for developers. Where it is switched off, there is no such page.

use leptos::prelude::*;
use leptos_meta::Title;

use super::not_found::NotFoundPage;
use crate::{
    components::{
        inspector::{Inspector, InspectorSeed},
        layout::Layout,
        seed,
    },
    server::{features::inspector, state::AppState},
};

#[component]
pub fn InspectorPage() -> impl IntoView {
    let state = AppState::current();
    if !state.inspector {
        return view! { <NotFoundPage /> }.into_any();
    }
    let snapshot = inspector::snapshot(&state.topics, &state.connections, state.started);
    view! {
        <Title text="Inspector · Tidemark" />
        <Layout path="/inspector">
            <h1>"Inspector"</h1>
            <p class="lead">
                "What the core is doing, once a second, over a topic of its own. Nothing is measured while nobody looks."
            </p>
            {seed::plant(InspectorSeed { snapshot })}
            <Inspector />
        </Layout>
    }
    .into_any()
}
