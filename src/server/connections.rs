//! Who is connected: counts, limits, and the way to a live stream by its id.
//! Sockets are counted by `transports/listener.rs`, streams here; an open stream holds a [`Permit`].

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::SystemTime,
};

use tokio_util::sync::CancellationToken;

use crate::{
    server::{
        config::network,
        transports::{sse::Stream, ws::Session},
    },
    wire::stream::{Refused, RefusedCode},
};

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub streams_per_address: u32,
    /// Sockets from one address, whatever goes over them.
    pub sockets_per_address: u32,
    /// Above this many sockets no stream is opened; pages still are.
    pub sockets_for_streams: u32,
    /// Above this many sockets a new one is answered with 503 and closed.
    pub sockets: u32,
}

#[derive(Debug)]
pub struct Connections {
    inner: Mutex<Inner>,
    pub limits: Limits,
    pub sockets: AtomicU32,
    /// Events and bytes handed to connections since the start.
    pub events_out: AtomicU64,
    pub bytes_out: AtomicU64,
    drained: CancellationToken,
}

#[derive(Debug, Default)]
struct Inner {
    open: HashMap<u64, Open>,
    serials: HashMap<String, u64>,
    per_address: HashMap<IpAddr, u32>,
    sockets_per_address: HashMap<IpAddr, u32>,
    last_serial: u64,
    draining: bool,
    /// Those that ended since.
    said_goodbye: HashSet<String>,
}

struct Open {
    address: IpAddr,
    since: SystemTime,
    id: String,
    live: Option<Live>,
}

/// A live connection, to be told of a shutdown.
#[derive(Clone)]
pub enum Live {
    Stream(Arc<Mutex<Stream>>),
    Socket(Arc<Mutex<Session>>),
}

impl Live {
    fn drain(&self) {
        match self {
            Self::Stream(stream) => stream.lock().unwrap_or_else(PoisonError::into_inner).drain(),
            Self::Socket(session) => session.lock().unwrap_or_else(PoisonError::into_inner).drain(),
        }
    }
}

/// A connection as the inspector shows it. The id is not in it: whoever knows it commands the stream.
#[derive(Debug)]
pub struct ConnectionView {
    pub serial: u64,
    pub address: IpAddr,
    pub since: SystemTime,
}

/// Keeps a stream's place; dropping it gives it back.
#[derive(Debug)]
pub struct Permit {
    connections: Arc<Connections>,
    pub serial: u64,
}

impl Connections {
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::default(),
            limits,
            sockets: AtomicU32::new(0),
            events_out: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            drained: CancellationToken::new(),
        })
    }

    /// A place for one more stream from this address, or why there is none.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Permit, RefusedCode> {
        if self.sockets.load(Ordering::Relaxed) > self.limits.sockets_for_streams {
            return Err(RefusedCode::Overloaded);
        }
        let mut inner = self.lock();
        if inner.draining {
            return Err(RefusedCode::Draining);
        }
        let count = inner.per_address.entry(network(address)).or_default();
        if *count >= self.limits.streams_per_address {
            return Err(RefusedCode::TooManyConnections);
        }
        *count += 1;
        inner.last_serial += 1;
        let serial = inner.last_serial;
        inner.open.insert(serial, Open { address, since: SystemTime::now(), id: String::new(), live: None });
        Ok(Permit { connections: self.clone(), serial })
    }

    /// Whether one more socket from this address is welcome; if so, it counts until [`Connections::leave_socket`].
    pub fn admit_socket(&self, address: IpAddr) -> bool {
        let mut inner = self.lock();
        let count = inner.sockets_per_address.entry(network(address)).or_default();
        let welcome = *count < self.limits.sockets_per_address;
        *count += u32::from(welcome);
        welcome
    }

    pub fn leave_socket(&self, address: IpAddr) {
        let mut inner = self.lock();
        let address = network(address);
        if let Some(count) = inner.sockets_per_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                inner.sockets_per_address.remove(&address);
            }
        }
    }

    /// The live stream of this id.
    pub fn find(&self, id: &str) -> Option<Arc<Mutex<Stream>>> {
        let inner = self.lock();
        let serial = inner.serials.get(id)?;
        match inner.open.get(serial)?.live.clone()? {
            Live::Stream(stream) => Some(stream),
            Live::Socket(_) => None,
        }
    }

    /// Whether a connection of this id was there when the shutdown began, and has ended.
    pub fn has_said_goodbye(&self, id: &str) -> bool {
        self.lock().said_goodbye.contains(id)
    }

    pub fn streams(&self) -> u32 {
        self.lock().open.len() as u32
    }

    /// The `most` connections with the highest `lag`, oldest first among equals, and how many there are in all.
    pub fn view(&self, most: usize, lag: impl Fn(u64) -> u64) -> (Vec<ConnectionView>, usize) {
        let inner = self.lock();
        let mut serials: Vec<_> = inner.open.keys().map(|serial| (std::cmp::Reverse(lag(*serial)), *serial)).collect();
        serials.sort_unstable();
        let views = serials.iter().take(most).filter_map(|(_, serial)| {
            let open = inner.open.get(serial)?;
            Some(ConnectionView { serial: *serial, address: open.address, since: open.since })
        });
        (views.collect(), inner.open.len())
    }

    /// Tells every stream to say goodbye, and opens no more.
    pub fn drain(&self) {
        self.drained.cancel();
        let live: Vec<_> = {
            let mut inner = self.lock();
            inner.draining = true;
            inner.open.values().filter_map(|open| open.live.clone()).collect()
        };
        live.iter().for_each(Live::drain);
    }

    /// Returns when the server is about to stop: for requests that wait.
    pub async fn drained(&self) {
        self.drained.cancelled().await;
    }

    pub fn is_draining(&self) -> bool {
        self.lock().draining
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Makes the connection findable by `id`, and known to a shutdown.
    pub fn attach(&self, id: String, live: Live) {
        let mut inner = self.connections.lock();
        if inner.draining {
            live.drain();
        }
        inner.serials.insert(id.clone(), self.serial);
        if let Some(open) = inner.open.get_mut(&self.serial) {
            open.id = id;
            open.live = Some(live);
        }
    }

    /// Counts what a write carried.
    pub fn wrote(&self, events: u64, bytes: u64) {
        self.connections.events_out.fetch_add(events, Ordering::Relaxed);
        self.connections.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inner = self.connections.lock();
        let Some(open) = inner.open.remove(&self.serial) else { return };
        inner.serials.remove(&open.id);
        if inner.draining {
            inner.said_goodbye.insert(open.id.clone());
        }
        let address = network(open.address);
        if let Some(count) = inner.per_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                inner.per_address.remove(&address);
            }
        }
        // The stream may be ours alone by now: its cursors leave their topics without this lock.
        drop(inner);
        drop(open);
    }
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What a refused client is told, in words.
pub fn refusal(code: RefusedCode, message: Option<String>, retry_ms: u32) -> Refused {
    let (words, again) = match code {
        RefusedCode::UnknownTopic => ("there is no such topic, or you may not read it", false),
        RefusedCode::BadPosition => ("the position cannot be read", false),
        RefusedCode::TooManyTopics => ("a stream carries at most 16 topics", false),
        RefusedCode::TooManyConnections => ("too many streams are open from your address; close one", true),
        RefusedCode::Overloaded => ("the server has as many connections as it can hold", true),
        RefusedCode::Draining => ("the server is about to restart", true),
        RefusedCode::SignedOut => ("you have signed out; load the page again", false),
    };
    let message = message.unwrap_or_else(|| words.to_owned());
    Refused { code, message, retry_ms: again.then_some(retry_ms) }
}
