//! `LiveFeed`: the feed as a number, a chart and a table, from the server's rendering on. Pauses, and resumes.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    connection_badge::ConnectionBadge,
    dynamic::dynamic,
    feed_chart::FeedChart,
    feed_rows::FeedRows,
    feed_table::FeedTable,
    interval_form::IntervalForm,
    seed::{self, Seed},
};
use crate::{
    client::{ConnectionState, Delivery, subscribe, use_connection},
    wire::{
        Topic,
        feed::FeedSampled,
        numbers::{bytes, count, grouped, hundredths},
        stream::Snapshot,
    },
};

/// What the feed's islands start from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FeedSeed {
    /// What the page was rendered with, and the position it is true at.
    pub snapshot: Snapshot<FeedSampled>,
    /// The sampling interval in force, which the newest sample may not know yet.
    pub interval_ms: u32,
    /// What a form that was sent without JavaScript has to say.
    pub flash: Option<String>,
}

impl Seed for FeedSeed {
    const ID: &'static str = "feed-seed";
}

/// Takes [`FeedSeed`].
#[island]
pub fn LiveFeed() -> impl IntoView {
    let FeedSeed { snapshot, interval_ms, flash } = seed::take();
    let position = snapshot.position;
    let rows = RwSignal::new(FeedRows::new(snapshot));
    let shown = RwSignal::new(rows.get_untracked());
    // How many events came since the pause; none if it is not paused.
    // (An i32, as the table's zone is: each further type of signal is a kilobyte.)
    let paused = RwSignal::new(None::<i32>);
    let interval_ms = RwSignal::new(interval_ms);

    subscribe(Topic::Feed, position, move |delivery: Delivery<FeedSampled>| {
        let arrived = match delivery {
            Delivery::Events(events) => {
                let arrived = events.len() as i32;
                rows.update(|rows| rows.add(events));
                arrived
            }
            Delivery::Reset(reset) => {
                let arrived = reset.snapshot.events.len() as i32;
                rows.update(|rows| rows.reset(reset));
                arrived
            }
            Delivery::Resumed { .. } | Delivery::Lost => return,
        };
        if let Some(ms) = rows.with_untracked(|rows| rows.newest().map(|sample| sample.interval_ms)) {
            interval_ms.set(ms);
        }
        match paused.get_untracked() {
            Some(held) => paused.set(Some(held.saturating_add(arrived))),
            None => shown.set(rows.get_untracked()),
        }
    });
    let state = use_connection();
    let toggle = move |_| match paused.get_untracked() {
        Some(_) => {
            paused.set(None);
            shown.set(rows.get_untracked());
        }
        None => paused.set(Some(0)),
    };
    let newest = move |show: fn(&FeedSampled) -> String| {
        dynamic(move || shown.with(|rows| rows.newest().map_or("–".into(), show)))
    };

    view! {
        <section class="live-feed" aria-labelledby="live-feed-title">
            <header class="live-feed__header">
                <h2 id="live-feed-title">"LiveFeed"</h2>
                <ConnectionBadge />
                <button class="button button--quiet" type="button" disabled=dynamic(move || state.with(|state| *state == ConnectionState::Idle)) aria-pressed=dynamic(move || paused.get().is_some().to_string()) on:click=toggle>
                    {dynamic(move || if paused.get().is_some() { "Resume" } else { "Pause" })}
                </button>
                <p class="live-feed__held" role="status">
                    {dynamic(move || paused.get().map(|held| [&count(held.unsigned_abs().into(), "event"), " waiting"].concat()).unwrap_or_default())}
                </p>
            </header>
            <dl class="figures">
                <div><dt>"CPU"</dt><dd>{newest(|s| [&hundredths(cpu_hundredths(s)), " %"].concat())}</dd></div>
                <div><dt>"Memory"</dt><dd>{newest(|s| bytes(s.memory))}</dd></div>
                <div><dt>"Streams"</dt><dd>{newest(|s| grouped(u64::from(s.connections)))}</dd></div>
                <div><dt>"Events out"</dt><dd>{newest(|s| [&grouped(u64::from(s.events_per_second)), " /s"].concat())}</dd></div>
            </dl>
            <FeedChart rows=shown />
            <IntervalForm interval_ms flash />
            <FeedTable rows=shown />
        </section>
    }
}

/// The sample's CPU figure as an integer, for showing: see `numbers.rs`.
pub fn cpu_hundredths(sample: &FeedSampled) -> u32 {
    (sample.value * 100.0 + 0.5) as u32
}
