//! Latencies, counted in buckets of at most 1.6 % of their value, so that memory does not grow with the run. Pure.

/// Each power of two is split into this many buckets.
const STEPS: u64 = 64;
const STEP_BITS: u32 = STEPS.trailing_zeros();

/// Values are microseconds. The largest that is told apart is 2^40, twelve days.
const LARGEST: u64 = 1 << 40;

#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Histogram {
    pub fn new() -> Self {
        Self { buckets: vec![0; bucket(LARGEST) + 1], count: 0, max: 0 }
    }

    pub fn record(&mut self, value: u64) {
        self.buckets[bucket(value.min(LARGEST))] += 1;
        self.count += 1;
        self.max = self.max.max(value);
    }

    pub const fn count(&self) -> u64 {
        self.count
    }

    pub const fn max(&self) -> u64 {
        self.max
    }

    /// The value that this share (0 to 1) of all values does not exceed, rounded up to its bucket's end; 0 if empty.
    pub fn quantile(&self, share: f64) -> u64 {
        let rank = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper(index).min(self.max);
            }
        }
        self.max
    }
}

/// Values below `STEPS` have a bucket each; above, the highest bits choose the power of two and the next six the step.
fn bucket(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(STEP_BITS + 1);
    (u64::from(shift) * STEPS + (value >> shift)) as usize
}

/// The largest value that falls into this bucket.
fn upper(index: usize) -> u64 {
    let index = index as u64;
    let shift = (index / STEPS).saturating_sub(1);
    ((index - shift * STEPS + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_contiguous_and_narrow() {
        let mut next = 0;
        for index in 0..=bucket(LARGEST) {
            assert_eq!(bucket(next), index, "the first value of a bucket");
            assert_eq!(bucket(upper(index)), index, "the last value of a bucket");
            assert!((upper(index) - next) as f64 <= next as f64 / 64.0 + 1.0);
            next = upper(index) + 1;
        }
    }

    #[test]
    fn quantiles_are_within_a_bucket_of_the_truth() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile(0.5), 0);
        (1..=100_000).for_each(|value| histogram.record(value));
        for share in [0.01, 0.5, 0.9, 0.99, 0.999] {
            let (found, truth) = (histogram.quantile(share) as f64, share * 100_000.0);
            assert!((truth..=truth * 1.016).contains(&found), "{share}: {found}");
        }
        assert_eq!((histogram.quantile(1.0), histogram.max(), histogram.count()), (100_000, 100_000, 100_000));
    }
}
