//! Secrets and personal data appear in no message, log line or error, whatever goes wrong.

use std::{
    ffi::{CStr, c_char, c_void},
    ptr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bge::ffi::log::bge_api_set_log;
use serde_json::{Value, json};

use crate::support::{
    Folder, Sandbox,
    c::{Api, Failure, OAuth2},
};

const CANARIES: [&str; 9] = [
    "canary-access-token-7f3a",
    "canary-client-secret-91bc",
    "canary-password-\"55\"",
    "canary-refresh-token-0d2e",
    "13800138000",
    "110101199003070134",
    "韩梅梅的名字",
    "canary-code-44ab",
    "canary-proxy-password",
];

struct Log {
    lines: Mutex<Vec<String>>,
    finalized: AtomicUsize,
}

unsafe extern "C" fn line(userdata: *mut c_void, _level: i32, message: *const c_char) {
    // SAFETY: what `set_log` below was given.
    let (log, message) = unsafe { (&*userdata.cast::<Log>(), CStr::from_ptr(message)) };
    log.lines.lock().expect("no panic").push(message.to_str().expect("UTF-8").to_owned());
}

unsafe extern "C" fn finalize(userdata: *mut c_void) {
    // SAFETY: made by `Arc::into_raw`.
    let log = unsafe { Arc::from_raw(userdata.cast::<Log>()) };
    log.finalized.fetch_add(1, Ordering::SeqCst);
}

fn logged(api: &Api) -> Arc<Log> {
    let log = Arc::new(Log { lines: Mutex::default(), finalized: AtomicUsize::new(0) });
    let userdata = Arc::into_raw(log.clone()).cast_mut().cast();
    // SAFETY: a live handle that nobody else uses now.
    let status = unsafe { bge_api_set_log(api.0, Some(line), userdata, Some(finalize), ptr::null_mut()) };
    assert_eq!(status, 0);
    log
}

fn assert_clean(text: &str) {
    for canary in CANARIES {
        let escaped = Value::from(canary).to_string();
        for spelling in [canary, escaped.trim_matches('"')] {
            assert!(!text.contains(spelling), "{canary} in {text}");
        }
    }
}

fn assert_clean_failure(failure: &Failure) {
    assert_clean(&failure.message);
    assert_clean(&failure.json.to_string());
}

#[test]
fn what_the_server_echoes_is_masked() {
    let sandbox = Sandbox::start(&[]);
    let api =
        Api::new(CANARIES[0], &sandbox.options(json!({"log": "debug", "max_retries": 1}))).expect("a client");
    let log = logged(&api);
    let calls = [
        ("get_user", json!({})),
        ("introspect", json!({})),
        ("get_overview", json!({"phone": CANARIES[4], "idcard": CANARIES[5]})),
        (
            "ferry_to_oss",
            json!({"account": "lab-account", "password": CANARIES[2], "project_no": "n", "biosample_cnt": 1}),
        ),
        ("send_sms", json!({"template": "t", "mobiles": [CANARIES[4], "13900139000"]})),
        ("verify_id_meta", json!({"idcard": CANARIES[5], "realname": CANARIES[6], "phone": CANARIES[4]})),
        ("invoke_model", json!({"model_id": "m", "password": CANARIES[2], "user_token": CANARIES[3]})),
    ];
    let echo = CANARIES.join(" and ");
    let quoted = Value::from(echo.as_str());
    for kind in [
        json!({"kind": "code", "code": 41001, "msg": echo, "data": {"echo": quoted}}),
        json!({"kind": "code", "code": 403, "msg": echo, "data": [quoted]}),
        json!({"kind": "status", "status": 502, "body": echo}),
        json!({"kind": "status", "status": 500, "headers": {"X-Request-Id": CANARIES[0]}, "envelope": {"code": 1, "msg": CANARIES[0]}}),
        json!({"kind": "html"}),
        json!({"kind": "reset"}),
        json!({"kind": "truncate"}),
    ] {
        for (name, args) in &calls {
            sandbox.clear_faults();
            let mut fault = kind.clone();
            fault["count"] = 0.into();
            sandbox.fault(fault);
            let failure = api.call(name, args.clone()).expect_err("always");
            // What only the sandbox knows of, this call cannot mask: those that it was given must not come back.
            let given = args.to_string();
            for canary in CANARIES.iter().filter(|canary| {
                given.contains(Value::from(**canary).to_string().trim_matches('"')) || **canary == CANARIES[0]
            }) {
                let text = format!("{} {}", failure.message, failure.json);
                let escaped = Value::from(*canary).to_string();
                assert!(
                    !text.contains(canary) && !text.contains(escaped.trim_matches('"')),
                    "{name} {kind}: {text}"
                );
            }
        }
    }
    sandbox.clear_faults();
    let lines = log.lines.lock().expect("no panic").clone();
    assert!(lines.len() > 50, "the log tells: {lines:?}");
    for line in &lines {
        assert!(!line.contains(CANARIES[0]), "{line}");
        assert!(!line.contains('\n'));
    }
    drop(api);
    assert_eq!(log.finalized.load(Ordering::SeqCst), 1, "the finalizer runs once");
}

#[test]
fn bad_input_is_not_repeated_in_messages() {
    for options in [
        format!(r#"{{"proxy": "nonsense://user:{}@x"}}"#, CANARIES[8]),
        format!(r#"{{"endpoint": "https://user:{}@x/"}}"#, CANARIES[2].replace('"', "")),
        format!(r#"{{"timeout": "{}"}}"#, CANARIES[0]),
        format!(r#"{{"x": "{}""#, CANARIES[0]),
    ] {
        assert_clean_failure(&Api::new("token", &options).err().expect(&options));
    }
    let api = Api::new("token", "{}").expect("a client");
    assert_clean_failure(
        &api.call_text("ferry_to_oss", &format!(r#"{{"password": {}"#, Value::from(CANARIES[2])))
            .expect_err("no JSON"),
    );
    let spaced = format!("{} x", CANARIES[0]);
    assert_clean_failure(&Api::new(&spaced, "{}").err().expect("no token"));
    let oauth2 = OAuth2::new("id", CANARIES[1], "{}").expect("an application");
    assert_clean_failure(
        &oauth2
            .api(Some(&format!(r#"{{"refresh_token": "{}"}}"#, CANARIES[3])))
            .err()
            .expect("no access_token"),
    );
}

#[test]
fn exchanges_keep_their_secrets() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("secrets");
    let log = folder.path("log.txt");
    let options = sandbox.options(json!({"log": "debug", "log_file": log, "max_retries": 1}));
    let oauth2 = OAuth2::new("the-client-id", CANARIES[1], &options).expect("an application");
    type Call = fn(&OAuth2) -> Failure;
    let calls: [(&str, Call); 4] = [
        (CANARIES[7], |oauth2| oauth2.exchange_code(CANARIES[7], "http://127.0.0.1/").expect_err("refused")),
        (CANARIES[3], |oauth2| oauth2.exchange_refresh(CANARIES[3]).expect_err("refused")),
        (CANARIES[1], |oauth2| oauth2.credentials_token().expect_err("refused")),
        (CANARIES[1], |oauth2| {
            oauth2.api(None).expect("a client").call("get_samples", json!({})).expect_err("refused")
        }),
    ];
    for (secret, call) in calls {
        let echo = format!("{} and {secret}", CANARIES[1]);
        for kind in [
            json!({"kind": "code", "code": 400, "msg": echo}),
            json!({"kind": "status", "status": 503, "envelope": {"code": 1, "msg": echo, "data": [echo]}}),
            json!({"kind": "reset"}),
        ] {
            sandbox.clear_faults();
            let mut fault = kind.clone();
            fault["count"] = 0.into();
            sandbox.fault(fault);
            let failure = call(&oauth2);
            let text = format!("{} {}", failure.message, failure.json);
            assert!(!text.contains(secret) && !text.contains(CANARIES[1]), "{kind}: {text}");
        }
    }
    let text = std::fs::read_to_string(&log).expect("the log");
    assert!(text.lines().count() > 10);
    for secret in [CANARIES[1], CANARIES[3], CANARIES[7]] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn the_finalizer_runs_once_when_the_call_fails_and_when_the_log_is_replaced() {
    let log = Arc::new(Log { lines: Mutex::default(), finalized: AtomicUsize::new(0) });
    let userdata = || Arc::into_raw(log.clone()).cast_mut().cast();
    // SAFETY: a NULL handle, which is refused.
    let status =
        unsafe { bge_api_set_log(ptr::null_mut(), Some(line), userdata(), Some(finalize), ptr::null_mut()) };
    assert_eq!((status, log.finalized.load(Ordering::SeqCst)), (1, 1));
    let api = Api::new("token", "{}").expect("a client");
    for (function, wanted) in
        [(Some(line as unsafe extern "C" fn(*mut c_void, i32, *const c_char)), 1), (None, 3)]
    {
        // SAFETY: a live handle that nobody else uses now.
        unsafe { bge_api_set_log(api.0, function, userdata(), Some(finalize), ptr::null_mut()) };
        assert_eq!(log.finalized.load(Ordering::SeqCst), wanted);
    }
}

#[test]
fn debug_shows_no_secret() {
    let client = bge::Client::new(CANARIES[0], "{}").expect("a client");
    let oauth2 =
        bge::OAuth2::new("id", CANARIES[1], r#"{"proxy": "http://u:canary-proxy-password@127.0.0.1:1"}"#)
            .expect("an application");
    assert_clean(&format!("{client:?} {oauth2:?}"));
}
