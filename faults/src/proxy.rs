//! A proxy that breaks connections on purpose: between clients and a server it carries bytes both ways, in order, and
//! now and then does to one connection what networks do. It knows nothing of HTTP/2 or commands.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Bytes that are carried at once, each way of each connection.
const CHUNK_BYTES_MAX: usize = 16 * 1024;
/// Connections at a time; one more waits to be accepted.
const CONNECTIONS_MAX: usize = 256;
/// The wait after a connection that could not be accepted, for want of file handles say.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// What to do to the connection, and the way, that carries the next chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Both sides get a RST.
    Reset,
    /// Half of the chunk is carried, then both sides are closed.
    Cut(Way),
    /// So many chunks are each carried that much later.
    Delay { each: Duration, chunks: u32 },
    /// Nothing is carried this way for so long.
    Stall(Duration),
    /// This way is closed, the other is not.
    HalfOpen(Way),
    /// From here on nothing is carried either way, and nobody is told.
    BlackHole,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From client to server.
    Requests,
    /// From server to client.
    Responses,
}

/// A running proxy; it ends, and with it all that it carries, when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    control: Arc<Control>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Control {
    server: SocketAddr,
    /// A chunk of a request that holds this ends its connection.
    marker: Option<Vec<u8>>,
    marked: AtomicU64,
    /// The next fault, and who waits for it to strike.
    next: Mutex<Option<(Fault, oneshot::Sender<()>)>>,
}

/// How a connection is to be ended.
enum Broken {
    Closed,
    Reset,
}

impl From<io::Error> for Broken {
    fn from(_error: io::Error) -> Self {
        Self::Closed
    }
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr, marker: Option<&str>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("no port for the proxy")?;
        let address = listener.local_addr()?;
        let control = Arc::new(Control {
            server,
            marker: marker.map(|marker| marker.as_bytes().to_vec()),
            marked: AtomicU64::new(0),
            next: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&control)));
        Ok(Self {
            address,
            control,
            _tasks: tasks,
        })
    }

    pub(crate) fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts a fault in the way of whatever comes next, and waits until it has struck a connection.
    pub(crate) async fn strike(&self, fault: Fault) {
        let (struck, strikes) = oneshot::channel();
        *self.control.next() = Some((fault, struck));
        let _replaced = strikes.await;
    }

    /// How many connections the marker has ended.
    pub(crate) fn marked(&self) -> u64 {
        self.control.marked.load(Ordering::Relaxed)
    }
}

impl Control {
    fn next(&self) -> std::sync::MutexGuard<'_, Option<(Fault, oneshot::Sender<()>)>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault that this way of a connection is to suffer now.
    fn take(&self, way: Way) -> Option<Fault> {
        let (fault, struck) = self.next().take_if(|(fault, _struck)| match *fault {
            Fault::Cut(only) | Fault::HalfOpen(only) => only == way,
            _ => true,
        })?;
        let _nobody_waits = struck.send(());
        Some(fault)
    }
}

async fn accept(listener: TcpListener, control: Arc<Control>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        let Ok((client, _peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            continue;
        };
        let control = Arc::clone(&control);
        connections.spawn(async move {
            // A client whose server is away finds its connection closed.
            let _closed = carry(client, &control).await;
        });
    }
}

async fn carry(mut client: TcpStream, control: &Control) -> io::Result<()> {
    let mut server = TcpStream::connect(control.server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let deaf = AtomicBool::new(false);
    let broken = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::try_join!(
            pump(from_client, to_server, Way::Requests, control, &deaf),
            pump(from_server, to_client, Way::Responses, control, &deaf),
        )
    };
    if let Err(Broken::Reset) = broken {
        client.set_zero_linger()?;
        server.set_zero_linger()?;
    }
    Ok(())
}

/// Carries one way of one connection until it is closed or broken.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    way: Way,
    control: &Control,
    deaf: &AtomicBool,
) -> Result<(), Broken> {
    let mut buffer = vec![0; CHUNK_BYTES_MAX];
    let mut marker = Marker::new(way, control);
    let mut slow = (Duration::ZERO, 0);
    loop {
        let bytes = from.read(&mut buffer).await?;
        let chunk = &buffer[..bytes];
        if chunk.is_empty() && deaf.load(Ordering::Relaxed) {
            return Err(Broken::Closed);
        }
        if chunk.is_empty() {
            return Ok(to.shutdown().await?);
        }
        if marker.passes(chunk) {
            control.marked.fetch_add(1, Ordering::Relaxed);
            return Err(Broken::Closed);
        }
        match control.take(way) {
            None => {}
            Some(Fault::Reset) => return Err(Broken::Reset),
            Some(Fault::Cut(_)) => {
                to.write_all(&chunk[..bytes / 2]).await?;
                return Err(Broken::Closed);
            }
            Some(Fault::HalfOpen(_)) => return Ok(to.shutdown().await?),
            Some(Fault::Stall(silence)) => tokio::time::sleep(silence).await,
            Some(Fault::Delay { each, chunks }) => slow = (each, chunks),
            Some(Fault::BlackHole) => deaf.store(true, Ordering::Relaxed),
        }
        if let (each, 1..) = slow {
            tokio::time::sleep(each).await;
            slow.1 -= 1;
        }
        if !deaf.load(Ordering::Relaxed) {
            to.write_all(chunk).await?;
        }
    }
}

/// Looks for the marker in what passes, also where it lies across two chunks.
struct Marker<'a> {
    marker: Option<&'a [u8]>,
    /// The end of what has passed, too short to hold the marker.
    tail: Vec<u8>,
}

impl<'a> Marker<'a> {
    fn new(way: Way, control: &'a Control) -> Self {
        let marker = control.marker.as_deref();
        Self {
            marker: marker.filter(|_marker| way == Way::Requests),
            tail: Vec::new(),
        }
    }

    fn passes(&mut self, chunk: &[u8]) -> bool {
        let Some(marker) = self.marker else {
            return false;
        };
        self.tail.extend_from_slice(chunk);
        let found = self
            .tail
            .windows(marker.len())
            .any(|window| window == marker);
        let kept_from = self.tail.len().saturating_sub(marker.len() - 1);
        self.tail.drain(..kept_from);
        found
    }
}

#[cfg(test)]
mod tests;
