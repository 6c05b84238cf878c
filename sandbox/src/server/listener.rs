//! A listener on loopback, which can be closed for a time.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

pub async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// Refuses connections for a time, and comes back on the same port; `closed` is called as soon as it refuses.
pub async fn closed_for(listener: TcpListener, time: Duration, closed: impl FnOnce()) -> TcpListener {
    let Ok(address) = listener.local_addr() else { return listener };
    drop(listener);
    let end = tokio::time::Instant::now() + time;
    let mut socket = held(address);
    closed();
    tokio::time::sleep_until(end).await;
    loop {
        match socket.and_then(open) {
            Ok(listener) => return listener,
            // Somebody else has the port for a moment: there is nothing to do but to wait for it.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        socket = held(address);
    }
}

/// A socket that holds the port and does not listen: whoever connects is refused.
fn held(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn open(socket: Socket) -> io::Result<TcpListener> {
    socket.listen(1_024)?;
    TcpListener::from_std(socket.into())
}
