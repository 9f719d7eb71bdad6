//! A reader of event streams by the rules of WHATWG HTML, 9.2.6, and stricter: what those rules would pass over in
//! silence (an unknown field, a line without a colon, an event without data) is something that we never mean to send.

/// A dispatched event.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The id line of this very event.
    pub id: Option<String>,
    pub event: String,
    pub data: String,
    pub retry: Option<u32>,
    pub comment: bool,
    /// How many bytes it took.
    pub length: usize,
}

#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    /// What has been read of the event that comes next.
    next: Option<Frame>,
    /// As the rules have it: empty at the beginning of each connection, then the newest id line.
    last_event_id_buffer: String,
    /// What the browser would send when it comes back. Survives the connection.
    pub last_event_id: String,
}

impl Parser {
    /// For a new connection: what was not dispatched is discarded.
    pub fn reconnected(self) -> Self {
        Self { last_event_id: self.last_event_id, ..Self::default() }
    }

    pub fn feed(&mut self, byte: u8) -> Option<Frame> {
        assert!(byte != b'\r' && byte != 0, "a raw carriage return or NUL");
        let next = self.next.get_or_insert_with(Frame::empty);
        next.length += 1;
        if byte != b'\n' {
            self.line.push(byte);
            return None;
        }
        let line = String::from_utf8(std::mem::take(&mut self.line)).expect("a stream is UTF-8");
        if line.is_empty() {
            return self.dispatch();
        }
        self.field(&line);
        None
    }

    /// All of a text that ends with a whole frame.
    pub fn whole(bytes: &[u8]) -> Vec<Frame> {
        let mut parser = Self::default();
        let frames = bytes.iter().filter_map(|byte| parser.feed(*byte)).collect();
        assert!(parser.next.is_none(), "the last frame is not complete: {:?}", parser.next);
        frames
    }

    fn field(&mut self, line: &str) {
        let next = self.next.as_mut().expect("a line has bytes");
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no colon in {line:?}"));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "" => next.comment = true,
            "event" => next.event = value.to_owned(),
            "data" => next.data += &format!("{value}\n"),
            "retry" => next.retry = Some(value.parse().expect("retry has digits only")),
            "id" => {
                self.last_event_id_buffer = value.to_owned();
                assert_eq!(next.id.replace(value.to_owned()), None, "one id is enough");
            }
            _ => panic!("an unknown field: {line:?}"),
        }
    }

    fn dispatch(&mut self) -> Option<Frame> {
        let mut frame = self.next.take()?;
        self.last_event_id = self.last_event_id_buffer.clone();
        assert_eq!(frame.data.pop(), Some('\n'), "an event without data would not be dispatched: {frame:?}");
        if frame.event.is_empty() {
            frame.event = "message".to_owned();
        }
        Some(frame)
    }
}

impl Frame {
    fn empty() -> Self {
        Self { id: None, event: String::new(), data: String::new(), retry: None, comment: false, length: 0 }
    }
}
