//! A small chart of the feed's value, as SVG. Coordinates are integers in a box of its own.

use leptos::prelude::*;

use super::{
    dynamic::dynamic,
    feed_rows::{FeedRows, Row},
    live_feed::cpu_hundredths,
};
use crate::wire::{feed::FEED_ROWS, numbers::hundredths};

const WIDTH: u32 = 1_000;
const HEIGHT: u32 = 200;

#[component]
pub fn FeedChart(rows: RwSignal<FeedRows>) -> impl IntoView {
    // Found twice a sample, among fifty: a memo would cost every visitor more than that.
    let lines = dynamic(move || rows.with(|rows| polylines(rows, scale(rows))));
    view! {
        <figure class="feed-chart">
            <svg
                class="feed-chart__plot"
                viewBox="0 0 1000 200"
                preserveAspectRatio="none"
                role="img"
                aria-label="CPU use of the server over the newest samples"
            >
                <path class="feed-chart__grid" d="M0 1H1000M0 100H1000M0 199H1000" />
                <path class="feed-chart__line" d=lines />
            </svg>
            <figcaption class="feed-chart__scale">
                <span>{dynamic(move || [&hundredths(rows.with(scale)), " % CPU"].concat())}</span>
                <span>"0"</span>
            </figcaption>
        </figure>
    }
}

/// The smallest of 1, 2, 5, 10, … tenths of a percent that holds every value, in hundredths of a percent.
fn scale(rows: &FeedRows) -> u32 {
    let highest = rows.iter().filter_map(Row::sample).map(cpu_hundredths).max().unwrap_or(0);
    let steps = [1u32, 10, 100, 1_000, 10_000].into_iter().flat_map(|power| [10 * power, 20 * power, 50 * power]);
    steps.into_iter().find(|step| *step >= highest).unwrap_or(highest)
}

/// One line for each run of samples, the newest at the right edge; a reset breaks it.
fn polylines(rows: &FeedRows, top: u32) -> String {
    let mut path = String::new();
    let mut drawing = false;
    let mut index = 0;
    for row in rows.iter() {
        let Some(sample) = row.sample() else {
            drawing = false;
            continue;
        };
        let x = WIDTH - index * WIDTH / (FEED_ROWS as u32 - 1);
        let y = HEIGHT - 1 - cpu_hundredths(sample).min(top) * (HEIGHT - 2) / top.max(1);
        path.push(if drawing { 'L' } else { 'M' });
        path.push_str(&x.to_string());
        path.push(' ');
        path.push_str(&y.to_string());
        drawing = true;
        index += 1;
    }
    path
}
