//! A small platform on loopback that issues tokens: whose a request was, and how often a token was asked for, is known.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// How the token endpoint answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// A new access token, and for persons a new refresh token; the old one is spent.
    Rotate,
    /// A new access token and no word of the refresh token, which stays good.
    Keep,
    /// Code 400.
    Refuse,
    /// No answer.
    Silent,
}

struct State {
    manner: Manner,
    delay: Duration,
    is_held: bool,
    lifetime: u64,
    issued: usize,
    /// Access tokens that are good, and whose they are.
    access: HashMap<String, String>,
    refresh: HashMap<String, String>,
    exchanges: Vec<HashMap<String, String>>,
    calls: usize,
}

/// The application itself, as `get_user` names it.
pub const APPLICATION: &str = "the application";

pub struct Issuer {
    state: Arc<Mutex<State>>,
    port: u16,
}

impl Issuer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State {
            manner: Manner::Rotate,
            delay: Duration::ZERO,
            is_held: false,
            lifetime: 21_600,
            issued: 0,
            access: HashMap::new(),
            refresh: HashMap::new(),
            exchanges: Vec::new(),
            calls: 0,
        }));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                thread::spawn(move || serve(stream, &state));
            }
        });
        Issuer { state, port }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn manner(&self, manner: Manner) {
        self.state().manner = manner;
    }

    pub fn delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// From now on exchanges are taken, but not answered before `release`.
    pub fn hold(&self) {
        self.state().is_held = true;
    }

    pub fn release(&self) {
        self.state().is_held = false;
    }

    /// Waits until so many exchanges have come in all.
    pub fn wait_for_exchanges(&self, count: usize) {
        for _ in 0..6_000 {
            if self.exchanges().len() >= count {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("{} exchanges came within a minute, not {count}", self.exchanges().len());
    }

    /// What a person gets who signs in, as the exchange of a code gives it.
    pub fn sign_in(&self, person: &str) -> Value {
        let mut state = self.state();
        let mut token = state.issue(person, true);
        token["obtained_at"] = now().into();
        token
    }

    /// No access token is good any more.
    pub fn expire(&self) {
        self.state().access.clear();
    }

    /// The forms that the token endpoint received.
    pub fn exchanges(&self) -> Vec<HashMap<String, String>> {
        self.state().exchanges.clone()
    }

    pub fn grants(&self) -> Vec<String> {
        self.exchanges().iter().map(|form| form["grant_type"].clone()).collect()
    }

    pub fn calls(&self) -> usize {
        self.state().calls
    }
}

pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after the epoch").as_secs()
}

impl State {
    fn issue(&mut self, person: &str, with_refresh: bool) -> Value {
        self.issued += 1;
        let (access, refresh) = (format!("access-{}", self.issued), format!("refresh-{}", self.issued));
        let mut token = json!({"access_token": access, "token_type": "Bearer", "scope": "all",
                               "expires_in": self.lifetime});
        self.access.insert(access, person.to_owned());
        if with_refresh {
            token["refresh_token"] = refresh.clone().into();
            self.refresh.insert(refresh, person.to_owned());
        }
        token
    }

    fn exchange(&mut self, form: &HashMap<String, String>) -> Value {
        let refused = json!({"code": 400, "msg": "错误的请求", "data": null});
        let data = match (self.manner, form["grant_type"].as_str()) {
            (Manner::Refuse | Manner::Silent, _) => return refused,
            (_, "client_credentials") => self.issue(APPLICATION, false),
            (manner, "refresh_token") => {
                let Some(person) = self.refresh.get(&form["refresh_token"]).cloned() else { return refused };
                if manner == Manner::Rotate {
                    self.refresh.remove(&form["refresh_token"]);
                }
                self.issue(&person, manner == Manner::Rotate)
            }
            // A code is the person's name; "-" in front of it asks for a token without a refresh token.
            _ => match form["code"].strip_prefix('-') {
                Some(person) => self.issue(person, false),
                None => self.issue(&form["code"], true),
            },
        };
        json!({"code": 0, "msg": "", "data": data})
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_owned());
        }
        let header = |name: &str| {
            head.iter().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let length = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let answer = if head[0].contains("/oauth2/access_token") {
            let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
            let (manner, delay, answer) = {
                let mut state = state.lock().expect("no panic");
                state.exchanges.push(form.clone());
                (state.manner, state.delay, state.exchange(&form))
            };
            if manner == Manner::Silent {
                thread::sleep(Duration::from_secs(120));
                return;
            }
            thread::sleep(delay);
            for _ in 0..6_000 {
                if !state.lock().expect("no panic").is_held {
                    break;
                }
                thread::sleep(Duration::from_millis(10));
            }
            answer
        } else {
            let mut state = state.lock().expect("no panic");
            state.calls += 1;
            let bearer = header("authorization").unwrap_or_default();
            match state.access.get(bearer.trim_start_matches("Bearer ")) {
                Some(person) => json!({"code": 0, "msg": "", "data": {"name": person}}),
                None => json!({"code": 403, "msg": "access_token 已失效或错误", "data": null}),
            }
        };
        let text = answer.to_string();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        );
        if (&stream).write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
