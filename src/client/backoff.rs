//! How long to wait before the next attempt: exponential, capped, with full jitter, so that a thousand clients that
//! lost the same server do not come back in the same moment. Pure: the random number is passed in.
//! Source: Amazon Builders' Library, "Timeouts, retries and backoff with jitter" (full jitter).

/// The first wait is at most this, in milliseconds.
const BASE_MS: f64 = 500.0;

/// No wait is longer than this, in milliseconds: a person who looks at the page should not think it is dead.
const CAP_MS: f64 = 15_000.0;

/// No wait is shorter: a server that accepts and closes at once must not be hammered.
const FLOOR_MS: f64 = 100.0;

/// The wait in milliseconds before attempt number `attempt` (from 1), with `random` from [0, 1).
pub fn delay_ms(attempt: u32, random: f64) -> u32 {
    // 2^15 · 500 ms is far beyond the cap.
    let ceiling = (BASE_MS * f64::from(1u32 << attempt.saturating_sub(1).min(15))).min(CAP_MS);
    (FLOOR_MS + random * (ceiling - FLOOR_MS)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap_and_jitter_fills_all_below_it() {
        let ceilings: Vec<_> = [1, 2, 3, 4, 5, 6, 7, 1_000].map(|attempt| delay_ms(attempt, 1.0)).into();
        assert_eq!(ceilings, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
        assert_eq!(delay_ms(9, 0.0), 100);
        assert_eq!(delay_ms(2, 0.5), 550);
    }
}
