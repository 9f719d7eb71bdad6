//! `/`: the idea and the live feed, on the first screen.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};

use crate::{
    components::{
        layout::Layout,
        live_feed::{FeedSeed, LiveFeed},
        seed,
        tide_strip::{TideStrip, kept_in_words},
    },
    server::{features::feed, flash, state::AppState},
};

#[component]
pub fn HomePage() -> impl IntoView {
    let state = AppState::current();
    let seed = FeedSeed {
        snapshot: feed::snapshot(&state.topics),
        interval_ms: state.feed.interval_ms(),
        flash: flash::take(),
    };
    view! {
        <Title text="Tidemark: close the laptop, open it, nothing is missing" />
        <Meta name="description" content="Real-time patterns for Rust that resume from the exact mark where they stopped." />
        <Layout path="/">
            <div class="hero">
                <h1>
                    <span class="hero__sentence">"Close the laptop."</span>
                    " "
                    <span class="hero__sentence">"Open it."</span>
                    " "
                    <span class="hero__sentence">"Nothing is missing."</span>
                </h1>
                <p class="hero__lead">
                    "Every stream is a numbered list; every browser remembers its last number. Cut your connection,
                    wait, reconnect: the numbers you missed arrive, each once."
                </p>
            </div>
            <noscript>
                <p class="notice">
                    "JavaScript is off: this page shows the feed as it was when you loaded it. Load it again for newer
                    events; the form below works as it is."
                </p>
            </noscript>
            {seed::plant(seed)}
            <TideStrip />
            <LiveFeed />
            <section class="prose">
                <h2>"What you are looking at"</h2>
                <p>
                    "This server measures itself and publishes to the topic " <code>"feed"</code>
                    ", which keeps the newest " {kept_in_words()} " in memory. Your browser reads it as server-sent
                    events from the position this page was rendered at. Away for less than that, you lose nothing;
                    away for longer, or over a restart, you are told so by a divider."
                </p>
                <p>
                    "The same stream without a library: " <code>"new EventSource('/api/stream')"</code>
                    ". Or in a terminal: " <code>"curl -N " {origin()} "/api/stream"</code>
                </p>
            </section>
        </Layout>
    }
}

/// As the visitor wrote it, for a command to copy.
fn origin() -> String {
    let host = use_context::<axum::http::request::Parts>()
        .and_then(|parts| parts.headers.get("host")?.to_str().ok().map(str::to_owned));
    host.unwrap_or_else(|| "127.0.0.1:3000".to_owned())
}
