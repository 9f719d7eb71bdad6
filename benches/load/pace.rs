//! Something that is to happen at a constant rate: how often it is due by now, and when next. Pure.

use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
pub struct Pace {
    start: Instant,
    per_second: f64,
    done: u64,
}

impl Pace {
    pub const fn new(start: Instant, per_second: f64) -> Self {
        Self { start, per_second, done: 0 }
    }

    /// When the next one is due; never, if the rate is zero.
    pub fn next(&self) -> Option<Instant> {
        (self.per_second > 0.0).then(|| self.start + Duration::from_secs_f64(self.done as f64 / self.per_second))
    }

    /// Whether one is due; if so, it counts as done.
    pub fn take(&mut self, now: Instant) -> bool {
        let due = self.next().is_some_and(|next| next <= now);
        self.done += u64::from(due);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_caught_up_and_no_more() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 10.0);
        let mut due = |ms| {
            let now = start + Duration::from_millis(ms);
            std::iter::from_fn(|| pace.take(now).then_some(())).count()
        };
        assert_eq!([due(0), due(99), due(100), due(1_050), due(1_050)], [1, 0, 1, 9, 0]);
        assert_eq!(pace.next(), Some(start + Duration::from_millis(1_100)));
        assert!(!Pace::new(start, 0.0).take(start));
    }
}
