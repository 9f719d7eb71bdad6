//! The feed's newest events as a table, newest first. Complete in the server's HTML.
//!
//! A window of fixed places, each of which shows the row that is there now. Keyed rows would all move with every event:
//! browsers count that as layout shift, and so do eyes.

use leptos::{either::Either, prelude::*};

use super::{
    dynamic::dynamic,
    feed_rows::{DIVIDERS, FeedRows, Row},
    live_feed::cpu_hundredths,
};
use crate::{
    client::local_offset_minutes,
    wire::{
        feed::FEED_ROWS,
        numbers::{bytes, grouped, hundredths, time_of_day},
        stream::ResetReason,
    },
};

#[component]
pub fn FeedTable(rows: RwSignal<FeedRows>) -> impl IntoView {
    // The server knows no zone and writes UTC; the reader's own comes after hydration.
    let zone = RwSignal::new(None::<i32>);
    Effect::new(move |_| {
        // A page of a server that has just started has no sample yet to tell the zone by.
        let newest = rows.with(|rows| rows.newest().map(|sample| sample.time));
        if zone.get_untracked().is_none() {
            zone.set(newest.map(local_offset_minutes));
        }
    });
    let places = (0..FEED_ROWS + DIVIDERS).map(|place| {
        dynamic(move || {
            let zone = zone.get().unwrap_or(0);
            rows.with(|rows| rows.iter().nth(place).map(|row| table_row(row, zone)))
        })
    });
    view! {
        <div class="feed-table" role="region" aria-label="The newest 50 events" tabindex="0">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Offset"</th>
                        <th scope="col">
                            {dynamic(move || if zone.get().is_some() { "Time" } else { "Time (UTC)" })}
                        </th>
                        <th scope="col">"CPU"</th>
                        <th scope="col">"Memory"</th>
                        <th scope="col" class="feed-table__wide">"Streams"</th>
                        <th scope="col" class="feed-table__wide">"Events/s"</th>
                    </tr>
                </thead>
                <tbody>{places.collect_view()}</tbody>
            </table>
        </div>
    }
}

fn table_row(row: &Row, zone: i32) -> impl IntoView + use<> {
    match row {
        Row::Sample { epoch, offset, sample } => Either::Left(view! {
            <tr data-epoch=epoch.to_string() data-offset=offset.to_string()>
                <th scope="row">{grouped(*offset)}</th>
                <td>{time_of_day(sample.time, zone)}</td>
                <td>{[&hundredths(cpu_hundredths(sample)), " %"].concat()}</td>
                <td>{bytes(sample.memory)}</td>
                <td class="feed-table__wide">{grouped(u64::from(sample.connections))}</td>
                <td class="feed-table__wide">{grouped(u64::from(sample.events_per_second))}</td>
            </tr>
        }),
        Row::Divider { reason, .. } => Either::Right(view! {
            <tr class="feed-table__divider" data-testid="divider">
                <td colspan="6">{in_words(*reason)}</td>
            </tr>
        }),
    }
}

fn in_words(reason: ResetReason) -> &'static str {
    match reason {
        ResetReason::UnknownEpoch => "The server restarted. This feed lives in memory: a new epoch begins above.",
        ResetReason::TooOld => "Away for longer than the feed is kept. What is between here and above is gone.",
        ResetReason::AheadOfHead => "The feed was set back. It goes on above.",
    }
}
