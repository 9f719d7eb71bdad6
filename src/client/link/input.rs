//! What a connection's life goes by, and what is to be done: plain values. The tab and the page tell the first, the tab does
//! the second.

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Somebody subscribed, or the last one left.
    Want(bool),
    /// The first event arrived.
    Opened {
        heartbeat_ms: u32,
    },
    /// Anything arrived.
    Heard,
    /// The connection ended or could not be made.
    Failed,
    /// The server asked to come back after this long.
    Drained {
        retry_ms: u32,
    },
    /// The server does not want us; come back after this long, or not at all.
    Refused {
        message: String,
        retry_ms: Option<u32>,
    },
    /// The clock moved on: at least once a second while the page runs.
    Tick,
    /// The browser believes that there is a network again.
    Online,
    Offline,
    /// The tab came to the front.
    Visible,
    /// Another tab or program covers it.
    Hidden,
    /// The page is put away (back-forward cache) or taken out again.
    Frozen(bool),
    /// The person cut the connection or mended it.
    Cut(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Close what is open, then open anew from the positions held now.
    Open,
    Close,
}
