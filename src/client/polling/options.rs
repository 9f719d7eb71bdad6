//! What a component asks of a key: SWR's options, by SWR's names (in Rust's spelling) and with SWR's defaults.

use std::rc::Rc;

use super::rules::{Refresh, Rules, Value};

/// How long after an answer the next question follows by itself, in milliseconds. 0 stops until the data changes.
pub enum Interval<T> {
    Fixed(u32),
    /// By what is shown: `Of(|job| if job.done { 0 } else { 1_000 })`. Nothing follows as long as there is nothing.
    Of(fn(&T) -> u32),
    /// By the header `Poll-Interval` of the server's answers. Nothing follows as long as there was none.
    Advised,
}

/// Intervals are in milliseconds.
pub struct Options<T> {
    /// 0: only on mount, focus and reconnect.
    pub refresh_interval: Interval<T>,
    pub refresh_when_hidden: bool,
    pub refresh_when_offline: bool,
    /// When the page comes to the front.
    pub revalidate_on_focus: bool,
    pub revalidate_on_reconnect: bool,
    /// Whether a component asks when it begins although there is data: a first value, or another component's.
    pub revalidate_if_stale: bool,
    /// Whether it asks when it begins, whatever there is. `Some(false)` for a first value that was rendered just now.
    pub revalidate_on_mount: Option<bool>,
    /// So long after an answer it is new enough for every component.
    pub deduping_interval: u32,
    /// So long after one, coming to the front again does not count.
    pub focus_throttle_interval: u32,
    pub should_retry_on_error: bool,
    /// Half to one and a half of this, doubled with each retry up to the eighth. `Retry-After` is obeyed instead.
    pub error_retry_interval: u32,
    pub error_retry_count: Option<u32>,
    /// Whether another key's data is shown until there is some of the new key.
    pub keep_previous_data: bool,
}

impl<T> Default for Options<T> {
    fn default() -> Self {
        let rules = Rules::default();
        Self {
            refresh_interval: Interval::Fixed(0),
            refresh_when_hidden: rules.refresh_when_hidden,
            refresh_when_offline: rules.refresh_when_offline,
            revalidate_on_focus: rules.revalidate_on_focus,
            revalidate_on_reconnect: rules.revalidate_on_reconnect,
            revalidate_if_stale: rules.revalidate_if_stale,
            revalidate_on_mount: rules.revalidate_on_mount,
            deduping_interval: rules.deduping_interval,
            focus_throttle_interval: rules.focus_throttle_interval,
            should_retry_on_error: rules.should_retry_on_error,
            error_retry_interval: rules.error_retry_interval,
            error_retry_count: rules.error_retry_count,
            keep_previous_data: false,
        }
    }
}

impl<T: 'static> Options<T> {
    pub(super) fn into_rules(self) -> Rc<Rules> {
        Rc::new(Rules {
            refresh: match self.refresh_interval {
                Interval::Fixed(ms) => Refresh::Fixed(ms),
                Interval::Of(ms) => Refresh::Of(Box::new(move |data: Option<&Value>| {
                    data.and_then(|data| data.downcast_ref()).map_or(0, ms)
                })),
                Interval::Advised => Refresh::Advised,
            },
            refresh_when_hidden: self.refresh_when_hidden,
            refresh_when_offline: self.refresh_when_offline,
            revalidate_on_focus: self.revalidate_on_focus,
            revalidate_on_reconnect: self.revalidate_on_reconnect,
            revalidate_if_stale: self.revalidate_if_stale,
            revalidate_on_mount: self.revalidate_on_mount,
            deduping_interval: self.deduping_interval,
            focus_throttle_interval: self.focus_throttle_interval,
            should_retry_on_error: self.should_retry_on_error,
            error_retry_interval: self.error_retry_interval,
            error_retry_count: self.error_retry_count,
        })
    }
}

/// How a change is shown while it is under way, and what follows: SWR's options of `mutate`.
pub struct Mutation<T> {
    /// Shown until the change is done.
    pub optimistic_data: Option<T>,
    /// Whether a change that failed shows again what there was before.
    pub rollback_on_error: bool,
    /// Whether the server is asked afterwards, also if the change failed.
    pub revalidate: bool,
}

impl<T> Default for Mutation<T> {
    fn default() -> Self {
        Self { optimistic_data: None, rollback_on_error: true, revalidate: true }
    }
}
