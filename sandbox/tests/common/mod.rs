//! A sandbox of one's own for each test, and the few requests that the tests make of it.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

pub const BINARY: &str = env!("CARGO_BIN_EXE_bge-sandbox");

/// No test waits longer than this for an answer.
pub const LIMIT: Duration = Duration::from_secs(30);

pub struct Sandbox {
    child: Child,
    pub ready: Value,
    agent: ureq::Agent,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn code(&self) -> i64 {
        self.json()["code"].as_i64().expect("an envelope")
    }

    /// The data of a good answer.
    pub fn data(&self) -> Value {
        let envelope = self.json();
        assert_eq!(envelope["code"], 0, "{}", self.text);
        envelope["data"].clone()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub type Fields<'a> = &'a [(&'a str, &'a str)];

impl Sandbox {
    pub fn start(arguments: &[&str]) -> Sandbox {
        let mut child = Command::new(BINARY)
            .args(arguments)
            .arg("--stdin-lifetime")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(LIMIT))
            .build()
            .new_agent();
        Sandbox { child, ready, agent }
    }

    pub fn text(&self, name: &str) -> String {
        self.ready[name].as_str().unwrap_or_else(|| panic!("no {name} in the ready line")).to_owned()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.text("endpoint"))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `GET` with the printed access token.
    pub fn get(&self, path: &str, query: Fields) -> Answer {
        self.get_as(&self.text("access_token"), path, query)
    }

    pub fn get_as(&self, token: &str, path: &str, query: Fields) -> Answer {
        self.try_get_as(token, path, query).unwrap()
    }

    pub fn try_get(&self, path: &str, query: Fields) -> Result<Answer, ureq::Error> {
        self.try_get_as(&self.text("access_token"), path, query)
    }

    fn try_get_as(&self, token: &str, path: &str, query: Fields) -> Result<Answer, ureq::Error> {
        let mut request = self.agent.get(self.url(path));
        for (name, value) in query {
            request = request.query(name, value);
        }
        answer(request.header("authorization", format!("Bearer {token}")).call()?)
    }

    /// `POST` of a form with the printed access token.
    pub fn post(&self, path: &str, form: Fields) -> Answer {
        self.post_as(&self.text("access_token"), path, form)
    }

    pub fn post_as(&self, token: &str, path: &str, form: Fields) -> Answer {
        self.try_post_as(token, path, form).unwrap()
    }

    pub fn try_post_as(&self, token: &str, path: &str, form: Fields) -> Result<Answer, ureq::Error> {
        let request = self.agent.post(self.url(path)).header("authorization", format!("Bearer {token}"));
        answer(request.send_form(form.iter().copied())?)
    }

    /// `GET` of any address, without a token.
    pub fn get_url(&self, url: &str) -> Answer {
        answer(self.agent.get(url).call().unwrap()).unwrap()
    }

    /// `POST` of any body with the printed access token.
    pub fn post_body(&self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        let request = self.agent.post(self.url(path)).header("content-type", content_type);
        let token = format!("Bearer {}", self.text("access_token"));
        answer(request.header("authorization", token).send(body).unwrap()).unwrap()
    }

    /// `POST` of a multipart form: fields, then one file.
    pub fn post_file(
        &self,
        path: &str,
        fields: Fields,
        name: &str,
        filename: &str,
        content: &[u8],
    ) -> Answer {
        let mut body = Vec::new();
        for (field, value) in fields {
            write!(body, "--XyZ\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n")
                .unwrap();
        }
        write!(
            body,
            "--XyZ\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n\
             Content-Type: application/zip\r\n\r\n"
        )
        .unwrap();
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n--XyZ--\r\n");
        self.post_body(path, "multipart/form-data; boundary=XyZ", &body)
    }

    /// A call of the sandbox's own surface that must work.
    pub fn control(&self, method: &str, name: &str, body: Value) -> Value {
        let answer = self.try_control(method, name, body);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    pub fn try_control(&self, method: &str, name: &str, body: Value) -> Answer {
        let url = self.url(&format!("/__sandbox__/{name}"));
        let response = match method {
            "GET" => self.agent.get(url).call(),
            "DELETE" => self.agent.delete(url).call(),
            _ => self.agent.post(url).send(body.to_string()),
        };
        answer(response.unwrap()).unwrap()
    }

    pub fn fault(&self, fault: Value) {
        self.control("POST", "faults", fault);
    }

    pub fn options(&self, options: Value) {
        self.control("POST", "options", options);
    }

    /// The requests received, as the log has them.
    pub fn log(&self, query: &str) -> Vec<Value> {
        let log = self.control("GET", &format!("log{query}"), Value::Null);
        log["requests"].as_array().unwrap().clone()
    }

    pub fn state(&self) -> Value {
        self.control("GET", "state", Value::Null)
    }

    /// A token of the given client.
    pub fn token(&self, client: &str, fields: Fields) -> Answer {
        let [id, secret] =
            ["client_id", "client_secret"].map(|name| self.ready[client][name].as_str().unwrap());
        let mut form = vec![("client_id", id), ("client_secret", secret)];
        form.extend_from_slice(fields);
        self.post_as("", "/oauth2/access_token", &form)
    }

    /// A client-credentials access token.
    pub fn credentials_token(&self) -> String {
        let data = self.token("credentials", &[("grant_type", "client_credentials")]).data();
        data["access_token"].as_str().unwrap().to_owned()
    }

    /// An authorization code, by the page that a user would see.
    pub fn authorize(&self, more: &str) -> Answer {
        let encode = |text: &str| text.replace(':', "%3A").replace('/', "%2F");
        self.get_url(&self.url(&format!(
            "/oauth2/authorize?client_id={}&response_type=code&redirect_uri={}{more}",
            self.ready["authorization"]["client_id"].as_str().unwrap(),
            encode(&self.text("redirect_uri")),
        )))
    }

    /// What a raw request gets back until the connection ends, and how it ended.
    pub fn raw(&self, request: &str) -> (String, std::io::Result<()>) {
        let address = self.text("endpoint");
        let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        read_to_end(&mut stream)
    }

    pub fn raw_get(&self, path: &str) -> (String, std::io::Result<()>) {
        let token = self.text("access_token");
        self.raw(&format!(
            "GET {path} HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        ))
    }
}

/// All bytes up to the end of the stream or an error, as text.
pub fn read_to_end(stream: &mut TcpStream) -> (String, std::io::Result<()>) {
    let (mut received, mut buffer) = (Vec::new(), [0; 65_536]);
    let end = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(count) => received.extend_from_slice(&buffer[..count]),
            Err(error) => break Err(error),
        }
    };
    (String::from_utf8_lossy(&received).into_owned(), end)
}

/// The value of a parameter in the query of an address.
pub fn parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let text = response.body_mut().with_config().limit(1 << 30).read_to_string()?;
    Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), text })
}

pub fn zip() -> Vec<u8> {
    // The end record of an archive without members: the smallest zip file there is.
    let mut bytes = b"PK\x05\x06".to_vec();
    bytes.resize(22, 0);
    bytes
}

pub fn no_fields() -> Value {
    json!({})
}
