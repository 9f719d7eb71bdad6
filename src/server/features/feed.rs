//! The feed: the server measures itself and publishes what it sees. Who changes the interval changes it for everyone.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use cpu_time::ProcessTime;
use thiserror::Error;
use tokio::{sync::watch, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    server::{connections::Connections, topics::Topics},
    wire::{
        Topic,
        feed::{FeedSampled, SAMPLING_INTERVALS_MS},
        stream::Snapshot,
    },
};

/// The interval is one for all visitors, so that nobody may toggle it faster than others can see it.
const CHANGE_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Feed {
    interval_ms: watch::Sender<u32>,
    changed: Mutex<Option<Instant>>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum FeedError {
    #[error("{0} ms is not one of the intervals to choose from: {SAMPLING_INTERVALS_MS:?}")]
    UnknownInterval(String),
    #[error("somebody changed the interval less than a second ago; try again in a moment")]
    TooSoon,
}

impl Feed {
    /// `interval_ms` comes from the configuration, which has checked it.
    pub fn new(interval_ms: u32) -> Arc<Self> {
        Arc::new(Self { interval_ms: watch::Sender::new(interval_ms), changed: Mutex::new(None) })
    }

    pub fn interval_ms(&self) -> u32 {
        *self.interval_ms.borrow()
    }

    /// Changes the sampling interval. Asking for the one in force is not a change and never too soon.
    pub fn set_interval(&self, interval_ms: &str, now: Instant) -> Result<(), FeedError> {
        let offered = interval_ms.parse().ok().filter(|ms| SAMPLING_INTERVALS_MS.contains(ms));
        // What is quoted back is bounded: it may be anything.
        let unknown = || FeedError::UnknownInterval(interval_ms.chars().take(20).collect());
        let interval_ms = offered.ok_or_else(unknown)?;
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        if interval_ms == self.interval_ms() {
            return Ok(());
        }
        if changed.is_some_and(|at| now.duration_since(at) < CHANGE_PAUSE) {
            return Err(FeedError::TooSoon);
        }
        *changed = Some(now);
        self.interval_ms.send_replace(interval_ms);
        Ok(())
    }

    /// Samples until told to stop. Owned by `boot.rs`.
    pub async fn run(&self, topics: &Topics, connections: &Connections, stop: CancellationToken) {
        let mut interval_ms = self.interval_ms.subscribe();
        let mut meter = Meter::new(connections);
        loop {
            let every = *interval_ms.borrow_and_update();
            let period = Duration::from_millis(u64::from(every));
            let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
            // After a suspended machine wakes up there is one sample, not one for each second it slept.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    due = ticks.tick() => {
                        let sample = meter.sample(due.into_std(), connections, every);
                        // Numbers always encode; see `FeedSampled`.
                        if let Err(error) = topics.publish(&Topic::Feed, &sample) {
                            tracing::error!(%error, "a sample could not be encoded");
                        }
                    }
                    _ = interval_ms.changed() => break,
                    () = stop.cancelled() => return,
                }
            }
        }
    }
}

/// The newest samples and the position they are true at.
pub fn snapshot(topics: &Topics) -> Snapshot<FeedSampled> {
    // What we encoded we can read; were it otherwise, an empty feed at its true position still resumes.
    serde_json::from_slice(&topics.snapshot(&Topic::Feed)).unwrap_or_else(|error| {
        tracing::error!(%error, "the feed's snapshot could not be read");
        Snapshot { topic: Topic::Feed, position: topics.head(&Topic::Feed), events: Vec::new() }
    })
}

/// Turns running totals into rates.
struct Meter {
    at: Instant,
    cpu: ProcessTime,
    events_out: u64,
}

impl Meter {
    fn new(connections: &Connections) -> Self {
        let events_out = connections.events_out.load(Ordering::Relaxed);
        Self { at: Instant::now(), cpu: ProcessTime::now(), events_out }
    }

    fn sample(&mut self, due: Instant, connections: &Connections, interval_ms: u32) -> FeedSampled {
        let before = std::mem::replace(self, Self::new(connections));
        let seconds = self.at.duration_since(before.at).as_secs_f64().max(0.001);
        let cpu = self.cpu.duration_since(before.cpu).as_secs_f64();
        let events = self.events_out - before.events_out;
        FeedSampled {
            time: unix_ms(due, self.at),
            value: to_hundredths(100.0 * cpu / seconds),
            memory: memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem as u64),
            connections: connections.streams(),
            events_per_second: (events as f64 / seconds).round() as u32,
            interval_ms,
        }
    }
}

/// The wall-clock time of `due`, seen from `now`.
fn unix_ms(due: Instant, now: Instant) -> u64 {
    let wall = SystemTime::now() - now.saturating_duration_since(due);
    wall.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

fn to_hundredths(value: f64) -> f32 {
    ((value * 100.0).round() / 100.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_changes_to_an_offered_one_and_not_twice_a_second() {
        let feed = Feed::new(1_000);
        let now = Instant::now();
        assert_eq!(feed.set_interval("50", now), Err(FeedError::UnknownInterval("50".into())));
        assert_eq!(feed.set_interval("1000", now), Ok(()));
        assert_eq!(feed.set_interval("250", now), Ok(()));
        assert_eq!(feed.set_interval("500", now), Err(FeedError::TooSoon));
        assert_eq!(feed.interval_ms(), 250);
        assert_eq!(feed.set_interval("500", now + CHANGE_PAUSE), Ok(()));
    }
}
