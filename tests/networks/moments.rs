//! Whatever goes wrong on the way, at any moment of an answer: what is given is right, or it is said what was wrong.

use std::{
    io::Write,
    net::TcpStream,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    c::{Api, Failure},
    count,
    server::{Seen, Server},
};

/// What happens to one answer.
#[derive(Clone, Debug)]
enum Fault {
    /// The connection ends after so many bytes, of head or body.
    Cut(usize),
    /// Nothing comes for a while after so many bytes.
    Pause(usize, Duration),
    /// All of it comes, slowly.
    Slow(Duration),
    Status(u16, String),
    /// The body is another one: no JSON, or not what it should be.
    Body(Vec<u8>),
}

fn any_fault(body: &str, random: &mut fastrand::Rng) -> Fault {
    let length = body.len() + 100;
    match random.u8(0..9) {
        0 | 1 => Fault::Cut(random.usize(..length)),
        2 => Fault::Pause(random.usize(..length), Duration::from_millis(random.u64(50..1500))),
        3 => Fault::Slow(Duration::from_millis(random.u64(1..40))),
        4 => Fault::Status(
            *random.choice(&[429, 503]).expect("one"),
            format!("Retry-After: {}\r\n", random.u8(0..2)),
        ),
        5 => Fault::Status(*random.choice(&[429, 500, 502, 503, 504]).expect("one"), String::new()),
        // In the place of a number, or before all of it.
        6 => {
            let places: Vec<usize> = body.match_indices("1.5").map(|(at, _)| at).collect();
            let at = places[random.usize(..places.len())];
            let word = *random.choice(&["NaN", "Infinity", "-inf", "1.5,\"b\":0,\"b\":1"]).expect("one");
            Fault::Body(format!("{}{word}{}", &body[..at], &body[at + 3..]).into_bytes())
        }
        7 => Fault::Body([b"\xef\xbb\xbf", body.as_bytes()].concat()),
        _ => Fault::Body(body.as_bytes()[..random.usize(..body.len())].to_vec()),
    }
}

fn go_wrong(fault: &Fault, whole: &[u8], stream: &mut TcpStream) -> bool {
    match fault {
        Fault::Cut(at) => {
            let _ = stream.write_all(&whole[..whole.len().min(*at)]);
            false
        }
        Fault::Pause(at, pause) => {
            let (before, behind) = whole.split_at(whole.len().min(*at));
            let begun = stream.write_all(before).is_ok();
            std::thread::sleep(*pause);
            begun && stream.write_all(behind).is_ok()
        }
        Fault::Slow(pause) => whole.chunks(whole.len() / 20 + 1).all(|piece| {
            std::thread::sleep(*pause);
            stream.write_all(piece).is_ok()
        }),
        Fault::Status(status, headers) => {
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: 4\r\n{headers}\r\nsoon");
            stream.write_all(head.as_bytes()).is_ok()
        }
        Fault::Body(_) => unreachable!("written by the caller"),
    }
}

fn http(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[test]
fn an_answer_that_goes_wrong_anywhere() {
    let rows: Vec<String> = (0..200).map(|n| format!("{{\"a\":{n},\"b\":1.5}}")).collect();
    let data = format!("[{}]", rows.join(","));
    let body = format!("{{\"code\":0,\"msg\":\"成功\",\"data\":{data}}}");
    let faults: Arc<Mutex<Vec<Fault>>> = Arc::default();
    let (coming, good) = (faults.clone(), http(body.as_bytes()));
    let server = Server::start(move |_: &Seen, stream: &mut TcpStream| {
        let fault = coming.lock().expect("not poisoned").pop();
        match fault {
            None => stream.write_all(&good).is_ok(),
            Some(Fault::Body(body)) => stream.write_all(&http(&body)).is_ok(),
            Some(fault) => go_wrong(&fault, &good, stream),
        }
    });
    let options = json!({"endpoint": server.endpoint(), "timeout": 1, "max_retries": 4});
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut right, mut wrong) = (0, 0);
    for round in 0..count(12, 400) {
        let now: Vec<Fault> = (0..random.usize(1..4)).map(|_| any_fault(&body, &mut random)).collect();
        let told = format!("seed {seed}, round {round}: {now:?}");
        *faults.lock().expect("not poisoned") = now;
        let api = Api::new("token", &options.to_string()).expect("a client");
        let begun = Instant::now();
        let outcome: Result<String, Failure> = match round % 2 {
            0 => api.call("get_user", json!({})),
            _ => api.start("get_user", json!({})).expect("started").finish(),
        };
        assert!(begun.elapsed() < Duration::from_secs(60), "{told}");
        match outcome {
            Ok(given) => {
                right += 1;
                assert!(given == data, "{told}");
            }
            // The connection, the time, the status or the answer.
            Err(failure) => {
                wrong += 1;
                assert!([2, 3, 4, 7].contains(&failure.status), "{told}: {}", failure.message);
                if failure.status == 7 {
                    assert!(failure.message.contains("column"), "{told}: {}", failure.message);
                }
            }
        }
    }
    assert!(right > 0 || wrong < 12, "{right} {wrong}");
}
