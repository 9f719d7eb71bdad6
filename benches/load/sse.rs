//! Server-sent events (WHATWG HTML, 9.2.6) in any pieces into frames. Pure; a frame that arrives whole, the usual
//! case, is read where it lies, so an idle connection holds no buffer.

use std::borrow::Cow;

use super::frame::{Frame, Kind};

/// A frame longer than this means that the other side is no event stream; snapshots in resets are far smaller.
const FRAME_BYTES: usize = 4 << 20;

/// A buffer that grew beyond this for a long frame is given back after it.
const KEPT_BYTES: usize = 1 << 10;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

#[derive(Debug, Default)]
pub struct Decoder {
    /// The beginning of a frame whose end has not arrived.
    held: Vec<u8>,
    /// The first bytes, which may be a byte order mark, are behind us.
    begun: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

impl Decoder {
    /// Hands every frame that `bytes` completes to `take`.
    pub fn push(&mut self, bytes: &[u8], mut take: impl FnMut(Frame)) -> Result<(), TooLong> {
        if self.held.is_empty() && self.begun {
            let used = read_all(bytes, &mut take);
            self.held.extend_from_slice(&bytes[used..]);
        } else {
            self.held.extend_from_slice(bytes);
            if !self.begun {
                if self.held.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&self.held) {
                    return Ok(());
                }
                self.begun = true;
                if self.held.starts_with(BYTE_ORDER_MARK) {
                    self.held.drain(..BYTE_ORDER_MARK.len());
                }
            }
            let used = read_all(&self.held, &mut take);
            self.held.drain(..used);
        }
        if self.held.capacity() > KEPT_BYTES && self.held.len() < KEPT_BYTES {
            self.held.shrink_to(self.held.len());
        }
        if self.held.len() > FRAME_BYTES { Err(TooLong) } else { Ok(()) }
    }
}

/// Reads frames from the front of `bytes` and returns how many bytes they took.
fn read_all(bytes: &[u8], take: &mut impl FnMut(Frame)) -> usize {
    let mut used = 0;
    while let Some((frame, length)) = read_frame(&bytes[used..]) {
        used += length;
        if let Some(frame) = frame {
            take(frame);
        }
    }
    used
}

/// One frame with its empty line, or `None` if its end is not in `bytes`. A frame that says nothing yields no frame.
///
/// A carriage return at the very end may be half of a line break: as the end of a frame it is taken at once, because
/// the line feed that may follow is then an empty frame of its own.
fn read_frame(bytes: &[u8]) -> Option<(Option<Frame<'_>>, usize)> {
    let mut fields = Fields::default();
    let mut at = 0;
    loop {
        let length = bytes[at..].iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        let line = &bytes[at..at + length];
        at += length + 1;
        if bytes[at - 1] == b'\r' && bytes.get(at) == Some(&b'\n') {
            at += 1;
        }
        if line.is_empty() {
            return Some((fields.finish(), at));
        }
        fields.line(line);
    }
}

#[derive(Default)]
struct Fields<'a> {
    event: &'a [u8],
    id: Option<&'a [u8]>,
    data: Option<Cow<'a, [u8]>>,
    comment: bool,
}

impl<'a> Fields<'a> {
    fn line(&mut self, line: &'a [u8]) {
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], line[colon + 1..].strip_prefix(b" ").unwrap_or(&line[colon + 1..])),
            None => (line, &b""[..]),
        };
        match name {
            b"" => self.comment = true,
            b"event" => self.event = value,
            b"id" if !value.contains(&0) => self.id = Some(value),
            b"data" => match &mut self.data {
                None => self.data = Some(Cow::Borrowed(value)),
                Some(data) => {
                    let data = data.to_mut();
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
            },
            // `retry` is for browsers; anything else is ignored as the specification asks.
            _ => {}
        }
    }

    fn finish(self) -> Option<Frame<'a>> {
        let kind = match (self.data.is_some(), self.event) {
            (false, _) if self.comment => Kind::Heartbeat,
            (false, _) => return None,
            (true, b"" | b"message") => Kind::Event,
            (true, b"connected") => Kind::Connected,
            (true, b"reset") => Kind::Reset,
            (true, b"draining") => Kind::Draining,
            (true, b"refused") => Kind::Refused,
            (true, _) => Kind::Other,
        };
        let id = self.id.map_or(Cow::Borrowed(""), String::from_utf8_lossy);
        Some(Frame { kind, id, data: self.data.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "\u{feff}retry: 3000\nid: feed@a:1\nevent: connected\ndata: {}\n\n: idle\n\n\
        id: feed@a:2\ndata: {\"time\":1}\n\nid:feed@a:3\r\ndata: é\r\ndata\r\ndata:  z\r\n\r\n\
        id: feed@a:4\rdata: {\"time\":2}\r\revent: reset\nid: feed@b:0\ndata: gone\n\nretry: 1\n\nid: feed@b:1\ndata: cut";

    fn frames(size: usize) -> Vec<(Kind, String, String)> {
        let (mut decoder, mut frames) = (Decoder::default(), Vec::new());
        for piece in STREAM.as_bytes().chunks(size) {
            let take = |f: Frame| frames.push((f.kind, f.id.into(), String::from_utf8_lossy(&f.data).into()));
            decoder.push(piece, take).expect("short");
        }
        frames
    }

    #[test]
    fn a_stream_reads_the_same_however_it_is_split() {
        let whole = [
            (Kind::Connected, "feed@a:1", "{}"),
            (Kind::Heartbeat, "", ""),
            (Kind::Event, "feed@a:2", r#"{"time":1}"#),
            (Kind::Event, "feed@a:3", "é\n\n z"),
            (Kind::Event, "feed@a:4", r#"{"time":2}"#),
            (Kind::Reset, "feed@b:0", "gone"),
        ]
        .map(|(kind, id, data)| (kind, id.to_owned(), data.to_owned()));
        for size in 1..=STREAM.len() {
            assert_eq!(frames(size), whole, "in pieces of {size}");
        }
    }

    #[test]
    fn a_decoder_between_frames_holds_nothing() {
        let mut decoder = Decoder::default();
        let long = format!("data: {}\n\n", "x".repeat(100_000));
        for piece in long.as_bytes().chunks(999) {
            decoder.push(piece, |_| {}).expect("within bounds");
        }
        assert_eq!(decoder.held.len(), 0);
        assert!(decoder.held.capacity() <= KEPT_BYTES);
    }

    #[test]
    fn an_endless_frame_is_refused() {
        let mut decoder = Decoder::default();
        let piece = vec![b'x'; FRAME_BYTES / 2];
        assert_eq!(decoder.push(&piece, |_| {}), Ok(()));
        assert_eq!(decoder.push(&piece, |_| {}), Ok(()));
        assert_eq!(decoder.push(b"x", |_| {}), Err(TooLong));
    }
}
