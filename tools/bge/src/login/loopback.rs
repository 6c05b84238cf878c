//! An address on this machine where the platform's page leads back to.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    time::Duration,
};

use url::{Host, Url};

use crate::{
    failure::Failure,
    login::code::{self, Code},
};

const PATH: &str = "/callback";
/// No request line with its headers is longer.
const MOST: u64 = 16 << 10;
/// A connection that says nothing for so long is somebody else's.
const PATIENCE: Duration = Duration::from_secs(5);

pub struct Listener {
    socket: TcpListener,
    port: u16,
    path: String,
    state: String,
}

impl Listener {
    /// Waits at any free port, or at this one.
    pub fn on(port: u16, state: &str) -> Result<Self, Failure> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|cause| {
            Failure::io(
                &told!("port {port} of this machine cannot be used", "无法使用本机端口 {port}"),
                &cause,
            )
        })?;
        let port = socket.local_addr().map_err(|cause| Failure::io("127.0.0.1", &cause))?.port();
        Ok(Listener { socket, port, path: PATH.to_owned(), state: state.to_owned() })
    }

    /// Waits at the application's own address, where that is one of this machine; `None` where it is not, or where somebody
    /// else answers there.
    pub fn of(uri: &Url, state: &str) -> Result<Option<Self>, Failure> {
        let is_here = match uri.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            _ => false,
        };
        match uri.port() {
            Some(port) if is_here && uri.scheme() == "http" => {
                let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok();
                Ok(socket.map(|socket| Listener {
                    socket,
                    port,
                    path: uri.path().to_owned(),
                    state: state.to_owned(),
                }))
            }
            _ => Ok(None),
        }
    }

    pub fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.path)
    }

    /// The code that comes with a redirect. Other requests are told that there is nothing.
    pub fn wait(&self) -> Result<String, Failure> {
        loop {
            let (stream, _) =
                self.socket.accept().map_err(|cause| Failure::io(&self.redirect_uri(), &cause))?;
            match self.hear(stream) {
                Ok(Code::Is(code)) => return Ok(code),
                Ok(Code::Refused(why)) => return Err(Failure::other(why)),
                // Whoever that was.
                Ok(Code::None) | Err(_) => {}
            }
        }
    }

    fn hear(&self, mut stream: TcpStream) -> io::Result<Code> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new((&stream).take(MOST));
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let mut line = String::new();
        while reader.read_line(&mut line)? > 0 && !line.trim().is_empty() {
            line.clear();
        }
        let target = first.strip_prefix("GET ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let code = if path == self.path { code::of_query(query, &self.state, true) } else { Code::None };
        let (status, told) = match &code {
            Code::Is(_) => {
                ("200 OK", told!("Signed in. This page can be closed.", "已登录，可以关闭此页面。"))
            }
            Code::Refused(_) => {
                ("400 Bad Request", told!("Not signed in: see the terminal.", "未登录：详见终端。"))
            }
            Code::None => ("404 Not Found", told!("There is nothing here.", "此处没有内容。")),
        };
        let page = format!("<!doctype html><meta charset=\"utf-8\"><title>bge</title><p>{told}</p>\n");
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{page}",
            page.len()
        )?;
        stream.flush()?;
        Ok(code)
    }
}
