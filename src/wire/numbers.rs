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
    }
}
