//! Credentials that are found, and tokens that processes share. Each program has an environment of its own: the
//! example `call`.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::support::{Folder, Sandbox, count, example};

struct Home {
    folder: Folder,
}

impl Home {
    fn new() -> Self {
        let folder = Folder::new("home");
        fs::create_dir(folder.path(".bge")).expect("a folder");
        Home { folder }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.file(&format!(".bge/{name}"), text.as_bytes());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("closed");
        path
    }

    fn command(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
        let mut command = Command::new(example());
        command.env_clear().env("HOME", self.folder.path("")).args(arguments);
        command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn call(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Result<Value, Value> {
        told(self.command(variables, arguments).output().expect("it runs"))
    }
}

fn told(output: Output) -> Result<Value, Value> {
    let json = |bytes: &[u8]| {
        serde_json::from_slice(bytes)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(bytes)))
    };
    if output.status.success() { Ok(json(&output.stdout)) } else { Err(json(&output.stderr)) }
}

fn profile(sandbox: &Sandbox, section: &str, token: Option<Value>) -> String {
    let mut profile = json!({"OAuth2": {"client_id": sandbox.text(&format!("/{section}/client_id")),
        "client_secret": sandbox.text(&format!("/{section}/client_secret")), "endpoint": sandbox.endpoint()}});
    if let Some(token) = token {
        profile["Token"] = token;
    }
    profile.to_string()
}

#[test]
fn options_come_before_the_environment_and_that_before_the_profile() {
    let sandbox = Sandbox::start(&[]);
    let home = Home::new();
    home.file("default.json", &profile(&sandbox, "credentials", None));
    let token = sandbox.text("/access_token");
    let whose = |variables: &[(&str, &str)], options: Value| {
        let options = options.to_string();
        home.call(variables, &["introspect", "{}", &options]).expect("a token")["client_id"].clone()
    };
    let application = Value::from(sandbox.text("/credentials/client_id"));
    assert_eq!(whose(&[], json!({})), application);
    let environment = [("BGE_ACCESS_TOKEN", token), ("BGE_ENDPOINT", sandbox.endpoint())];
    assert_ne!(whose(&environment, json!({})), application);
    let given = json!({"client_id": sandbox.text("/credentials/client_id"),
                       "client_secret": sandbox.text("/credentials/client_secret")});
    assert_eq!(whose(&environment, given), application);
    assert_eq!(whose(&environment, json!({"profile": "default"})), application);
    let pair = [
        ("BGE_CLIENT_ID", sandbox.text("/credentials/client_id")),
        ("BGE_CLIENT_SECRET", sandbox.text("/credentials/client_secret")),
        ("BGE_ENDPOINT", sandbox.endpoint()),
    ];
    assert_eq!(whose(&pair, json!({})), application);
}

#[test]
fn a_profile_is_json_or_the_older_ini_and_the_active_one_is_taken() {
    let sandbox = Sandbox::start(&[]);
    let home = Home::new();
    home.file("lab.ini", &format!(
        "[OAuth2]\nclient_id = {}\nclient_secret = {}\nendpoint = {}\n\n[Token]\naccess_token = {}\nexpires_in = 21600\n",
        sandbox.text("/credentials/client_id"), sandbox.text("/credentials/client_secret"), sandbox.endpoint(),
        sandbox.text("/access_token"),
    ));
    home.file("app.json", &profile(&sandbox, "credentials", None));
    home.file("activate_project", "lab\n");
    home.call(&[], &["get_user"]).expect("the user of the INI file's token");
    let failure =
        home.call(&[("BGE_PROFILE", "app")], &["get_user"]).expect_err("an application has no user");
    assert_eq!(failure["code"], 401);
    home.call(&[], &["get_samples", "{}", r#"{"profile": "app"}"#]).expect("samples");
    let failure = home.call(&[], &["get_user", "{}", r#"{"profile": "other"}"#]).expect_err("there is none");
    assert!(failure["message"].as_str().expect("text").contains("other.json"), "{failure}");
    for name in ["../x", ".hidden", ""] {
        let options = json!({ "profile": name }).to_string();
        assert_eq!(
            home.call(&[], &["get_user", "{}", &options]).expect_err("no name")["status"],
            1,
            "{name}"
        );
    }
}

#[test]
fn what_was_looked_at_is_said() {
    let home = Home::new();
    let failure = home.call(&[], &["get_user"]).expect_err("nothing there");
    let message = failure["message"].as_str().expect("text");
    for part in ["options_json", "BGE_ACCESS_TOKEN", "BGE_CLIENT_ID", ".bge/default.json", ".bge/default.ini"]
    {
        assert!(message.contains(part), "{part}: {message}");
    }
    let failure = home.call(&[("BGE_CLIENT_ID", "x")], &["get_user"]).expect_err("half of it");
    assert!(failure["message"].as_str().expect("text").contains("BGE_CLIENT_SECRET"), "{failure}");
}

#[test]
fn a_malformed_profile_is_named_and_shows_nothing_of_itself() {
    let home = Home::new();
    for (name, text) in [
        ("default.json", r#"{"OAuth2": {"client_id": "x", "client_secret": "canary-secret""#),
        ("default.json", r#"["canary-secret"]"#),
        ("default.json", r#"{"OAuth2": "canary-secret"}"#),
        ("default.json", r#"{"Token": {"refresh_token": "canary-secret"}}"#),
        ("default.json", "{}"),
        ("default.ini", "[OAuth2\nclient_secret = canary-secret"),
    ] {
        let _ = fs::remove_file(home.folder.path(".bge/default.json"));
        home.file(name, text);
        let failure = home.call(&[], &["get_user"]).expect_err(text);
        assert_eq!(failure["status"], 1, "{text}");
        let told = failure.to_string();
        assert!(told.contains(name) && !told.contains("canary"), "{told}");
    }
}

#[test]
fn a_profile_that_others_can_read_is_warned_of() {
    let sandbox = Sandbox::start(&[]);
    let home = Home::new();
    let path = home.file("default.json", &profile(&sandbox, "credentials", None));
    let log = home.folder.path("log.txt");
    let options = json!({ "log_file": log }).to_string();
    home.call(&[], &["get_samples", "{}", &options]).expect("samples");
    assert!(!fs::read_to_string(&log).expect("a log").contains("warning"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("opened");
    home.call(&[], &["get_samples", "{}", &options]).expect("samples");
    let text = fs::read_to_string(&log).expect("a log");
    assert!(text.contains("warning") && text.contains("default.json"), "{text}");
}

#[test]
fn a_stored_refresh_token_is_never_spent() {
    let sandbox = Sandbox::start(&[]);
    let home = Home::new();
    let token = json!({"access_token": "stale", "token_type": "Bearer", "expires_in": "21600", "scope": "",
                       "refresh_token": "somebody-elses"});
    let path = home.file("default.json", &profile(&sandbox, "authorization", Some(token)));
    let before = fs::read_to_string(&path).expect("the profile");
    let failure = home.call(&[], &["get_user"]).expect_err("stale");
    assert_eq!((failure["status"].as_i64(), failure["code"].as_i64()), (Some(6), Some(403)));
    assert!(failure["message"].as_str().expect("text").contains("bge login"), "{failure}");
    assert!(!sandbox.log().iter().any(|entry| entry["path"] == "/oauth2/access_token"));
    assert_eq!(fs::read_to_string(&path).expect("the profile"), before, "profiles are read only");

    // Without a refresh token, the profile's client credentials take over.
    let token = json!({"access_token": "stale", "token_type": "Bearer", "expires_in": "21600"});
    home.file("default.json", &profile(&sandbox, "credentials", Some(token)));
    home.call(&[], &["get_samples"]).expect("samples");
}

#[test]
fn eight_processes_share_renewals_through_a_token_file() {
    let sandbox = Sandbox::start(&[]);
    let home = Home::new();
    let file = home.folder.path("token.json");
    let options = json!({"client_id": sandbox.text("/authorization/client_id"),
        "client_secret": sandbox.text("/authorization/client_secret"), "endpoint": sandbox.endpoint(),
        "token_file": file});
    let oauth2 = sandbox.authorization(json!({}));
    let browser = crate::support::browser();
    let url = oauth2.authorization_url(sandbox.text("/redirect_uri"), None, None).expect("a URL");
    let answer =
        browser.get(format!("{url}&{}", sandbox.text("/authorization_extra_query"))).send().expect("a page");
    let back = url::Url::parse(answer.headers()["location"].to_str().expect("text")).expect("a URL");
    let code = back.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let token = oauth2.exchange_code(&code, sandbox.text("/redirect_uri")).expect("a token");
    fs::write(&file, token.to_string()).expect("a file");
    sandbox.expire("access_tokens");
    sandbox.clear_log();
    let children: Vec<_> = (0..8)
        .map(|_| home.command(&[], &["get_user", "{}", &options.to_string()]).spawn().expect("it runs"))
        .collect();
    for child in children {
        told(child.wait_with_output().expect("it ends")).expect("the user");
    }
    let log = sandbox.log();
    let refreshes = log.iter().filter(|entry| entry["path"] == "/oauth2/access_token").count();
    assert_eq!(refreshes, 1, "one of the eight renewed, the others took what it wrote");
    let written: Value = serde_json::from_str(&fs::read_to_string(&file).expect("the file")).expect("JSON");
    assert_ne!(written["refresh_token"], token["refresh_token"]);
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_environments_proxy_is_honoured() {
    let proxy = Sandbox::start(&[]);
    let home = Home::new();
    let token = ("BGE_ACCESS_TOKEN", proxy.text("/access_token"));
    let variables = [token, ("BGE_ENDPOINT", "http://platform.invalid"), ("http_proxy", proxy.endpoint())];
    home.call(&variables, &["get_user"]).expect("through the proxy");
    let direct = [variables[0], variables[1], variables[2], ("no_proxy", "platform.invalid")];
    let failure =
        home.call(&direct, &["get_user", r#"{"$": {"max_retries": 0}}"#]).expect_err("no such host");
    assert_eq!(failure["status"], 2);
}

#[test]
fn variables_and_profiles_are_read_as_people_write_them() {
    let sandbox = Sandbox::start(&[]);
    let home = Home::new();
    let (id, secret) = (sandbox.text("/credentials/client_id"), sandbox.text("/credentials/client_secret"));
    let around = |text: &str| format!("\u{feff} \t{text}\r\n");
    // And whatever else people, editors and shells may leave there.
    let rests = ["", " ", "\t", "\n", "\r\n", "\r", "\u{a0}", "\u{3000}", "\u{feff}", "\u{feff} \r\n\r\n"];
    for _ in 0..count(2, 80) {
        let any = |text: &str| {
            let rest = || *fastrand::choice(&rests).expect("one");
            format!("{}{}{text}{}{}", rest(), rest(), rest(), rest())
        };
        let (id, secret, endpoint) = (any(id), any(secret), any(sandbox.endpoint()));
        let variables =
            [("BGE_CLIENT_ID", id.as_str()), ("BGE_CLIENT_SECRET", &secret), ("BGE_ENDPOINT", &endpoint)];
        let outcome = home.call(&variables, &["get_samples"]);
        outcome.unwrap_or_else(|failure| panic!("{variables:?}: {failure}"));
    }
    let pair = [around(id), around(secret), around(sandbox.endpoint())];
    let variables = [
        ("BGE_CLIENT_ID", pair[0].as_str()),
        ("BGE_CLIENT_SECRET", pair[1].as_str()),
        ("BGE_ENDPOINT", pair[2].as_str()),
        ("BGE_ACCESS_TOKEN", " \r\n"),
    ];
    home.call(&variables, &["get_samples"]).expect("samples, whatever stands around the values");
    let token = around(sandbox.text("/access_token"));
    home.call(&[("BGE_ACCESS_TOKEN", &token), variables[2]], &["get_user"]).expect("the user");

    let json = profile(&sandbox, "credentials", None);
    home.file("default.json", &format!("\u{feff}{}\r\n", json.replace(",", ",\r\n")));
    home.call(&[], &["get_samples"]).expect("a byte order mark and CRLF");
    home.call(&[("BGE_PROFILE", "default\r\n")], &["get_samples"]).expect("a profile's name with a line end");
    let wide: Vec<u8> = format!("\u{feff}{json}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(home.folder.path(".bge/default.json"), wide).expect("a file");
    home.call(&[], &["get_samples"]).expect("as Windows stores \"Unicode\"");
    fs::remove_file(home.folder.path(".bge/default.json")).expect("it was there");

    let ini = format!(
        "\u{feff}[OAuth2]\r\nclient_id = {id}\r\nclient_secret = {secret}\r\nendpoint: {}\r\n",
        sandbox.endpoint()
    );
    home.file("lab.ini", &ini);
    home.file("activate_project", "\u{feff}lab\r\n");
    home.call(&[], &["get_samples"]).expect("an INI file of Windows");
    fs::remove_file(home.folder.path(".bge/activate_project")).expect("it was there");
    fs::create_dir(home.folder.path(".bge/activate_project")).expect("a folder");
    let failure = home.call(&[], &["get_samples"]).expect_err("another profile would be another account");
    assert!(failure["message"].as_str().expect("text").contains("activate_project"), "{failure}");
}

#[test]
fn quotes_of_an_older_profile_are_part_of_its_values() {
    let sandbox = Sandbox::start(&[]);
    let home = Home::new();
    // What the official client sends for this file, which it reads with configparser: the quotes, too.
    home.file(
        "default.ini",
        &format!(
            "[OAuth2]\nclient_id = \"an id\"\nclient_secret = 'it''s 100%% secret'\nendpoint = {}\n",
            sandbox.endpoint()
        ),
    );
    home.call(&[], &["get_samples"]).expect_err("no such application");
    let log = sandbox.log();
    let form = &log.iter().find(|entry| entry["path"] == "/oauth2/access_token").expect("asked")["form"];
    assert_eq!(
        (&form["client_id"], &form["client_secret"]),
        (&json!("\"an id\""), &json!("'it''s 100% secret'"))
    );
}

#[test]
fn a_variable_that_is_no_text_is_refused_by_name() {
    use std::os::unix::ffi::OsStrExt;
    let home = Home::new();
    home.file("default.json", r#"{"Token": {"access_token": "somebody-elses"}}"#);
    let mut command = home.command(&[], &["get_user"]);
    command.env("BGE_ACCESS_TOKEN", std::ffi::OsStr::from_bytes(b"caf\xe9"));
    let failure = told(command.output().expect("it runs")).expect_err("not UTF-8");
    assert_eq!(failure["status"], 1);
    assert!(failure["message"].as_str().expect("text").contains("BGE_ACCESS_TOKEN"), "{failure}");
}

#[test]
fn a_relative_token_file_means_the_folder_that_the_client_was_made_in() {
    let sandbox = Sandbox::start(&[]);
    let folder = crate::support::Folder::new("relative");
    let (made, later) = (folder.path("made"), folder.path("later"));
    fs::create_dir(&made).expect("a folder");
    fs::create_dir(&later).expect("a folder");
    let source = folder.file("moves.c", MOVES.as_bytes());
    let program = folder.path("moves");
    let root = env!("CARGO_MANIFEST_DIR");
    let libraries = example();
    let libraries =
        libraries.parent().and_then(|path| path.parent()).expect("a target folder").display().to_string();
    let built = Command::new("cc")
        .args([&source, "-o", &program, &format!("-I{root}/include"), &format!("-L{libraries}"), "-lbge"])
        .status();
    assert!(built.expect("a C compiler").success());
    std::os::unix::fs::symlink(format!("{libraries}/libbge.so"), folder.path("libbge.so.0")).expect("a link");
    fs::create_dir(format!("{made}/sub")).expect("a folder");
    let (id, secret) = (sandbox.text("/credentials/client_id"), sandbox.text("/credentials/client_secret"));
    // Ways from the folder to itself and back, and then down.
    let steps = ["./", "sub/../", "../made/", "sub/./../", ".//"];
    let any = |name: &str| {
        let way: String =
            (0..fastrand::usize(..4)).map(|_| *fastrand::choice(&steps).expect("one")).collect();
        format!("{way}{}{name}", ["", "sub/"][fastrand::usize(..2)])
    };
    let mut files = vec![("token.json".to_owned(), "./log.txt".to_owned())];
    files.extend((0..count(2, 40)).map(|_| (any("token.json"), any("log.txt"))));
    for (token, log) in files {
        let options = sandbox.options(json!({"token_file": token, "log_file": log}));
        let mut command = Command::new(&program);
        command
            .args([id, secret, &options, &later])
            .current_dir(&made)
            .env("LD_LIBRARY_PATH", folder.path(""));
        let status = command.status();
        assert!(status.expect("it runs").success(), "{token} {log}");
        for name in [token, log] {
            fs::remove_file(format!("{made}/{name}")).expect(&name);
        }
        assert_eq!(fs::read_dir(&later).expect("a folder").count(), 0);
    }
}

/// Makes a client, goes to another folder, and calls.
const MOVES: &str = r#"
#include <bge.h>
#include <unistd.h>
int main(int argc, char **argv) {
  bge_oauth2_t *oauth2 = NULL;
  bge_api_t *api = NULL;
  char *out = NULL;
  if (argc != 5 || bge_oauth2_new(argv[1], argv[2], argv[3], &oauth2, NULL) != BGE_OK) return 1;
  if (bge_oauth2_get_api(oauth2, NULL, &api, NULL) != BGE_OK || chdir(argv[4]) != 0) return 2;
  if (bge_api_get_samples(api, NULL, &out, NULL) != BGE_OK) return 3;
  bge_string_free(out);
  bge_api_free(api);
  bge_oauth2_free(oauth2);
  return 0;
}
"#;
