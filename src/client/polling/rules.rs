//! What one component asks of a key, without the type of its data: `options.rs` without its generic. The schedule reads
//! it. Names and defaults are SWR's.

use std::{any::Any, rc::Rc};

/// Data of any type, held once for all components that show it.
pub type Value = Rc<dyn Any>;

/// How long after an answer the next question follows by itself, in milliseconds. 0: not at all.
pub enum Refresh {
    Fixed(u32),
    /// By what is shown, or by nothing as long as there is nothing.
    Of(RefreshOf),
    /// By what the server last advised (the header `Poll-Interval`). Not at all until it has.
    Advised,
}

pub type RefreshOf = Box<dyn Fn(Option<&Value>) -> u32>;

/// Intervals are in milliseconds.
pub struct Rules {
    pub refresh: Refresh,
    pub refresh_when_hidden: bool,
    pub refresh_when_offline: bool,
    pub revalidate_on_focus: bool,
    pub revalidate_on_reconnect: bool,
    pub revalidate_if_stale: bool,
    pub revalidate_on_mount: Option<bool>,
    pub deduping_interval: u32,
    pub focus_throttle_interval: u32,
    pub should_retry_on_error: bool,
    pub error_retry_interval: u32,
    pub error_retry_count: Option<u32>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            refresh: Refresh::Fixed(0),
            refresh_when_hidden: false,
            refresh_when_offline: false,
            revalidate_on_focus: true,
            revalidate_on_reconnect: true,
            revalidate_if_stale: true,
            revalidate_on_mount: None,
            deduping_interval: 2_000,
            focus_throttle_interval: 5_000,
            should_retry_on_error: true,
            error_retry_interval: 5_000,
            error_retry_count: None,
        }
    }
}

impl Rules {
    /// Whether a component asks when it begins. `initial` is false for one that only changes to another key.
    pub fn asks_on_mount(&self, initial: bool, has_data: bool) -> bool {
        match self.revalidate_on_mount {
            Some(asks) if initial => asks,
            _ => !has_data || self.revalidate_if_stale,
        }
    }

    /// The wait before the retry number `attempt` (from 1), with `random` from [0, 1).
    pub fn retry_ms(&self, attempt: u32, random: f64) -> f64 {
        ((random + 0.5) * f64::from(1u32 << attempt.min(8))).floor() * f64::from(self.error_retry_interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_double_eight_times_around_the_random_number() {
        let rules = Rules::default();
        let waits = [1, 2, 3, 7, 8, 9, 1_000].map(|attempt| rules.retry_ms(attempt, 0.5));
        assert_eq!(waits, [10e3, 20e3, 40e3, 640e3, 1_280e3, 1_280e3, 1_280e3]);
        assert_eq!([0.0, 0.49, 0.51, 0.99].map(|random| rules.retry_ms(1, random)), [5e3, 5e3, 10e3, 10e3]);
    }

    #[test]
    fn a_component_asks_when_it_begins_unless_it_is_told_otherwise() {
        let rules = |revalidate_on_mount, revalidate_if_stale| Rules {
            revalidate_on_mount,
            revalidate_if_stale,
            ..Rules::default()
        };
        assert!(rules(None, true).asks_on_mount(true, true));
        assert!(!rules(None, false).asks_on_mount(true, true));
        assert!(rules(None, false).asks_on_mount(true, false), "there is nothing to show");
        assert!(!rules(Some(false), true).asks_on_mount(true, false));
        assert!(rules(Some(false), true).asks_on_mount(false, false), "another key is not the first mount");
    }
}
