//! Accepts sockets: counts them, keeps away from the open-file limit, and switches Nagle's algorithm off.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::{Instant, Sleep},
};

use crate::server::connections::Connections;

pub struct CountingListener {
    pub listener: TcpListener,
    pub connections: Arc<Connections>,
    /// A silent stream sends something this often.
    pub heartbeat: Duration,
}

/// The other end of the TCP connection a request came over.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, CountingListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, CountingListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// A socket over which nothing goes either way for so long is closed, beyond the heartbeats of streams: a client that
/// vanished, one that waits before it says what it wants, or one that means no good.
const IDLE: Duration = Duration::from_secs(75);

/// A socket that is counted while it is open, and closed when nothing goes over it.
pub struct Counted {
    socket: TcpStream,
    address: IpAddr,
    connections: Arc<Connections>,
    idle: Duration,
    /// When something last went over it.
    used: Instant,
    /// Fires at the earliest when it has been idle for long enough; moved only then.
    deadline: Pin<Box<Sleep>>,
}

/// What a client gets when not even a page can be served. Short enough to fit a fresh socket's buffer.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 55\r\n\r\nThe server has as many connections as it can hold now.\n";

impl CountingListener {
    fn idle(&self) -> Duration {
        IDLE.max(self.heartbeat * 3)
    }
}

impl Listener for CountingListener {
    type Io = Counted;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Counted, SocketAddr) {
        loop {
            let (socket, address) = Listener::accept(&mut self.listener).await;
            let open = self.connections.sockets.load(Ordering::Relaxed);
            let full = open >= self.connections.limits.sockets;
            if full || !self.connections.admit_socket(address.ip()) {
                // Best effort: a socket that cannot take these bytes at once is closed without them.
                let _ = socket.try_write(FULL);
                continue;
            }
            // A page is written in several small writes; with Nagle each waits for the last one's acknowledgement.
            let _ = socket.set_nodelay(true);
            self.connections.sockets.fetch_add(1, Ordering::Relaxed);
            let deadline = Box::pin(tokio::time::sleep(self.idle()));
            let (connections, idle, used) = (self.connections.clone(), self.idle(), Instant::now());
            return (Counted { socket, address: address.ip(), connections, idle, used, deadline }, address);
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.connections.sockets.fetch_sub(1, Ordering::Relaxed);
        self.connections.leave_socket(self.address);
    }
}

impl Counted {
    /// Ready when it has been idle for long enough. hyper always has a read pending, so it is asked.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.deadline.as_mut().poll(cx).is_ready() {
            let until = self.used + self.idle;
            if until <= Instant::now() {
                return Poll::Ready(());
            }
            self.deadline.as_mut().reset(until);
        }
        Poll::Pending
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.socket).poll_read(cx, buf);
        if read.is_ready() {
            self.used = Instant::now();
            return read;
        }
        match self.poll_idle(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.used = Instant::now();
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.used = Instant::now();
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
