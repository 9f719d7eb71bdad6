//! One client: a non-blocking socket, the decoders of what it receives, and its subscription, which outlives sockets.
//! It decides nothing: `run.rs` says when to connect, drop and resume.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    time::Instant,
};

use mio::{Interest, Registry, Token, event::Event, net::TcpStream};
use socket2::{Domain, Socket, Type};

use super::{
    frame::{Frame, Kind},
    http::{Head, Piece, Response},
    sse,
    subscription::{Subscription, Topic},
    target::{Resume, Target},
};

/// `EINPROGRESS` on Linux and on macOS: a non-blocking connect has begun. The standard library has no name for it.
const IN_PROGRESS: [i32; 2] = [115, 36];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No socket: not begun, or away.
    Closed,
    Connecting,
    /// The request is out, nothing is back.
    Asked,
    /// Frames have come.
    Open,
}

pub struct Connection {
    pub state: State,
    pub subscription: Subscription,
    /// It has been open before, so the next time is a resume.
    pub known: bool,
    /// When the present state began.
    pub since: Instant,
    socket: Option<TcpStream>,
    response: Response,
    frames: sse::Decoder,
}

impl Connection {
    pub fn new(topics: &[Topic], now: Instant) -> Self {
        Self {
            state: State::Closed,
            subscription: Subscription::new(topics),
            known: false,
            since: now,
            socket: None,
            response: Response::new(),
            frames: sse::Decoder::default(),
        }
    }

    /// Starts to connect, from `127.0.0.source` if there is one.
    pub fn begin(&mut self, to: SocketAddr, source: Option<u8>, token: usize, registry: &Registry) -> io::Result<()> {
        let mut socket = connect(to, source)?;
        registry.register(&mut socket, Token(token), Interest::WRITABLE)?;
        self.socket = Some(socket);
        self.response = Response::new();
        self.frames = sse::Decoder::default();
        self.enter(State::Connecting);
        Ok(())
    }

    /// Drops the socket, and what it had received but nobody had read.
    pub fn close(&mut self) {
        self.socket = None;
        self.enter(State::Closed);
    }

    /// Goes on as far as the socket allows, and hands every frame to `take`. The error says why the stream has ended.
    pub fn ready(
        &mut self,
        event: &Event,
        target: &Target,
        resume: Resume,
        registry: &Registry,
        buffer: &mut [u8],
        take: impl FnMut(&mut Subscription, &Frame),
    ) -> Result<(), String> {
        match self.state {
            State::Closed => Ok(()),
            State::Connecting => self.ask(event, target, resume, registry),
            State::Asked | State::Open => self.receive(event, buffer, take),
        }
    }

    fn ask(&mut self, event: &Event, target: &Target, resume: Resume, registry: &Registry) -> Result<(), String> {
        let Some(socket) = &mut self.socket else { return Ok(()) };
        if let Some(error) = socket.take_error().map_err(said)? {
            return Err(said(error));
        }
        // An event left over from the socket before this one says nothing about this one.
        if !event.is_writable() || socket.peer_addr().is_err() {
            return Ok(());
        }
        let request = target.request(self.subscription.positions(), resume);
        // A fresh socket's buffer holds far more than a request.
        socket.write_all(request.as_bytes()).map_err(said)?;
        let token = event.token();
        registry.reregister(socket, token, Interest::READABLE).map_err(said)?;
        self.enter(State::Asked);
        Ok(())
    }

    /// Reads until the socket is empty, as edge-triggered readiness asks. A read that does not fill the buffer has
    /// emptied it; if the other side has closed, that is seen only by reading on.
    fn receive(
        &mut self,
        event: &Event,
        buffer: &mut [u8],
        mut take: impl FnMut(&mut Subscription, &Frame),
    ) -> Result<(), String> {
        loop {
            let Some(socket) = &mut self.socket else { return Ok(()) };
            let length = match socket.read(buffer) {
                Ok(0) => return Err("the server closed the stream".into()),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(said(error)),
            };
            self.decode(&buffer[..length], &mut take)?;
            if length < buffer.len() && !event.is_read_closed() {
                return Ok(());
            }
        }
    }

    fn decode(&mut self, mut bytes: &[u8], take: &mut impl FnMut(&mut Subscription, &Frame)) -> Result<(), String> {
        let (mut opened, mut refused) = (false, None);
        while let Some(piece) = self.response.next(&mut bytes).map_err(|error| error.to_string())? {
            match piece {
                Piece::Head(head) => expect_events(&head)?,
                Piece::End => return Err(refused.unwrap_or_else(|| "the server ended the stream".into())),
                Piece::Body(body) => {
                    let each = |frame: Frame| match frame.kind {
                        Kind::Refused => refused = Some(refusal(&frame.data)),
                        _ => {
                            opened = true;
                            take(&mut self.subscription, &frame);
                        }
                    };
                    self.frames.push(body, each).map_err(|_| "a frame has no end")?;
                }
            }
        }
        if let Some(refused) = refused {
            return Err(refused);
        }
        if opened && self.state == State::Asked {
            self.enter(State::Open);
        }
        Ok(())
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.since = Instant::now();
    }
}

fn connect(to: SocketAddr, source: Option<u8>) -> io::Result<TcpStream> {
    let Some(source) = source else { return TcpStream::connect(to) };
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let from = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, source), 0));
    socket
        .bind(&from.into())
        .map_err(|error| io::Error::other(format!("no connection from {}: {error}", from.ip())))?;
    match socket.connect(&to.into()) {
        Err(error) if !error.raw_os_error().is_some_and(|code| IN_PROGRESS.contains(&code)) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

fn expect_events(head: &Head) -> Result<(), String> {
    if head.status != 200 {
        return Err(format!("the server answered {}", head.status));
    }
    if !head.content_type.starts_with("text/event-stream") {
        return Err(format!("the server answered with {}, not with text/event-stream", head.content_type));
    }
    Ok(())
}

/// Without the delay, which differs each time, so that equal refusals are counted together.
fn refusal(data: &[u8]) -> String {
    let refused: serde_json::Value = serde_json::from_slice(data).unwrap_or_default();
    let part = |name: &str| refused[name].as_str().unwrap_or("?").to_owned();
    format!("refused, {}: {}", part("code"), part("message"))
}

/// The system's words for an error, with what to do where that is known.
pub fn said(error: io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused: nobody listens there, or no longer".into(),
        ErrorKind::AddrNotAvailable => "no port is left on the source address: try --sources 2".into(),
        _ => error.to_string(),
    }
}

/// The last byte of the address that the n-th connection comes from; none if all come from wherever the system likes.
pub const fn source(index: usize, sources: u8) -> Option<u8> {
    if sources > 1 { Some((index % sources as usize) as u8 + 1) } else { None }
}
