//! The idea, shown instead of explained: a numbered strip of the feed, this tab's mark and the head, and a button that
//! cuts the connection. The numbers run on, the mark stops; on reconnecting it sweeps forward.

use std::time::Duration;

use leptos::prelude::*;

use super::{
    connection_badge::ConnectionBadge,
    dynamic::dynamic,
    live_feed::FeedSeed,
    seed,
    tide::{Outcome, Tide},
};
use crate::{
    client::{self, ConnectionState, Delivery, subscribe, use_connection},
    wire::{
        Topic,
        feed::FeedSampled,
        numbers::{count, grouped},
    },
};

/// Cells of the strip; narrow screens show the newest of them.
const CELLS: u64 = 24;

/// While the stream is cut, the head is asked for by itself this often.
const HEAD_PERIOD: Duration = Duration::from_secs(1);

/// Takes [`FeedSeed`]: the position that the page was rendered at.
#[island]
pub fn TideStrip() -> impl IntoView {
    let position = seed::take::<FeedSeed>().snapshot.position;
    let tide = RwSignal::new(Tide::new(position));
    let state = use_connection();
    subscribe(Topic::Feed, position, move |delivery: Delivery<FeedSampled>| {
        tide.update(|tide| match delivery {
            Delivery::Resumed { head, .. } => tide.resumed(head),
            Delivery::Lost => {}
            Delivery::Events(events) => tide.read(events.iter().map(|event| event.offset)),
            Delivery::Reset(reset) => {
                tide.reset(reset.reason, reset.position, reset.snapshot.events.iter().map(|event| event.offset));
            }
        });
    });
    Effect::new(move |was_live: Option<bool>| {
        let live = state.with(|state| *state == ConnectionState::Live);
        if was_live == Some(true) && !live {
            tide.update(Tide::interrupt);
        }
        live
    });
    watch_head(tide, state);

    view! {
        <section class="tide" aria-labelledby="tide-title" data-cut=dynamic(move || is_cut(state).to_string())>
            <header class="tide__header">
                <h2 id="tide-title" class="tide__title">"This tab’s tidemark"</h2>
                <ConnectionBadge />
            </header>
            <Cells tide />
            <p class="tide__numbers">
                <span data-testid="mark" data-mark=dynamic(move || tide.with(|tide| tide.mark.to_string()))>
                    "mark "
                    <b>{dynamic(move || tide.with(|tide| grouped(tide.mark.offset)))}</b>
                </span>
                <span data-testid="head">"head " <b>{dynamic(move || tide.with(|tide| grouped(tide.head)))}</b></span>
                <span data-testid="behind" class="tide__behind" data-behind=dynamic(move || tide.with(Tide::behind).to_string())>
                    {dynamic(move || match tide.with(Tide::behind) {
                        0 => "up to date".to_owned(),
                        behind => [&grouped(behind), " behind"].concat(),
                    })}
                </span>
            </p>
            <div class="tide__controls">
                <button
                    class="button"
                    type="button"
                    // Until it is hydrated the button can do nothing, and shows it.
                    disabled=dynamic(move || state.with(|state| *state == ConnectionState::Idle))
                    on:click=move |_| if is_cut(state) { client::mend() } else { client::cut() }
                >
                    {dynamic(move || if is_cut(state) { "Reconnect" } else { "Cut my connection" })}
                </button>
                <p
                    class="tide__outcome"
                    role="status"
                    data-testid="outcome"
                    data-settled=dynamic(move || tide.with(|tide| tide.outcome != Outcome::None).to_string())
                >
                    {dynamic(move || words(tide.with(|tide| tide.outcome), &state.get()))}
                </p>
            </div>
        </section>
    }
}

/// Fixed places, the newest number in the last: places do not move when numbers run on.
#[component]
fn Cells(tide: RwSignal<Tide>) -> impl IntoView {
    let cell = move |place: u64| {
        let offset = move |tide: &Tide| (tide.head + place + 1).saturating_sub(CELLS);
        view! {
            <li
                class=move || tide.with(|tide| class_of(tide, offset(tide)))
                style=move || tide.with(|tide| ["--order:", &sweep_order(tide, offset(tide))].concat())
            >
                {dynamic(move || tide.with(|tide| offset(tide).to_string()))}
            </li>
        }
    };
    // One picture to a screen reader; the numbers beneath it say the same in words.
    view! { <ol class="tide__strip" aria-hidden="true">{(0..CELLS).map(cell).collect_view()}</ol> }
}

fn class_of(tide: &Tide, offset: u64) -> &'static str {
    match offset {
        0 => "tide__cell is-none",
        _ if offset == tide.mark.offset => "tide__cell is-read is-mark",
        _ if offset < tide.mark.offset => "tide__cell is-read",
        _ => "tide__cell",
    }
}

/// A cell's turn in the sweep: what was read together fills one after the other.
fn sweep_order(tide: &Tide, offset: u64) -> String {
    let first = tide.swept_from.max(tide.head.saturating_sub(CELLS));
    offset.saturating_sub(first + 1).min(CELLS).to_string()
}

/// While the stream is down, somebody still has to see that the numbers run on.
fn watch_head(tide: RwSignal<Tide>, state: ReadSignal<ConnectionState>) {
    Effect::new(move |handle: Option<Option<IntervalHandle>>| {
        if let Some(handle) = handle.flatten() {
            handle.clear();
        }
        if !is_cut(state) {
            return None;
        }
        let ask = move || {
            if document().hidden() {
                return;
            }
            leptos::task::spawn_local(async move {
                if let Some(head) = client::head(&Topic::Feed).await {
                    // The island may be gone by the time the answer comes.
                    tide.try_update(|tide| tide.saw_head(head));
                }
            });
        };
        set_interval_with_handle(ask, HEAD_PERIOD).ok()
    });
}

fn is_cut(state: ReadSignal<ConnectionState>) -> bool {
    state.with(|state| *state == ConnectionState::Cut)
}

fn words(outcome: Outcome, state: &ConnectionState) -> String {
    match (outcome, state) {
        (_, ConnectionState::Cut) => "The numbers run on; your mark stays where it is.".into(),
        (Outcome::None, ConnectionState::Idle) => String::new(),
        (Outcome::None, ConnectionState::Live | ConnectionState::Connecting) => {
            "Cut it, count to ten, reconnect.".into()
        }
        (Outcome::None, ConnectionState::Resting) => "Resting while nobody looks. Your mark keeps the place.".into(),
        (Outcome::None, _) => "Connection lost. Your mark keeps the place.".into(),
        (Outcome::Recovered { missed, recovered, lost }, _) => {
            [&grouped(missed), " missed, ", &grouped(recovered), " recovered, ", &grouped(lost), " lost"].concat()
        }
        (Outcome::NewEpoch, _) => {
            "The server began a new epoch: this feed lives in memory, so its numbers start again.".into()
        }
    }
}

/// For the page's text: how much a tab may miss and still lose nothing.
pub fn kept_in_words() -> String {
    count(Topic::Feed.policy().retention.events as u64, "event")
}
