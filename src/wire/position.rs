//! How far a connection has read: the tidemark itself.
//! Written as text everywhere on the wire: `9f3ac04e51d27b86:1234`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// One life of a topic's numbering, a random number: offsets of two epochs have nothing to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

/// A place in a topic: everything up to and including `offset`, in this `epoch`.
///
/// Of a log, `offset` counts events from 1, rising by one; 0 is the place before the first. Of a latest, it is the
/// version of the newest change seen. Positions of different epochs cannot be ordered, so there is no `Ord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    pub epoch: Epoch,
    pub offset: u64,
}

/// The text is not `{16 hexadecimal digits}:{decimal offset}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a position is written as 16 hexadecimal digits, a colon and an offset, as in 9f3ac04e51d27b86:1234")]
pub struct BadPosition;

const EPOCH_DIGITS: usize = 16;

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.offset)
    }
}

impl FromStr for Position {
    type Err = BadPosition;

    /// Accepts exactly what `Display` writes, so that a position has one spelling only.
    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let (epoch, offset) = text.split_once(':').ok_or(BadPosition)?;
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if epoch.len() != EPOCH_DIGITS || !epoch.bytes().all(lower_hex) {
            return Err(BadPosition);
        }
        let canonical = offset.bytes().all(|b| b.is_ascii_digit()) && (offset == "0" || !offset.starts_with('0'));
        if !canonical {
            return Err(BadPosition);
        }
        Ok(Self {
            epoch: Epoch(u64::from_str_radix(epoch, 16).map_err(|_| BadPosition)?),
            offset: offset.parse().map_err(|_| BadPosition)?,
        })
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_as_it_was_written() {
        for position in [
            Position { epoch: Epoch(0), offset: 0 },
            Position { epoch: Epoch(0x9f3a_c04e_51d2_7b86), offset: 1234 },
            Position { epoch: Epoch(u64::MAX), offset: u64::MAX },
        ] {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            ":",
            "feed",
            "9f3a:1",
            "9f3ac04e51d27b86",
            "9f3ac04e51d27b86:",
            "9F3AC04E51D27B86:1",
            "9f3ac04e51d27b86:01",
            "9f3ac04e51d27b86:+1",
            "9f3ac04e51d27b86:-1",
            "9f3ac04e51d27b86: 1",
            "9f3ac04e51d27b86:1:2",
            "9f3ac04e51d27b86:18446744073709551616",
            "+f3ac04e51d27b86:1",
        ] {
            assert_eq!(text.parse::<Position>(), Err(BadPosition), "{text}");
        }
    }
}
