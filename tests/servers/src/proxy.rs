//! A TCP proxy: a network that a test can cut and heal.

use std::{
    collections::HashMap,
    io,
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{ServerError, free_port};

/// How long to wait for the port to refuse after a cut.
const CUT_LIMIT: Duration = Duration::from_secs(2);

/// How long to wait for the port to be ours again after a cut.
const HEAL_LIMIT: Duration = Duration::from_secs(10);

/// A proxy in front of one address. It starts healthy and ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    target: String,
    connections: Arc<Connections>,
    acceptor: Mutex<Option<Acceptor>>,
}

#[derive(Debug)]
struct Acceptor {
    closing: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Both sides of every connection.
#[derive(Debug, Default)]
struct Connections {
    count: AtomicU64,
    open: Mutex<HashMap<u64, [TcpStream; 2]>>,
}

impl Proxy {
    /// Start a proxy in front of `target`, a host and a port.
    pub fn start(target: &str) -> Result<Self, ServerError> {
        let acceptor = Mutex::new(None);
        let proxy = Self { port: free_port(), target: target.to_owned(), connections: Arc::default(), acceptor };
        proxy.heal()?;
        Ok(proxy)
    }

    /// Where it listens: a host and a port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port it listens at.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Drop all connections and refuse new ones.
    pub fn cut(&self) {
        let Some(acceptor) = lock(&self.acceptor).take() else { return };
        acceptor.closing.store(true, Ordering::SeqCst);
        // Wakes the thread, which may be gone already.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = acceptor.thread.join();
        self.drop_connections();
        // A process that is being started by another thread may hold the port for a moment longer.
        let start = Instant::now();
        while start.elapsed() < CUT_LIMIT && TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Drop all connections; new ones are welcome.
    pub fn drop_connections(&self) {
        for (_, streams) in lock(&self.connections.open).drain() {
            close(&streams);
        }
    }

    /// Accept connections again after [`Proxy::cut`].
    pub fn heal(&self) -> Result<(), ServerError> {
        let mut slot = lock(&self.acceptor);
        if slot.is_some() {
            return Ok(());
        }
        let listener = self.listen()?;
        let closing = Arc::new(AtomicBool::new(false));
        let (target, connections, until) = (self.target.clone(), Arc::clone(&self.connections), Arc::clone(&closing));
        let thread = thread::spawn(move || accept(&listener, &target, &connections, &until));
        *slot = Some(Acceptor { closing, thread });
        Ok(())
    }

    fn listen(&self) -> Result<TcpListener, ServerError> {
        let start = Instant::now();
        loop {
            match TcpListener::bind(("127.0.0.1", self.port)) {
                Ok(listener) => return Ok(listener),
                Err(_) if start.elapsed() < HEAL_LIMIT => thread::sleep(Duration::from_millis(20)),
                Err(source) => return Err(ServerError::Start { program: format!("proxy {}", self.address()), source }),
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

fn accept(listener: &TcpListener, target: &str, connections: &Arc<Connections>, closing: &AtomicBool) {
    for client in listener.incoming() {
        if closing.load(Ordering::SeqCst) {
            return;
        }
        // Where the target refuses, the client sees its connection closed.
        if let Ok(client) = client
            && let Ok(server) = TcpStream::connect(target)
        {
            // A connection that is gone already needs no copying.
            let _ = connect(client, server, connections);
        }
    }
}

fn connect(client: TcpStream, server: TcpStream, connections: &Arc<Connections>) -> io::Result<()> {
    let id = connections.count.fetch_add(1, Ordering::Relaxed);
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    lock(&connections.open).insert(id, [client.try_clone()?, server.try_clone()?]);
    let (client_out, server_out) = (client.try_clone()?, server.try_clone()?);
    copy(id, client, server_out, Arc::clone(connections));
    copy(id, server, client_out, Arc::clone(connections));
    Ok(())
}

/// Copy one direction in a thread of its own; the connection ends when either side does.
fn copy(id: u64, mut from: TcpStream, mut to: TcpStream, connections: Arc<Connections>) {
    thread::spawn(move || {
        // An end and an error are the same here: both sides are closed.
        let _ = io::copy(&mut from, &mut to);
        close(&[from, to]);
        lock(&connections.open).remove(&id);
    });
}

fn close(streams: &[TcpStream; 2]) {
    for stream in streams {
        // It may be closed already.
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};

    use super::*;

    /// A server that sends back what it gets, on every connection.
    fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::spawn(move || io::copy(&mut stream.try_clone().unwrap(), &mut stream));
            }
        });
        address
    }

    fn ask(stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(b"hello")?;
        stream.read_exact(&mut [0; 5])
    }

    #[test]
    fn a_cut_closes_and_refuses_until_it_heals() {
        let proxy = Proxy::start(&echo()).unwrap();
        let mut stream = TcpStream::connect(proxy.address()).unwrap();
        ask(&mut stream).unwrap();
        for _ in 0..20 {
            proxy.cut();
            ask(&mut stream).unwrap_err();
            assert_eq!(TcpStream::connect(proxy.address()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
            proxy.heal().unwrap();
            stream = TcpStream::connect(proxy.address()).unwrap();
            ask(&mut stream).unwrap();
        }
    }
}
