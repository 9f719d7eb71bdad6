//! Numbers as people read them. Integers only: the formatting of floats would cost every visitor 14 kB. Pure, and the
//! same on the server as in the browser.

/// `1234567` → `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `137` → `1.37`.
pub fn hundredths(number: u32) -> String {
    [&(number / 100).to_string(), ".", &(number / 10 % 10).to_string(), &(number % 10).to_string()].concat()
}

/// Bytes in the unit that fits: `23.4 MB`.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = [" B", " kB", " MB", " GB"];
    let mut unit = 0;
    let mut tenths = number * 10;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1_000;
        unit += 1;
    }
    match unit {
        0 => [&number.to_string(), UNITS[0]].concat(),
        _ => [&grouped(tenths / 10), ".", &(tenths % 10).to_string(), UNITS[unit]].concat(),
    }
}

/// The time of day, `offset_minutes` east of UTC: `09:05:03`.
pub fn time_of_day(unix_ms: u64, offset_minutes: i32) -> String {
    let seconds = (unix_ms / 1_000) as i64 + i64::from(offset_minutes) * 60;
    let of_day = seconds.rem_euclid(86_400) as u32;
    let two = |number: u32| [(number / 10).to_string(), (number % 10).to_string()].concat();
    [two(of_day / 3_600), two(of_day / 60 % 60), two(of_day % 60)].join(":")
}

/// Hours and minutes, `offset_minutes` east of UTC: `09:05`.
pub fn clock(unix_ms: u64, offset_minutes: i32) -> String {
    let mut time = time_of_day(unix_ms, offset_minutes);
    time.truncate(5);
    time
}

/// The day, `offset_minutes` east of UTC: `2026-11-24`.
pub fn day(unix_ms: u64, offset_minutes: i32) -> String {
    let minutes = (unix_ms / 60_000) as i64 + i64::from(offset_minutes);
    // Howard Hinnant's civil_from_days (https://howardhinnant.github.io/date_algorithms.html), of days since 1970.
    let days = minutes.div_euclid(24 * 60) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let two = |number: i64| [(number / 10).to_string(), (number % 10).to_string()].concat();
    [year.to_string(), two(month), two(date)].join("-")
}

/// `1` → `1 event`, `2` → `2 events`.
pub fn count(number: u64, noun: &str) -> String {
    [grouped(number).as_str(), " ", noun, if number == 1 { "" } else { "s" }].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 5, 137, 10_000].map(hundredths), ["0.00", "0.05", "1.37", "100.00"]);
        assert_eq!(
            [0, 999, 1_000, 23_450_000, 5_000_000_000, 7_000_000_000_000].map(bytes),
            ["0 B", "999 B", "1.0 kB", "23.4 MB", "5.0 GB", "7,000.0 GB"]
        );
        assert_eq!(count(1, "event"), "1 event");
        assert_eq!(count(1_200, "event"), "1,200 events");
    }

    #[test]
    fn the_time_of_day_follows_the_zone_over_midnight() {
        assert_eq!(time_of_day(1_700_000_000_000, 0), "22:13:20");
        assert_eq!(time_of_day(1_700_000_000_000, 120), "00:13:20");
        assert_eq!(time_of_day(0, -60), "23:00:00");
        assert_eq!(clock(1_700_000_000_000, 0), "22:13");
        assert_eq!((day(0, 0), day(0, -60)), ("1970-01-01".into(), "1969-12-31".into()));
        assert_eq!((day(951_782_400_000, 0), day(1_700_000_000_000, 120)), ("2000-02-29".into(), "2023-11-15".into()));
    }
}
