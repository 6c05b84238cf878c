//! A server written by hand, for what no well-behaved one does.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub head: String,
    pub body: Vec<u8>,
    pub at: Instant,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &&str| line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name));
        self.head
            .lines()
            .skip(1)
            .find(line)
            .and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim())
    }
}

/// Listens on the loopback until the test ends.
pub struct Server {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Server {
    /// Hands each request to `answer`, which writes what it likes; the connection ends when it says `false`.
    pub fn start(answer: impl Fn(&Seen, &mut TcpStream) -> bool + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a port"), answer)
    }

    pub fn on(
        listener: TcpListener,
        answer: impl Fn(&Seen, &mut TcpStream) -> bool + Send + Sync + 'static,
    ) -> Self {
        let port = listener.local_addr().expect("an address").port();
        let (seen, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let server = Server { port, seen: seen.clone(), open: open.clone(), most: most.clone() };
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (answer, seen) = (answer.clone(), seen.clone());
                let (open, most) = (open.clone(), most.clone());
                std::thread::spawn(move || {
                    most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    while let Some(request) = read(&mut stream) {
                        seen.lock().expect("not poisoned").push(request.clone());
                        if !answer(&request, &mut stream) {
                            break;
                        }
                    }
                    drop(stream);
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn seen(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().expect("not poisoned")
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// The most connections that were open at once.
    pub fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let mut piece = [0; 65_536];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => bytes.extend_from_slice(&piece[..read]),
            _ => return None,
        }
    };
    let mut body = bytes.split_off(end);
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut words = head.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut seen = Seen { method, target, head, body: Vec::new(), at: Instant::now() };
    let length: usize = seen.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let is_chunked = seen.header("transfer-encoding").is_some();
    while body.len() < length || (is_chunked && !body.ends_with(b"0\r\n\r\n")) {
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => body.extend_from_slice(&piece[..read]),
            _ => return None,
        }
    }
    seen.body = body;
    Some(seen)
}

/// Writes a whole answer; tells whether the connection still stands.
pub fn answer(stream: &mut TcpStream, status: u16, headers: &str, body: &[u8]) -> bool {
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).is_ok()
}

/// An envelope that succeeds.
pub fn good(stream: &mut TcpStream) -> bool {
    answer(stream, 200, "", br#"{"code":0,"data":{"good":true}}"#)
}

/// Says nothing until the other side goes.
pub fn silence(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    let _ = stream.read(&mut byte);
    false
}

/// A body that comes in pieces with a pause before each.
pub fn drip(stream: &mut TcpStream, body: &[u8], piece: usize, pause: Duration) -> bool {
    let head =
        format!("HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).is_ok()
        && body.chunks(piece).all(|piece| {
            std::thread::sleep(pause);
            stream.write_all(piece).is_ok()
        })
}
