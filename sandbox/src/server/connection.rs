//! One accepted TCP connection: how many are open, and how to break one on purpose.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// How a connection is broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// A TCP RST: the peer sees "connection reset".
    Reset = 1,
    /// An ordinary FIN: the peer sees the end of the stream.
    Finish = 2,
}

/// The connections of one side that are open now, and all connections and requests there ever were.
#[derive(Debug, Default)]
pub struct Counter {
    pub open: AtomicU64,
    pub accepted: AtomicU64,
    /// Requests, whatever became of them; those of the control surface are not among them.
    pub requests: AtomicU64,
    /// Requests that were more than the quota lets in.
    pub refused: AtomicU64,
}

/// What the handlers of a connection's requests can do to it.
#[derive(Debug)]
pub struct Connection {
    /// Unique within the process, from 1.
    pub id: u64,
    pub remote_port: u16,
    ending: AtomicU8,
    ending_when_flushed: AtomicU8,
    spared: AtomicBool,
    ended: Notify,
}

impl Connection {
    pub fn new(id: u64, remote_port: u16) -> Arc<Connection> {
        Arc::new(Connection {
            id,
            remote_port,
            ending: AtomicU8::new(0),
            ending_when_flushed: AtomicU8::new(0),
            spared: AtomicBool::new(false),
            ended: Notify::new(),
        })
    }

    /// Breaks the connection off at once.
    pub fn end(&self, how: Ending) {
        self.ending.store(how as u8, Ordering::Release);
        self.ended.notify_one();
    }

    /// Breaks the connection off as soon as everything written so far has gone to the kernel.
    pub fn end_when_flushed(&self, how: Ending) {
        self.ending_when_flushed.store(how as u8, Ordering::Release);
    }

    /// An outage that begins does not end this connection: it is the one on which the outage was asked for.
    pub fn spare(&self) {
        self.spared.store(true, Ordering::Release);
    }

    pub fn is_spared(&self) -> bool {
        self.spared.load(Ordering::Acquire)
    }

    /// Returns when one of the above has happened.
    pub async fn ended(&self) {
        self.ended.notified().await;
    }
}

/// The socket of a connection.
pub struct Socket {
    stream: TcpStream,
    connection: Arc<Connection>,
    counter: Arc<Counter>,
}

impl Socket {
    pub fn new(stream: TcpStream, connection: Arc<Connection>, counter: Arc<Counter>) -> Socket {
        counter.open.fetch_add(1, Ordering::Relaxed);
        Socket { stream, connection, counter }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.connection.ending.load(Ordering::Acquire) == Ending::Reset as u8 {
            // With a linger time of zero, close() sends RST instead of FIN. If it cannot be set the peer sees a FIN:
            // still a broken answer.
            let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        }
        self.counter.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if flushed.is_ready() {
            // The HTTP layer flushes once its own buffer is empty, so all that was to be sent has been handed over.
            match self.connection.ending_when_flushed.load(Ordering::Acquire) {
                1 => self.connection.end(Ending::Reset),
                2 => self.connection.end(Ending::Finish),
                _ => {}
            }
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
