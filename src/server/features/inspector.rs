//! The inspector's topic: what the core is doing, as keys with a value each. Nothing is measured while nobody looks.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::Ordering,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio_util::sync::CancellationToken;

use crate::{
    server::{
        connections::{ConnectionView, Connections},
        topics::{TopicView, Topics},
    },
    wire::{
        Topic,
        inspector::Fields,
        numbers::{bytes, grouped, time_of_day},
        stream::{Keyed, Snapshot},
        topic::Kind,
    },
};

/// Connections and topics beyond this many are counted, not listed: the page is for eyes.
const LISTED: usize = 100;

const PERIOD: Duration = Duration::from_secs(1);

/// Reports once a second while somebody reads the topic. Owned by `boot.rs`.
pub async fn run(topics: &Topics, connections: &Connections, started: SystemTime, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                if topics.has_readers(&Topic::Inspector) {
                    report(topics, connections, started);
                }
            }
            () = stop.cancelled() => return,
        }
    }
}

/// Publishes what changed since the last report. A page calls it too, so that it never shows an old state.
pub fn report(topics: &Topics, connections: &Connections, started: SystemTime) {
    let reports = reports(topics, connections, started);
    let new: HashSet<&str> = reports.iter().map(|(key, _)| key.as_str()).collect();
    let gone: Vec<_> = topics.keys(&Topic::Inspector).into_iter().filter(|key| !new.contains(key.as_str())).collect();
    let result = gone
        .iter()
        .try_for_each(|key| topics.remove(&Topic::Inspector, key).map(drop))
        .and_then(|()| reports.iter().try_for_each(|(key, value)| topics.set(&Topic::Inspector, key, value).map(drop)));
    if let Err(error) = result {
        tracing::error!(%error, "the inspector's report could not be encoded");
    }
}

/// The state now, freshly measured, and its position.
pub fn snapshot(topics: &Topics, connections: &Connections, started: SystemTime) -> Snapshot<Keyed<Fields>> {
    report(topics, connections, started);
    serde_json::from_slice(&topics.snapshot(&Topic::Inspector)).unwrap_or_else(|error| {
        tracing::error!(%error, "the inspector's snapshot could not be read");
        Snapshot { topic: Topic::Inspector, position: topics.head(&Topic::Inspector), events: Vec::new() }
    })
}

fn reports(topics: &Topics, connections: &Connections, started: SystemTime) -> Vec<(String, Fields)> {
    let mut views = topics.view();
    views.sort_by(|a, b| a.topic.cmp(&b.topic));
    let mut cursors: HashMap<u64, Vec<(String, u64, u64)>> = HashMap::new();
    for view in &views {
        for cursor in &view.cursors {
            let lag = view.head.offset.saturating_sub(cursor.offset);
            cursors.entry(cursor.connection).or_default().push((view.topic.to_string(), cursor.offset, lag));
        }
    }
    let (open, streams) = connections.view(LISTED, |serial| {
        cursors.get(&serial).and_then(|cursors| cursors.iter().map(|(_, _, lag)| *lag).max()).unwrap_or(0)
    });
    let mut reports = vec![("server".to_owned(), server(connections, started, streams, open.len()))];
    reports.extend(views.iter().take(LISTED).map(|view| (format!("topic/{}", view.topic), topic(view))));
    reports.extend(open.into_iter().map(|view| {
        let cursors = cursors.remove(&view.serial).unwrap_or_default();
        (format!("connection/{}", view.serial), connection(&view, &cursors))
    }));
    reports
}

fn server(connections: &Connections, started: SystemTime, streams: usize, listed: usize) -> Fields {
    let sockets = connections.sockets.load(Ordering::Relaxed);
    let limit = connections.limits.sockets_for_streams;
    fields([
        ("started", utc(started)),
        ("streams", grouped(streams as u64)),
        ("sockets", format!("{} of {}", grouped(sockets.into()), grouped(limit.into()))),
        ("events_out", grouped(connections.events_out.load(Ordering::Relaxed))),
        ("bytes_out", bytes(connections.bytes_out.load(Ordering::Relaxed))),
        ("not_listed", grouped((streams - listed) as u64)),
    ])
}

fn topic(view: &TopicView) -> Fields {
    let slowest = view.cursors.iter().map(|cursor| cursor.offset).min();
    fields([
        ("topic", view.topic.to_string()),
        ("kind", if view.kind == Kind::Log { "log" } else { "latest" }.to_owned()),
        ("head", view.head.to_string()),
        ("length", grouped(view.length as u64)),
        ("bytes", bytes(view.bytes as u64)),
        ("cursors", grouped(view.cursors.len() as u64)),
        ("lag", grouped(slowest.map_or(0, |offset| view.head.offset.saturating_sub(offset)))),
    ])
}

fn connection(view: &ConnectionView, cursors: &[(String, u64, u64)]) -> Fields {
    let cursor = |(topic, offset, lag): &(String, u64, u64)| match lag {
        0 => format!("{topic} at {}", grouped(*offset)),
        lag => format!("{topic} at {} ({} behind)", grouped(*offset), grouped(*lag)),
    };
    fields([
        ("serial", grouped(view.serial)),
        ("transport", "SSE".to_owned()),
        ("address", view.address.to_string()),
        ("since", utc(view.since)),
        ("cursors", cursors.iter().map(cursor).collect::<Vec<_>>().join(", ")),
    ])
}

fn fields<const N: usize>(named: [(&str, String); N]) -> Fields {
    Fields(named.into_iter().map(|(name, text)| (name.to_owned(), text)).collect())
}

fn utc(at: SystemTime) -> String {
    time_of_day(at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64), 0)
}
