//! An HTTP/1.1 response, decoded incrementally: head, then body (chunked, of known length, or until the end).
//! Pure: bytes in, pieces out; it keeps no body bytes, and of a head only what has not arrived whole.

use std::fmt;

/// A head longer than this is no answer of ours.
const HEAD_BYTES: usize = 16 * 1024;

/// Lines that carry chunk sizes are a few digits; extensions are ignored, within reason.
const CHUNK_DIGITS: u8 = 15;

/// The decoder of one connection's response.
pub struct Response {
    part: Part,
}

enum Part {
    /// What has arrived of the head.
    Head(Vec<u8>),
    Chunk(Chunk),
    Length(u64),
    UntilClose,
    Ended,
}

/// Where in the chunked coding (RFC 9112, 7.1) the next byte stands.
enum Chunk {
    Size {
        value: u64,
        digits: u8,
    },
    Extension {
        value: u64,
    },
    Data {
        left: u64,
    },
    /// The line break after a chunk's data.
    DataEnd,
    /// Trailer fields; `line` counts the bytes of the present one.
    Trailer {
        line: u32,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    pub content_type: String,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Head(Head),
    Body(&'a [u8]),
    /// The body is complete.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    Head,
    ChunkSize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head => "the answer is not HTTP/1.1",
            Self::ChunkSize => "the chunked coding of the answer is broken",
        })
    }
}

impl Response {
    pub const fn new() -> Self {
        Self { part: Part::Head(Vec::new()) }
    }

    /// The next piece of `input`, which is advanced past it; `None` when more bytes are needed.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Malformed> {
        loop {
            match &mut self.part {
                Part::Head(held) => {
                    let Some(text) = take_head(held, input)? else { return Ok(None) };
                    let (head, part) = parse_head(&text).ok_or(Malformed::Head)?;
                    self.part = part;
                    return Ok(Some(Piece::Head(head)));
                }
                Part::Ended => return Ok(None),
                Part::Length(0) => {
                    self.part = Part::Ended;
                    return Ok(Some(Piece::End));
                }
                _ if input.is_empty() => return Ok(None),
                Part::UntilClose => return Ok(Some(Piece::Body(std::mem::take(input)))),
                Part::Length(left) => return Ok(Some(Piece::Body(take(input, left)))),
                Part::Chunk(Chunk::Data { left }) if *left > 0 => return Ok(Some(Piece::Body(take(input, left)))),
                Part::Chunk(chunk) => {
                    let Some((&byte, rest)) = input.split_first() else { return Ok(None) };
                    match chunk.step(byte)? {
                        Step::Next(next) => {
                            *chunk = next;
                            *input = rest;
                        }
                        Step::Again(next) => *chunk = next,
                        Step::End => {
                            *input = rest;
                            self.part = Part::Ended;
                            return Ok(Some(Piece::End));
                        }
                    }
                }
            }
        }
    }
}

enum Step {
    /// The byte is consumed.
    Next(Chunk),
    /// The same byte is to be looked at in the new state.
    Again(Chunk),
    End,
}

impl Chunk {
    fn step(&self, byte: u8) -> Result<Step, Malformed> {
        Ok(match (self, byte) {
            (&Self::Size { value, digits }, _) => match (byte as char).to_digit(16) {
                Some(_) if digits >= CHUNK_DIGITS => return Err(Malformed::ChunkSize),
                Some(digit) => Step::Next(Self::Size { value: value << 4 | u64::from(digit), digits: digits + 1 }),
                None if digits == 0 => return Err(Malformed::ChunkSize),
                None => Step::Again(Self::Extension { value }),
            },
            (Self::Extension { value: 0 }, b'\n') => Step::Next(Self::Trailer { line: 0 }),
            (&Self::Extension { value }, b'\n') => Step::Next(Self::Data { left: value }),
            (&Self::Extension { value }, _) => Step::Next(Self::Extension { value }),
            (Self::Data { .. }, _) => Step::Again(Self::DataEnd),
            (Self::DataEnd, b'\r') => Step::Next(Self::DataEnd),
            (Self::DataEnd, b'\n') => Step::Next(Self::Size { value: 0, digits: 0 }),
            (Self::DataEnd, _) => return Err(Malformed::ChunkSize),
            (Self::Trailer { line: 0 }, b'\n') => Step::End,
            (Self::Trailer { .. }, b'\n') => Step::Next(Self::Trailer { line: 0 }),
            (&Self::Trailer { line }, b'\r') => Step::Next(Self::Trailer { line }),
            (&Self::Trailer { line }, _) => Step::Next(Self::Trailer { line: line + 1 }),
        })
    }
}

fn take<'a>(input: &mut &'a [u8], left: &mut u64) -> &'a [u8] {
    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    let (piece, rest) = input.split_at(length);
    *input = rest;
    *left -= length as u64;
    piece
}

/// The head with its empty line, once it is whole.
fn take_head(held: &mut Vec<u8>, input: &mut &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    while let Some((&byte, rest)) = input.split_first() {
        held.push(byte);
        *input = rest;
        if held.ends_with(b"\r\n\r\n") {
            return Ok(Some(std::mem::take(held)));
        }
    }
    if held.len() > HEAD_BYTES { Err(Malformed::Head) } else { Ok(None) }
}

fn parse_head(text: &[u8]) -> Option<(Head, Part)> {
    let text = std::str::from_utf8(text).ok()?;
    let mut lines = text.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let mut head = Head { status, content_type: String::new() };
    let mut part = Part::UntilClose;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-type" => head.content_type = value.to_ascii_lowercase(),
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => {
                part = Part::Chunk(Chunk::Size { value: 0, digits: 0 });
            }
            "content-length" if !matches!(part, Part::Chunk(_)) => part = Part::Length(value.parse().ok()?),
            _ => {}
        }
    }
    Some((head, if status == 204 { Part::Ended } else { part }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream\r\nTransfer-Encoding: chunked\r\n\r\n";

    /// Everything that comes out when `bytes` arrive in pieces of `size`.
    fn decode(bytes: &[u8], size: usize) -> Result<(Option<Head>, Vec<u8>, bool), Malformed> {
        let (mut response, mut head, mut body, mut ended) = (Response::new(), None, Vec::new(), false);
        for mut piece in bytes.chunks(size) {
            while let Some(part) = response.next(&mut piece)? {
                match part {
                    Piece::Head(it) => head = Some(it),
                    Piece::Body(bytes) => body.extend_from_slice(bytes),
                    Piece::End => ended = true,
                }
            }
        }
        Ok((head, body, ended))
    }

    #[test]
    fn a_chunked_body_is_the_same_however_it_is_split() {
        let text = format!("{HEAD}5\r\nhello\r\n00d; a=b\r\n world,\r\n you\r\n0\r\nx: y\r\n\r\n");
        for size in 1..=text.len() {
            let (head, body, ended) = decode(text.as_bytes(), size).expect("well-formed");
            assert_eq!(head, Some(Head { status: 200, content_type: "text/event-stream".into() }));
            assert_eq!(String::from_utf8_lossy(&body), "hello world,\r\n you", "in pieces of {size}");
            assert!(ended);
        }
    }

    #[test]
    fn a_body_of_known_length_ends_there_and_one_without_lasts() {
        let (_, body, ended) = decode(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", 3).expect("well-formed");
        assert_eq!((body.as_slice(), ended), (&b"busy"[..], true));
        let (_, body, ended) = decode(b"HTTP/1.1 200 OK\r\n\r\nand on", 2).expect("well-formed");
        assert_eq!((body.as_slice(), ended), (&b"and on"[..], false));
    }

    #[test]
    fn what_is_not_http_or_not_chunked_is_an_error() {
        assert_eq!(decode(b"SSH-2.0-x\r\n\r\n", 64).err(), Some(Malformed::Head));
        assert_eq!(decode(&[b'x'; 20_000], 1_000).err(), Some(Malformed::Head));
        for broken in ["\r\n", "zz\r\n", "1\r\nab\r\n", "fffffffffffffffff\r\n"] {
            assert_eq!(decode(format!("{HEAD}{broken}").as_bytes(), 7).err(), Some(Malformed::ChunkSize), "{broken:?}");
        }
    }
}
