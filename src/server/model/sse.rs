//! Reads server-sent events (the HTML standard, 9.2.6) from bytes that end where they please, and keeps their data: providers
//! say everything in it. Pure, and without an allocation for each event.

/// Of an event that has not ended, so many bytes are kept: somebody who sends more sends no events.
const EVENT_BYTES: usize = 4 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

#[derive(Debug, Default)]
pub struct Events {
    bytes: Vec<u8>,
    /// Where the first line begins that was not read yet, and how far it was searched for its end.
    line: usize,
    searched: usize,
    /// The last line ended in CR: a LF that follows belongs to it.
    after_cr: bool,
    begun: bool,
    /// Each line of data with its line break.
    data: String,
    /// This data was handed out.
    given: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

impl Events {
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.bytes.drain(..self.line);
        self.searched -= self.line;
        self.line = 0;
        if self.bytes.len() + bytes.len() + self.data.len() > EVENT_BYTES {
            return Err(TooLong);
        }
        self.bytes.extend_from_slice(bytes);
        // As long as they may still become the mark, no line of them has ended.
        if !self.begun && !BYTE_ORDER_MARK.starts_with(&self.bytes) {
            self.begun = true;
            if self.bytes.starts_with(BYTE_ORDER_MARK) {
                (self.line, self.searched) = (BYTE_ORDER_MARK.len(), BYTE_ORDER_MARK.len());
            }
        }
        Ok(())
    }

    /// The data of the next event, or nothing until more bytes have come. An event without data is none.
    pub fn next(&mut self) -> Option<&str> {
        if std::mem::take(&mut self.given) {
            self.data.clear();
        }
        loop {
            let found = self.bytes[self.searched..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let Some(length) = found else {
                self.searched = self.bytes.len();
                return None;
            };
            let end = self.searched + length;
            let line = &self.bytes[self.line..end];
            (self.line, self.searched) = (end + 1, end + 1);
            let belongs_to_cr = std::mem::take(&mut self.after_cr) && line.is_empty() && self.bytes[end] == b'\n';
            self.after_cr = self.bytes[end] == b'\r';
            match line {
                [] if belongs_to_cr || self.data.is_empty() => {}
                [] => {
                    self.data.pop();
                    self.given = true;
                    return Some(&self.data);
                }
                b"data" => self.data.push('\n'),
                [b'd', b'a', b't', b'a', b':', value @ ..] => {
                    let value = value.strip_prefix(b" ").unwrap_or(value);
                    self.data.push_str(&String::from_utf8_lossy(value));
                    self.data.push('\n');
                }
                // Names, ids, comments.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read where the bytes come in pieces of this length.
    fn read(text: &str, piece: usize) -> Vec<String> {
        let mut events = Events::default();
        let mut all = Vec::new();
        for bytes in text.as_bytes().chunks(piece) {
            events.push(bytes).unwrap();
            while let Some(data) = events.next() {
                all.push(data.to_owned());
            }
        }
        all
    }

    #[test]
    fn events_are_read_wherever_the_bytes_end() {
        let text = "\u{feff}event: a\r\ndata: Guten ☀️\r\n\r\n: comment\n\nid: 7\n\ndata:one\ndata\ndata:  two\n\ndatax: no\rdata: 世界\r\rdata: cut";
        for piece in 1..=text.len() {
            assert_eq!(read(text, piece), ["Guten ☀️", "one\n\n two", "世界"], "{piece}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_one_at_the_very_beginning_only() {
        for (text, found) in
            [("\u{feff}data: a\n\n", vec!["a"]), ("\n\u{feff}data: a\n\n", vec![]), ("\n\n\u{feff}\n", vec![])]
        {
            for piece in 1..=text.len() {
                assert_eq!(read(text, piece), found, "{text:?} {piece}");
            }
        }
    }

    #[test]
    fn an_event_that_does_not_end_is_given_up() {
        let mut events = Events::default();
        assert_eq!(events.push(&vec![b'x'; EVENT_BYTES + 1]), Err(TooLong));
        let line = [b"data: ".to_vec(), vec![b'x'; EVENT_BYTES / 2], b"\n".to_vec()].concat();
        assert_eq!(events.push(&line), Ok(()));
        assert_eq!(events.next(), None);
        assert_eq!(events.push(&line), Err(TooLong));
    }
}
