//! What a stream says, whatever protocol carried it: `sse.rs` makes these, `subscription.rs` reads them.
//! Another protocol is another maker of them.

use std::borrow::Cow;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A topic's own event.
    Event,
    /// The stream is open; the id says from where it reads.
    Connected,
    /// A cursor could not read on without a gap; the id says where it stands now.
    Reset,
    /// The server is going away.
    Draining,
    /// The server will not serve this stream.
    Refused,
    /// A comment: the connection is alive.
    Heartbeat,
    /// Something this generator need not understand.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub kind: Kind,
    /// The positions, the event's own first; empty if the frame has none.
    pub id: Cow<'a, str>,
    pub data: Cow<'a, [u8]>,
}

/// The moment an event was due, from its `"time"`: milliseconds since 1970.
pub fn due_ms(data: &[u8]) -> Option<u64> {
    const KEY: &[u8] = b"\"time\":";
    let at = data.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let digits = data.get(at..)?.iter().skip_while(|byte| **byte == b' ').take_while(|byte| byte.is_ascii_digit());
    let mut value = None;
    for digit in digits {
        value = Some(value.unwrap_or(0u64).checked_mul(10)?.checked_add(u64::from(digit - b'0'))?);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_due_time_is_found_where_there_is_one() {
        assert_eq!(due_ms(br#"{"time":1764000000123,"value":1.2}"#), Some(1_764_000_000_123));
        assert_eq!(due_ms(br#"{"value":1.2,"time": 7}"#), Some(7));
        for none in ["", "{}", r#"{"time":}"#, r#"{"time":"now"}"#, r#"{"time":99999999999999999999999}"#] {
            assert_eq!(due_ms(none.as_bytes()), None, "{none}");
        }
    }
}
