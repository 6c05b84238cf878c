//! Signing in: the authorization URL, the exchanges, and tokens that renew themselves.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    Sandbox,
    c::{Api, OAuth2},
    issuer::{APPLICATION, Issuer, Manner, now},
};

/// What the user's browser does: follows the URL, signs in, and comes back with a code.
fn sign_in(sandbox: &Sandbox, oauth2: &OAuth2, scopes: Option<&str>) -> (String, String) {
    let redirect = sandbox.text("/redirect_uri");
    let url = oauth2.authorization_url(redirect, Some("st&te"), scopes).expect("a URL");
    let browser = crate::support::browser();
    let answer =
        browser.get(format!("{url}&{}", sandbox.text("/authorization_extra_query"))).send().expect("a page");
    let location = answer.headers().get("location").expect("a redirect").to_str().expect("text");
    let back = url::Url::parse(location).expect("a URL");
    let value = |name: &str| {
        back.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .expect("in the query")
    };
    assert_eq!(value("state"), "st&te");
    (value("code"), redirect.to_owned())
}

fn user_token(sandbox: &Sandbox, oauth2: &OAuth2) -> Value {
    let (code, redirect) = sign_in(sandbox, oauth2, None);
    oauth2.exchange_code(&code, &redirect).expect("a token")
}

fn exchanges(sandbox: &Sandbox, grant: &str) -> usize {
    let log = sandbox.log();
    let of_grant =
        |entry: &&Value| entry["path"] == "/oauth2/access_token" && entry["form"]["grant_type"] == grant;
    log.iter().filter(of_grant).count()
}

#[test]
fn the_authorization_url_is_put_together_and_nothing_is_sent() {
    let oauth2 = OAuth2::new("id/1", "secret", r#"{"endpoint": "https://host.example/gateway/"}"#)
        .expect("an application");
    assert_eq!(
        oauth2
            .authorization_url(
                "http://127.0.0.1/callback?x=1",
                Some("a b"),
                Some("profile, variants  samples")
            )
            .expect("a URL"),
        "https://host.example/gateway/oauth2/authorize?client_id=id%2F1&response_type=code\
         &redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback%3Fx%3D1&scope=profile+variants+samples&state=a+b"
    );
    let bare = oauth2.authorization_url("u", None, None).expect("a URL");
    assert_eq!(
        bare,
        "https://host.example/gateway/oauth2/authorize?client_id=id%2F1&response_type=code&redirect_uri=u"
    );
}

#[test]
fn a_code_is_exchanged_once() {
    let sandbox = Sandbox::start(&[]);
    let oauth2 = sandbox.authorization(json!({}));
    let (code, redirect) = sign_in(&sandbox, &oauth2, None);
    sandbox.clear_log();
    let token = oauth2.exchange_code(&code, &redirect).expect("a token");
    for (name, is_there) in
        [("access_token", true), ("refresh_token", true), ("scope", true), ("obtained_at", true)]
    {
        assert_eq!(token.get(name).is_some(), is_there, "{name} in {token}");
    }
    let entry = &sandbox.take_log()[0];
    assert_eq!(
        entry["form"],
        json!({"client_id": sandbox.text("/authorization/client_id"),
               "client_secret": sandbox.text("/authorization/client_secret"),
               "grant_type": "authorization_code", "redirect_uri": redirect, "code": code})
    );
    assert_eq!(entry["headers"]["authorization"], Value::Null);
    let api = oauth2.api(token["access_token"].as_str()).expect("a client");
    api.call("get_user", json!({})).expect("the user");
    let again = oauth2.exchange_code(&code, &redirect).expect_err("spent");
    assert_eq!((again.status, again.code), (5, 400));
    assert!(!again.message.contains(&code), "{}", again.message);
}

#[test]
fn a_refresh_token_rotates_and_the_new_one_can_be_read() {
    let sandbox = Sandbox::start(&[]);
    let oauth2 = sandbox.authorization(json!({}));
    let token = user_token(&sandbox, &oauth2);
    let api = oauth2.api(Some(&token.to_string())).expect("a client");
    api.call("get_user", json!({})).expect("the user");
    assert_eq!(api.token().expect("the token"), token);
    sandbox.expire("access_tokens");
    sandbox.clear_log();
    api.call("get_user", json!({})).expect("renewed after code 403");
    assert_eq!(exchanges(&sandbox, "refresh_token"), 1);
    let renewed = api.token().expect("the new token");
    assert_ne!(renewed["refresh_token"], token["refresh_token"]);
    oauth2
        .exchange_refresh(token["refresh_token"].as_str().expect("text"))
        .expect_err("the old one is spent");
    oauth2.exchange_refresh(renewed["refresh_token"].as_str().expect("text")).expect("the new one is good");
}

#[test]
fn a_token_is_renewed_before_it_ends() {
    let sandbox = Sandbox::start(&[]);
    sandbox.set(json!({"token_lifetime": 2}));
    let api = sandbox.oauth2(json!({})).api(None).expect("a client");
    sandbox.clear_log();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while std::time::Instant::now() < until {
        api.call("get_samples", json!({"limit": 1})).expect("samples");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let renewals = exchanges(&sandbox, "client_credentials");
    assert!((2..=10).contains(&renewals), "{renewals}");
    let refused =
        sandbox.log().iter().filter(|entry| entry["path"] == "/samples" && entry["status"] == 403).count();
    assert_eq!(refused, 0, "none was ever refused");
}

#[test]
fn client_credentials_are_fetched_when_first_needed() {
    let sandbox = Sandbox::start(&[]);
    let oauth2 = sandbox.oauth2(json!({}));
    sandbox.clear_log();
    let api = oauth2.api(None).expect("a client");
    assert!(sandbox.log().is_empty());
    api.call("get_samples", json!({})).expect("samples");
    api.call("get_samples", json!({})).expect("samples");
    assert_eq!(exchanges(&sandbox, "client_credentials"), 1);
    let token = api.token().expect("the token");
    assert!(token.get("refresh_token").is_none());
    let op = api.start("get_token", json!({})).expect("started");
    assert_eq!(serde_json::from_str::<Value>(&op.finish().expect("the token")).expect("JSON"), token);
    let wrong =
        OAuth2::new(sandbox.text("/credentials/client_id"), "wrong-secret", &sandbox.options(json!({})))
            .expect("an application");
    let refused = wrong.credentials_token().expect_err("wrong");
    assert_eq!((refused.status, refused.code), (5, 400));
    let refused = wrong.api(None).expect("a client").call("get_samples", json!({})).expect_err("wrong");
    assert_eq!((refused.status, refused.code), (6, 400), "{}", refused.message);
}

#[test]
fn one_refresh_is_in_flight_however_many_wait() {
    let sandbox = Sandbox::start(&[]);
    let oauth2 = sandbox.authorization(json!({}));
    let token = user_token(&sandbox, &oauth2);
    let api = Arc::new(oauth2.api(Some(&token.to_string())).expect("a client"));
    sandbox.expire("access_tokens");
    sandbox.fault(json!({"path": "/oauth2/access_token", "kind": "delay_headers", "ms": 300}));
    sandbox.clear_log();
    let threads: Vec<_> = (0..16)
        .map(|number| {
            let api = api.clone();
            std::thread::spawn(move || match number % 2 {
                0 => api.call("get_user", json!({})),
                _ => api.start("get_user", json!({})).and_then(|op| op.finish()),
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic").expect("the user");
    }
    assert_eq!(exchanges(&sandbox, "refresh_token"), 1);
}

#[test]
fn a_refused_write_is_sent_again_with_the_new_token() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.oauth2(json!({})).api(None).expect("a client");
    api.call("get_samples", json!({"limit": 1})).expect("samples");
    sandbox.expire("access_tokens");
    let args =
        json!({"external_sample_id": "x", "biosample_site": 1, "project_id": sandbox.text("/project_id")});
    api.call("register_sample", args).expect("registered");
    assert_eq!(sandbox.state()["registered_samples"].as_array().map(Vec::len), Some(1));
}

#[test]
fn code_401_is_final() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.oauth2(json!({})).api(None).expect("a client");
    api.call("get_samples", json!({"limit": 1})).expect("samples");
    sandbox.clear_log();
    let refused = api.call("get_user", json!({})).expect_err("for users only");
    assert_eq!((refused.status, refused.code, sandbox.take_log().len()), (6, 401, 1));
}

#[test]
fn a_cancelled_call_does_not_lose_the_rotated_token() {
    let sandbox = Sandbox::start(&[]);
    let oauth2 = sandbox.authorization(json!({}));
    let token = user_token(&sandbox, &oauth2);
    let api = oauth2.api(Some(&token.to_string())).expect("a client");
    sandbox.expire("access_tokens");
    sandbox.fault(json!({"path": "/oauth2/access_token", "kind": "delay_headers", "ms": 500}));
    let op = api.start("get_user", json!({})).expect("started");
    std::thread::sleep(std::time::Duration::from_millis(200));
    op.cancel();
    assert_eq!(op.finish().expect_err("cancelled").status, 11);
    api.call("get_user", json!({})).expect("with the token that was on its way");
}

#[test]
fn a_scope_that_was_not_granted_is_refused() {
    let sandbox = Sandbox::start(&[]);
    let oauth2 = sandbox.authorization(json!({}));
    let (code, redirect) = sign_in(&sandbox, &oauth2, Some("profile"));
    let token = oauth2.exchange_code(&code, &redirect).expect("a token");
    let api = Api::new(token["access_token"].as_str().expect("text"), &sandbox.options(json!({})))
        .expect("a client");
    let sample = sandbox.text("/biosample_id");
    let refused =
        api.call("get_variants", json!({"biosample_id": sample, "rsids": "rs1"})).expect_err("no scope");
    assert_eq!((refused.status, refused.code), (6, 401));
}

#[test]
fn whose_data_a_client_sees_has_a_name() {
    let app = |id: &str| bge::OAuth2::new(id, "a-secret", "{}").expect("an application");
    let of = |app: &bge::OAuth2, token: Option<&str>| app.get_api(token).expect("a client").account();
    let person = |name: &str| json!({"access_token": "a", "refresh_token": name}).to_string();
    let (one, other) = (app("one"), app("other"));
    let names = [
        of(&one, None),
        of(&other, None),
        of(&one, Some(&person("r1"))),
        of(&one, Some(&person("r2"))),
        of(&other, Some(&person("r1"))),
        of(&one, Some("plain-1")),
        of(&one, Some("plain-2")),
        of(&one, Some(r#"{"access_token": "whose-1"}"#)),
        of(&one, Some(r#"{"access_token": "whose-2"}"#)),
    ];
    for (index, name) in names.iter().enumerate() {
        assert!(!names[..index].contains(name), "{index}: {names:?}");
    }
    assert_eq!(names[2], of(&app("one"), Some(&person("r1"))), "in every process");
    assert_eq!(names[5], bge::Client::new("plain-1", "{}").expect("a client").account());
}

#[test]
fn an_account_stays_through_renewals() {
    let issuer = Issuer::start();
    let options = json!({"endpoint": issuer.endpoint()}).to_string();
    let oauth2 = bge::OAuth2::new("app", "a-secret", &options).expect("an application");
    let person = oauth2.get_api(Some(&issuer.sign_in("Anna").to_string())).expect("Anna's");
    let own = oauth2.get_api(None).expect("the application's");
    let names = (person.account(), own.account());
    for _ in 0..3 {
        issuer.expire();
        person.call("get_user", "{}").expect("Anna");
        own.call("get_user", "{}").expect("the application");
        assert_eq!((person.account(), own.account()), names);
    }
    assert_eq!(issuer.exchanges().len(), 6);
    person.set_token(Some(&issuer.sign_in("Bert").to_string())).expect("Bert's");
    assert_ne!(person.account(), names.0);
}

/// An application on a small platform of its own.
fn app(issuer: &Issuer, mut options: Value) -> OAuth2 {
    options["endpoint"] = issuer.endpoint().into();
    OAuth2::new("app", "a-secret", &options.to_string()).expect("an application")
}

fn who(api: &Api) -> String {
    api.value("get_user", json!({})).expect("somebody")["name"].as_str().expect("a name").to_owned()
}

#[test]
fn a_refresh_token_that_is_answered_by_none_stays() {
    let issuer = Issuer::start();
    let oauth2 = app(&issuer, json!({}));
    let anna = issuer.sign_in("Anna");
    let api = oauth2.api(Some(&anna.to_string())).expect("Anna's");
    issuer.manner(Manner::Keep);
    for _ in 0..3 {
        issuer.expire();
        assert_eq!(who(&api), "Anna");
    }
    assert_eq!(issuer.grants(), ["refresh_token"; 3], "the grant never changes by itself");
    assert_eq!(api.token().expect("a token")["refresh_token"], anna["refresh_token"]);
    let token = oauth2.exchange_refresh(anna["refresh_token"].as_str().expect("text")).expect("a token");
    assert_eq!(token["refresh_token"], anna["refresh_token"], "a program that stores it loses nothing");
    // And when it rotates again, the new one counts.
    issuer.manner(Manner::Rotate);
    issuer.expire();
    assert_eq!(who(&api), "Anna");
    assert_ne!(api.token().expect("a token")["refresh_token"], anna["refresh_token"]);
}

#[test]
fn a_persons_token_without_a_refresh_token_never_becomes_the_applications() {
    let issuer = Issuer::start();
    let oauth2 = app(&issuer, json!({}));
    let token = oauth2.exchange_code("-Anna", "http://127.0.0.1/").expect("a token");
    assert_eq!(token.get("refresh_token"), None);
    let api = oauth2.api(Some(&token.to_string())).expect("Anna's");
    assert_eq!(who(&api), "Anna");
    issuer.expire();
    let failure = api.call("get_user", json!({})).expect_err("it has ended");
    assert_eq!(failure.status, 6, "{}", failure.message);
    assert!(failure.message.contains("sign in again"), "{}", failure.message);
    assert_eq!(issuer.grants(), ["authorization_code"]);
}

#[test]
fn a_failed_renewal_is_everybodys_who_waited() {
    let issuer = Issuer::start();
    let mut token = issuer.sign_in("Anna");
    token["obtained_at"] = (now() - 30_000).into();
    let api = Arc::new(app(&issuer, json!({})).api(Some(&token.to_string())).expect("a client"));
    issuer.manner(Manner::Refuse);
    issuer.hold();
    let begun = Arc::new(std::sync::Barrier::new(65));
    let threads: Vec<_> = (0..64)
        .map(|number| {
            let (api, begun) = (api.clone(), begun.clone());
            std::thread::spawn(move || {
                begun.wait();
                match number % 2 {
                    0 => api.call("get_user", json!({})),
                    _ => api.start("get_user", json!({})).and_then(|op| op.finish()),
                }
            })
        })
        .collect();
    begun.wait();
    issuer.wait_for_exchanges(1);
    // Until the slowest of them waits, too.
    std::thread::sleep(Duration::from_secs(3));
    let released = Instant::now();
    issuer.release();
    for thread in threads {
        let failure = thread.join().expect("no panic").expect_err("refused");
        assert_eq!((failure.status, failure.code), (6, 400), "{}", failure.message);
        assert!(failure.message.contains("could not be renewed"), "{}", failure.message);
    }
    assert_eq!(issuer.exchanges().len(), 1, "one request for all of them");
    assert!(released.elapsed() < Duration::from_secs(30));
    issuer.manner(Manner::Rotate);
    assert_eq!(who(&api), "Anna", "what comes later tries again");
}

#[test]
fn a_deadline_bounds_the_wait_for_a_renewal() {
    let issuer = Issuer::start();
    let mut token = issuer.sign_in("Anna");
    token["obtained_at"] = (now() - 30_000).into();
    issuer.manner(Manner::Silent);
    for options in [json!({}), json!({"deadline": 1})] {
        let api = app(&issuer, options.clone()).api(Some(&token.to_string())).expect("a client");
        let args = if options == json!({}) { json!({"$": {"deadline": 1}}) } else { json!({}) };
        let started = Instant::now();
        let calls = [
            api.call("get_user", args.clone()),
            api.start("get_user", args.clone()).and_then(|op| op.finish()),
        ];
        for call in calls {
            let failure = call.expect_err("nobody answers");
            assert_eq!(failure.status, 3, "{}", failure.message);
            assert!(failure.message.contains("renewed access token"), "{}", failure.message);
        }
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    }
}

#[test]
fn a_token_that_is_still_good_is_used_while_its_renewal_hangs() {
    let issuer = Issuer::start();
    let mut token = issuer.sign_in("Anna");
    token["obtained_at"] = (now() - 21_600 + 45).into();
    issuer.manner(Manner::Silent);
    let api = app(&issuer, json!({})).api(Some(&token.to_string())).expect("a client");
    let started = Instant::now();
    for _ in 0..5 {
        assert_eq!(api.value("get_user", json!({"$": {"deadline": 6}})).expect("Anna")["name"], "Anna");
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert_eq!(issuer.exchanges().len(), 1);
}

#[test]
fn a_token_is_swapped_at_run_time() {
    let issuer = Issuer::start();
    let (anna, bert) = (issuer.sign_in("Anna"), issuer.sign_in("Bert"));
    let plain = |token: &Value| token["access_token"].as_str().expect("text").to_owned();
    let options = json!({"endpoint": issuer.endpoint()}).to_string();
    let api = Api::new(&plain(&anna), &options).expect("a client");
    assert_eq!(who(&api), "Anna");
    api.set_token(Some(&format!(" {}\r\n", plain(&bert)))).expect("another token");
    assert_eq!(who(&api), "Bert");
    for (token, part) in [
        (None, "no application"),
        (Some(anna.to_string()), "no application"),
        (Some("two words".to_owned()), "access token"),
        (Some("".to_owned()), "must not be empty"),
        (Some(r#"{"refresh_token": "r"}"#.to_owned()), "access_token"),
    ] {
        let failure = api.set_token(token.as_deref()).expect_err(part);
        assert_eq!(failure.status, 1);
        assert!(
            failure.message.starts_with("set_token: ") && failure.message.contains(part),
            "{}",
            failure.message
        );
        assert_eq!(who(&api), "Bert", "the one that it had stays");
    }
    let mut alone = anna.clone();
    alone.as_object_mut().expect("an object").remove("refresh_token");
    api.set_token(Some(&alone.to_string())).expect("nothing to renew");
    assert_eq!(who(&api), "Anna");

    // With an application the new one is renewed, too.
    let api = app(&issuer, json!({})).api(Some(&anna.to_string())).expect("a client");
    api.set_token(Some(&bert.to_string())).expect("Bert's");
    issuer.expire();
    assert_eq!(who(&api), "Bert");
    assert_eq!(issuer.grants(), ["refresh_token"]);
    api.set_token(None).expect("the application's own");
    assert_eq!(who(&api), APPLICATION);
    api.set_token(Some(&plain(&issuer.sign_in("Anna")))).expect("a plain one");
    assert_eq!(who(&api), "Anna");
    issuer.expire();
    assert_eq!(api.call("get_user", json!({})).expect_err("it ends when it ends").status, 6);
    assert_eq!(issuer.exchanges().len(), 2);

    // Under way with the refused one while another one comes: the call takes that.
    let folder = crate::support::Folder::new("swap");
    let file = folder.path("token.json");
    let api = app(&issuer, json!({ "token_file": file })).api(Some(&issuer.sign_in("Anna").to_string()));
    let api = api.expect("Anna's");
    let failure = api.set_token(Some(&issuer.sign_in("Bert").to_string())).expect_err("the file is Anna's");
    assert_eq!(
        (failure.status, failure.message.contains("another person")),
        (1, true),
        "{}",
        failure.message
    );
    assert_eq!(who(&api), "Anna");
}

#[test]
fn a_swapped_token_is_seen_by_calls_under_way() {
    let issuer = Issuer::start();
    let token = issuer.sign_in("Anna");
    let plain = |token: &Value| token["access_token"].as_str().expect("text").to_owned();
    let options = json!({"endpoint": issuer.endpoint()}).to_string();
    let api = Arc::new(Api::new(&plain(&token), &options).expect("a client"));
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (api, done) = (api.clone(), done.clone());
            std::thread::spawn(move || {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    assert_eq!(who(&api), "Anna");
                }
            })
        })
        .collect();
    for _ in 0..20 {
        api.set_token(Some(&plain(&issuer.sign_in("Anna")))).expect("a newer one");
        std::thread::sleep(Duration::from_millis(10));
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    for thread in threads {
        thread.join().expect("no call failed");
    }
}

#[test]
fn a_call_for_the_other_kind_of_token_says_which() {
    let sandbox = Sandbox::start(&[]);
    let own = sandbox.oauth2(json!({})).api(None).expect("the application's");
    let refused = own.call("get_user", json!({})).expect_err("for persons");
    assert_eq!((refused.status, refused.code), (6, 401));
    for part in ["authorization code", "client credentials"] {
        assert!(refused.message.contains(part), "{}", refused.message);
    }
    let oauth2 = sandbox.authorization(json!({}));
    let person = oauth2.api(Some(&user_token(&sandbox, &oauth2).to_string())).expect("a person's");
    let refused = person
        .call("send_sms", json!({"template": "t", "mobiles": "13800138000"}))
        .expect_err("for applications");
    assert!(refused.message.contains("client credentials"), "{}", refused.message);
}
