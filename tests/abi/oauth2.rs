//! Signing in: the authorization URL, the exchanges, and tokens that renew themselves.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{
    Sandbox,
    c::{Api, OAuth2},
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
    ];
    for (index, name) in names.iter().enumerate() {
        assert!(!names[..index].contains(name), "{index}: {names:?}");
    }
    assert_eq!(names[0], of(&one, Some(r#"{"access_token": "the application's own"}"#)));
    assert_eq!(names[2], of(&app("one"), Some(&person("r1"))), "in every process");
    assert_eq!(names[5], bge::Client::new("plain-1", "{}").expect("a client").account());
}
