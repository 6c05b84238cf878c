//! Silences at any moment, redirects to any name and doors that close at any time: what is allowed is no failure.

use std::{
    io::Write,
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    Folder,
    c::{Api, Failure},
    count,
    server::{Seen, Server, answer, good},
};

const SECOND: Duration = Duration::from_secs(1);

/// The same call by each of the three senders: blocking, in the background, and on a thread that waits for it.
fn by(way: usize, api: &Api, name: &str, args: Value) -> Result<String, Failure> {
    match way % 3 {
        0 => api.call(name, args),
        1 => api.start(name, args).expect("started").finish(),
        _ => api.prepare(name, args).expect("prepared").run(),
    }
}

/// Carries out each case, many at once: they wait for most of their time.
fn each<T: Sync>(cases: &[T], carry_out: impl Fn(usize, &T) + Sync) {
    for (wave, some) in cases.chunks(30).enumerate() {
        std::thread::scope(|scope| {
            for (number, case) in some.iter().enumerate() {
                let carry_out = &carry_out;
                scope.spawn(move || carry_out(wave * 30 + number, case));
            }
        });
    }
}

/// Which case a request belongs to.
fn case_of(seen: &Seen) -> usize {
    let behind = seen.target.rsplit("case").next().expect("a number");
    let digits: String = behind.chars().skip_while(|c| !c.is_ascii_digit()).collect();
    digits.split(|c: char| !c.is_ascii_digit()).next().and_then(|text| text.parse().ok()).expect("a number")
}

/// Writes `whole` with a pause before each of these bytes.
fn with_pauses(stream: &mut TcpStream, whole: &[u8], pauses: &[(usize, Duration)]) -> bool {
    let mut from = 0;
    for (at, pause) in pauses {
        if stream.write_all(&whole[from..*at]).is_err() {
            return false;
        }
        std::thread::sleep(*pause);
        from = *at;
    }
    stream.write_all(&whole[from..]).is_ok()
}

#[test]
fn a_pause_before_any_byte_is_judged_by_its_length() {
    let (timeout, too_long) = (4 * SECOND, 10 * SECOND);
    let data = format!("[{}]", vec!["1.5"; 3000].join(", "));
    let body = format!("{{\"code\":0,\"msg\":\"成功\",\"data\":{data}}}");
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let cases: Vec<Vec<(usize, Duration)>> = (0..count(6, 180))
        .map(|number| match number % 2 {
            0 => vec![(random.usize(..head.len() + body.len()), too_long)],
            // More than the time allowed in all, since none of them is long.
            _ => {
                let mut places = vec![random.usize(..head.len())];
                places.extend((0..4).map(|_| head.len() + random.usize(..body.len())));
                places.sort_unstable();
                places.into_iter().map(|at| (at, Duration::from_millis(random.u64(900..1300)))).collect()
            }
        })
        .collect();
    let (coming, whole) = (cases.clone(), [head, body].concat().into_bytes());
    let server = Server::start(move |seen, stream| with_pauses(stream, &whole, &coming[case_of(seen)]));
    let options = json!({
        "endpoint": server.endpoint(), "timeout": timeout.as_secs(), "max_retries": 0, "max_connections": 100,
    });
    let api = Api::new("token", &options.to_string()).expect("a client");
    each(&cases, |number, pauses| {
        let told = format!("seed {seed}, case {number}: {pauses:?}");
        match by(number / 2, &api, "get_user", json!({"case": number})) {
            Ok(given) => assert!(pauses.len() > 1 && given == data, "{told}"),
            Err(failure) => {
                assert!(pauses.len() == 1 && failure.status == 3, "{told}: {}", failure.message);
                assert!(failure.message.contains("\"timeout\" allows more"), "{told}: {}", failure.message);
            }
        }
    });
}

#[test]
fn after_a_body_of_any_length_a_server_may_be_silent_for_longer() {
    let timeout = 2.0;
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    // The length of a body, how long the server is silent then, and whether it may be.
    let cases: Vec<(usize, f64, bool)> = (0..count(6, 180))
        .map(|number| {
            let length = random.usize(128 << 10..400 << 10);
            let allowed = timeout + length as f64 / 65_536.0;
            match number % 2 {
                0 => (length, timeout + (allowed - timeout) * 0.4 * random.f64(), true),
                _ => (length, allowed + 5.0, false),
            }
        })
        .collect();
    let coming = cases.clone();
    let server = Server::start(move |seen, stream| {
        std::thread::sleep(Duration::from_secs_f64(coming[case_of(seen)].1));
        good(stream)
    });
    let options =
        json!({"endpoint": server.endpoint(), "timeout": timeout, "max_retries": 0, "max_connections": 100});
    let api = Api::new("token", &options.to_string()).expect("a client");
    each(&cases, |number, (length, silence, is_allowed)| {
        let told = format!("seed {seed}, case {number}: {silence} s after {length} bytes");
        let path = format!("/case/{number}");
        let long = json!({"text": "x".repeat(*length)});
        let outcome = match number / 2 % 2 {
            0 => api.request("POST", &path, long),
            _ => api
                .start("request", json!({"method": "POST", "path": path, "args": long}))
                .expect("started")
                .finish(),
        };
        match outcome {
            Ok(_) => assert!(is_allowed, "{told}"),
            Err(failure) => {
                assert!(
                    !is_allowed && (failure.status, failure.retryable) == (3, false),
                    "{told}: {}",
                    failure.message
                );
                assert!(failure.message.contains("\"timeout\" allows more"), "{told}: {}", failure.message);
            }
        }
    });
}

/// The door that a server closes for a while, now and then.
#[derive(Default)]
struct Door {
    opens: Option<Instant>,
    /// How many were turned away, each time that it was closed.
    refused: Vec<usize>,
}

/// Whoever is under way when a door closes is turned away, once; all others wait until it opens, and nobody is lost.
#[test]
fn a_door_that_closes_at_any_moment_is_knocked_at_once() {
    const CALLERS: usize = 9;
    for round in 0..count(1, 20) {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        let told = format!("seed {seed}, round {round}");
        let door: Arc<Mutex<Door>> = Arc::default();
        let seen = door.clone();
        let status = *random.choice(&[429, 503]).expect("one");
        let server = Server::start(move |_, stream| {
            let mut door = seen.lock().expect("no panic");
            let left =
                door.opens.map_or(Duration::ZERO, |opens| opens.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                drop(door);
                return good(stream);
            }
            *door.refused.last_mut().expect("it was closed") += 1;
            drop(door);
            // Whole seconds are all that the header has.
            let after = left.as_secs() + u64::from(left.subsec_nanos() > 0);
            answer(stream, status, &format!("Retry-After: {after}\r\n"), b"")
        });
        let folder = Folder::new("door");
        let mut options = json!({"endpoint": server.endpoint()});
        if round % 2 == 1 {
            options["rate_budget"] = folder.path("budget").into();
        }
        let apis: Vec<Api> =
            (0..=round % 2).map(|_| Api::new("token", &options.to_string()).expect("a client")).collect();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for caller in 0..CALLERS {
                let (api, is_over, told) = (&apis[caller % apis.len()], &is_over, &told);
                scope.spawn(move || {
                    for turn in caller.. {
                        let (name, args) = match turn % 4 {
                            0 => {
                                let args = json!({"external_sample_id": "x", "biosample_site": 1, "project_id": "p"});
                                ("register_sample", args)
                            }
                            _ => ("get_user", json!({})),
                        };
                        let outcome = by(turn / 4, api, name, args);
                        outcome.unwrap_or_else(|failure| panic!("{told}: {}", failure.message));
                        if is_over.load(Ordering::SeqCst) {
                            return;
                        }
                        std::thread::sleep(Duration::from_millis(5));
                    }
                });
            }
            for _ in 0..2 {
                std::thread::sleep(Duration::from_millis(random.u64(50..600)));
                let closed = Duration::from_millis(random.u64(1000..1900));
                let opens = Instant::now() + closed;
                {
                    let mut door = door.lock().expect("no panic");
                    door.opens = Some(opens);
                    door.refused.push(0);
                }
                // Those who come when it is known to be closed do not even ask.
                std::thread::sleep(Duration::from_millis(400));
                let begun = |n: usize| apis[n % apis.len()].start("get_user", json!({})).expect("started");
                let late: Vec<_> = (0..4 * CALLERS).map(begun).collect();
                std::thread::sleep(opens.saturating_duration_since(Instant::now()) + SECOND);
                for op in late {
                    op.finish().unwrap_or_else(|failure| panic!("{told}: {}", failure.message));
                }
            }
            is_over.store(true, Ordering::SeqCst);
        });
        let refused = &door.lock().expect("no panic").refused;
        assert!(refused.iter().all(|refused| (1..=2 * CALLERS).contains(refused)), "{told}: {refused:?}");
    }
}

/// A name of letters of every script, spaces, and what is percent-encoded already; and the same as a request line has it.
fn any_name(random: &mut fastrand::Rng, more: &[&str]) -> (String, String) {
    let mut name = String::from("a");
    for _ in 0..random.usize(..12) {
        let piece = match random.u8(..6) {
            0 => char::from_u32(random.u32(0x4e00..0x9fff)).expect("a letter").to_string(),
            1 => char::from_u32(random.u32(0xc0..0x24f)).expect("a letter").to_string(),
            2 => char::from_u32(random.u32(0x1f600..0x1f640)).expect("a face").to_string(),
            3 => format!("%{:02X}", random.u8(..)),
            4 => (*random
                .choice(&[" ", "-", ".", "_", "~", "!", "$", "(", ")", "*", "+", ",", ";", "=", "@"])
                .expect("one"))
            .to_owned(),
            _ => (*random.choice(more).unwrap_or(&"b")).to_owned(),
        };
        name.push_str(&piece);
    }
    name.push('z');
    let encoded = |byte: u8| match byte {
        b'!'..=b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let wanted = name.bytes().map(encoded).collect();
    (name, wanted)
}

#[test]
fn redirects_lead_to_any_name_there_is() {
    let expected: Arc<Mutex<(String, String)>> = Arc::default();
    let now = expected.clone();
    let server = Server::start(move |seen, stream| {
        let now = now.lock().expect("no panic");
        match seen.target.as_str() {
            "/profile" => answer(stream, 302, &format!("Location: {}\r\n", now.0), b""),
            target if target == now.1 => good(stream),
            _ => answer(stream, 404, "", b""),
        }
    });
    let options = json!({"endpoint": server.endpoint(), "max_retries": 0});
    let api = Api::new("token", &options.to_string()).expect("a client");
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..count(40, 4000) {
        let (mut location, mut wanted) = (String::new(), String::new());
        for _ in 0..random.usize(1..4) {
            let (name, encoded) = any_name(&mut random, &[]);
            location += &format!("/{name}");
            wanted += &format!("/{encoded}");
        }
        if random.bool() {
            let (name, encoded) = any_name(&mut random, &["/", "?", "&", ":"]);
            location += &format!("?{name}");
            wanted += &format!("?{encoded}");
        }
        match random.u8(..4) {
            0 => location.insert_str(0, &server.endpoint()),
            1 => location.insert_str(0, &format!("//127.0.0.1:{}", server.port)),
            2 => drop(location.remove(0)),
            _ => {}
        }
        let told = format!("seed {seed}, round {round}: {location}");
        *expected.lock().expect("no panic") = (location, wanted);
        by(round, &api, "get_user", json!({}))
            .unwrap_or_else(|failure| panic!("{told}: {}", failure.message));
    }
}

/// Where something stands in a text: the line, and the byte within it.
fn place(text: &str, at: usize) -> (usize, usize) {
    let lines: Vec<&str> = text[..at].split('\n').collect();
    (lines.len(), lines[lines.len() - 1].len() + 1)
}

#[test]
fn what_is_no_json_is_told_with_its_place_wherever_it_stands() {
    let body: Arc<Mutex<String>> = Arc::default();
    let now = body.clone();
    let server =
        Server::start(move |_, stream| answer(stream, 200, "", now.lock().expect("no panic").as_bytes()));
    let options = json!({"endpoint": server.endpoint(), "max_retries": 0});
    let api = Api::new("token", &options.to_string()).expect("a client");
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..count(60, 6000) {
        let mut space = || -> &str { [" ", "\n", "\r\n", "\t", "", "", "", ""][random.usize(..8)] };
        let mut text = String::from("{\"code\":0,");
        text += &format!("{}\"msg\":{}\"成功\",{}\"data\":{}[", space(), space(), space(), space());
        for number in 0..20 {
            text += &format!("{}{{{}\"样\":{}{number}.25{},", space(), space(), space(), space());
            text += &format!("{}\"b\"{}:{}null}}{},", space(), space(), space(), space());
        }
        text += "0]}";
        let (at, word) = match random.u8(..4) {
            0 => {
                let places: Vec<usize> = text.match_indices("\"b\"").map(|(at, _)| at).collect();
                let at = *random.choice(&places).expect("a member");
                let before = format!("\"b\":1,{}", ["", "\n", " "][random.usize(..3)]);
                text.insert_str(at, &before);
                (at + before.len(), "the member b twice".to_owned())
            }
            _ => {
                let places: Vec<usize> = text.match_indices(".25").map(|(at, _)| at).collect();
                let end = *random.choice(&places).expect("a number");
                let begin = text[..end].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |before| before + 1);
                let words = ["NaN", "nan", "Infinity", "-Infinity", "inf", "-inf"];
                let word = *random.choice(&words).expect("a word");
                text.replace_range(begin..end + 3, word);
                (begin, word.to_owned())
            }
        };
        let (line, column) = place(&text, at);
        *body.lock().expect("no panic") = text.clone();
        let failure = by(round, &api, "get_user", json!({})).expect_err("no JSON");
        let wanted = format!("line {line}, column {column}: {word}");
        assert!(
            failure.status == 7 && failure.message.contains(&wanted),
            "seed {seed}, round {round}: {wanted}: {}\n{text}",
            failure.message
        );
    }
}
