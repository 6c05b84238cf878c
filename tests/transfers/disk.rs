//! What transfers do to the disk: nothing is written where it should not be, and what cannot end well does not begin.

use std::{
    ffi::{CString, OsStr},
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
};

use bge::ffi::version::*;
use serde_json::json;

use crate::{
    content::{MIB, bytes, count, open_uploads, stored},
    handles::Transfers,
    kills::{command, outcome},
    records::{asked_for, interrupted, names_in, store_gets, upload_args, uploaded},
    support::{self, Folder, Sandbox, c::Api},
};

#[test]
fn devices_pipes_and_sockets_are_not_replaced() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let object = uploaded(&api, "a.bin", b"content");
    let pipe = CString::new(folder.path("pipe")).expect("no NUL");
    // SAFETY: the path is NUL-terminated.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
    let _socket = UnixListener::bind(folder.path("socket")).expect("a socket");
    symlink("pipe", folder.path("link")).expect("a link");
    symlink("/dev/null", folder.path("null")).expect("a link");
    let before = names_in(&folder);
    sandbox.clear_log();
    for name in ["pipe", "socket", "link", "null", "/dev/null"] {
        let path = if name.starts_with('/') { name.to_owned() } else { folder.path(name) };
        let failure = api.download(&object, &path, json!({})).expect_err(name);
        assert_eq!(failure.status, BGE_ERR_IO, "{name}: {failure:?}");
    }
    assert_eq!(sandbox.log().len(), 0, "nothing was asked for");
    assert_eq!(names_in(&folder), before);
    let kind = |name: &str| fs::symlink_metadata(folder.path(name)).expect(name).file_type();
    assert!(kind("pipe").is_fifo() && kind("socket").is_socket() && kind("link").is_symlink());
    assert!(fs::metadata("/dev/null").expect("it").file_type().is_char_device());
    // A link that leads to nothing yet is written through.
    symlink("later.bin", folder.path("early")).expect("a link");
    api.download(&object, &folder.path("early"), json!({})).expect("a download");
    assert!(kind("early").is_symlink());
    assert_eq!(fs::read(folder.path("later.bin")).expect("the file"), b"content");
}

#[test]
fn pipes_without_another_end_and_files_without_an_end_hold_nobody_up() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("disk");
    let pipe = folder.path("pipe");
    let c_path = CString::new(pipe.clone()).expect("no NUL");
    // SAFETY: the path is NUL-terminated.
    assert_eq!(unsafe { libc::mkfifo(c_path.as_ptr(), 0o600) }, 0);
    let token = sandbox.text("/access_token");
    for (option, file) in [("log_file", pipe.as_str()), ("ca_file", "/dev/zero")] {
        let options = sandbox.options(json!({"log": "debug", (option): file}));
        let failure = Api::new(token, &options).err().expect(option);
        assert_eq!(failure.status, BGE_ERR_ARGUMENT, "{failure:?}");
        assert!(failure.message.contains(option), "{failure:?}");
    }
    let api = sandbox.api(json!({}));
    sandbox.clear_log();
    for (call, args) in [
        ("deploy_model", json!({"model_id": "m", "source_file": pipe})),
        ("upload_file", json!({"path": pipe})),
    ] {
        assert_eq!(api.call(call, args).expect_err(call).status, BGE_ERR_IO, "{call}");
    }
    assert_eq!(sandbox.log().len(), 0, "nothing was sent");
    // A pipe that somebody reads gets the lines.
    let reader = fs::OpenOptions::new().read(true).write(true).open(&pipe).expect("the pipe");
    let options = sandbox.options(json!({"log": "debug", "log_file": pipe}));
    let api = Api::new(token, &options).expect("a client");
    api.call("get_samples", json!({"limit": 1})).expect("a call");
    let mut line = [0; 64];
    assert!(std::io::Read::read(&mut &reader, &mut line).expect("a line") > 0);
}

/// A file that is mounted by itself, as containers do: whoever can mount one tries it, and everybody tries one that is
/// there already.
#[test]
fn a_mounted_file_is_refused_before_anything_is_fetched() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let object = uploaded(&api, "a.bin", b"content");
    let path = folder.file("mounted", b"before");
    let c_path = CString::new(path.clone()).expect("no NUL");
    // SAFETY: the paths are NUL-terminated; a bind mount takes neither type nor data.
    let mounted = unsafe {
        let null = std::ptr::null();
        libc::mount(c_path.as_ptr(), c_path.as_ptr(), null, libc::MS_BIND, null.cast()) == 0
    };
    sandbox.clear_log();
    let outcome = api.download(&object, &path, json!({}));
    if mounted {
        let asked = sandbox.log().len();
        // SAFETY: the path is NUL-terminated.
        assert_eq!(unsafe { libc::umount2(c_path.as_ptr(), libc::MNT_DETACH) }, 0);
        let failure = outcome.expect_err("it cannot be replaced");
        assert_eq!((failure.status, asked), (BGE_ERR_IO, 0), "{failure:?}");
        assert!(failure.message.contains("mounted"), "{failure:?}");
        assert_eq!(fs::read(&path).expect("the file"), b"before");
    } else {
        outcome.expect("an ordinary file");
    }
    assert_eq!(names_in(&folder), ["mounted"]);
}

#[test]
fn planted_links_lead_nowhere() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(2, 9 * MIB);
    let object = uploaded(&api, "a.bin", &content);
    for (planted, may_work) in [("a.bin.bge-part", false), ("a.bin.bge-part.state", true)] {
        let folder = Folder::new("disk");
        let victim = folder.file("victim", b"precious");
        symlink(&victim, folder.path(planted)).expect("a link");
        let outcome = api.download(&object, &folder.path("a.bin"), json!({}));
        match outcome {
            Ok(_) => assert!(may_work && fs::read(folder.path("a.bin")).expect("the file") == content),
            Err(failure) => assert_eq!((failure.status, may_work), (BGE_ERR_IO, false), "{failure:?}"),
        }
        assert_eq!(fs::read(&victim).expect("it"), b"precious", "{planted}");
        fs::hard_link(&victim, folder.path("b.bin.bge-part")).expect("a link");
        let failure = api.download(&object, &folder.path("b.bin"), json!({})).expect_err("another name");
        assert_eq!(failure.status, BGE_ERR_IO);
        assert_eq!(fs::read(&victim).expect("it"), b"precious");
    }
    // In a checkpoint folder the upload goes on without a record.
    let folder = Folder::new("disk");
    let victim = folder.file("victim", b"precious");
    let path = folder.file("a.bin", &bytes(3, 1_000_000));
    interrupted(&sandbox, &api, &folder, &path);
    let record =
        fs::read_dir(folder.path("checkpoints")).expect("it").next().expect("one").expect("it").path();
    fs::remove_file(&record).expect("the record");
    symlink(&victim, &record).expect("a link");
    api.upload_file(&path, upload_args(&folder)).expect("an upload");
    assert_eq!(fs::read(&victim).expect("it"), b"precious");
}

#[test]
fn what_only_its_owner_may_read_stays_so() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let object = uploaded(&api, "a.bin", b"content");
    let mode = |path: &str| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    for rights in [0o600, 0o640, 0o444] {
        let path = folder.file("a.bin", b"old");
        fs::set_permissions(&path, fs::Permissions::from_mode(rights)).expect("rights");
        api.download(&object, &path, json!({})).expect("a download");
        assert_eq!((mode(&path), fs::read(&path).expect("it")), (rights, b"content".to_vec()));
        fs::remove_file(&path).expect("the file");
    }
    // A new one is as any new file.
    let usual = folder.file("usual", b"");
    api.download(&object, &folder.path("a.bin"), json!({})).expect("a download");
    assert_eq!(mode(&folder.path("a.bin")), mode(&usual));
}

#[test]
fn names_as_long_as_they_may_be() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let content = bytes(8, 20 * MIB);
    let object = uploaded(&api, "a.bin", &content);
    let mut names = vec!["样".repeat(85), "a".repeat(255), format!("{}.bam", "b".repeat(240))];
    // From those that are kept whole beside the file to the longest, in letters of one byte to four.
    names.extend((0..support::count(2, 40)).map(|round| {
        let mut name = "样".repeat(if round % 2 == 0 { fastrand::usize(1..86) } else { 70 });
        while round % 2 == 1 && name.len() < fastrand::usize(210..252) {
            name.push(*fastrand::choice(&['a', 'é', '样', '𠀀']).expect("one"));
        }
        name
    }));
    for name in names {
        println!("{name}");
        let path = folder.path(&name);
        sandbox.fault(json!({"method": "GET", "side": "store", "kind": "truncate", "bytes": 17 * MIB}));
        let args = json!({"multipart_num_threads": 1, "$": {"max_retries": 0}});
        api.download(&object, &path, args.clone()).expect_err("interrupted");
        sandbox.clear_log();
        api.download(&object, &path, args).expect("the rest");
        assert!(fs::read(&path).expect("the file") == content);
        let asked: u64 = store_gets(&sandbox).iter().map(asked_for).sum();
        assert!(asked < 5 * MIB as u64, "{asked}");
        fs::remove_file(&path).expect("the file");
    }
    sandbox.clear_log();
    let failure = api.download(&object, &folder.path(&"c".repeat(256)), json!({})).expect_err("too long");
    assert_eq!((failure.status, sandbox.log().len()), (BGE_ERR_IO, 0));
    assert_eq!(names_in(&folder).len(), 0);
}

#[test]
fn what_cannot_end_well_does_not_begin() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let object = uploaded(&api, "a.bin", &bytes(9, 40 * MIB));
    sandbox.clear_log();
    let failure = api.download(&object, &folder.path("new/"), json!({})).expect_err("no folder");
    assert_eq!((failure.status, sandbox.log().len()), (BGE_ERR_ARGUMENT, 0), "{failure:?}");
    for round in 0..support::count(2, 40) {
        let connections = if round % 2 == 0 { 1 } else { 4 };
        let room = if round < 2 { 9 * MIB as u64 } else { fastrand::u64(0..40 * MIB as u64) };
        let args = json!({"object_name": object, "path": folder.path("a.bin"), "multipart_num_threads": connections});
        let failed =
            outcome(&mut command(&sandbox, "download", &args, Some(room), &json!({}))).expect_err("no room");
        assert_eq!(failed["status"], BGE_ERR_IO, "{failed}");
        assert_eq!(store_gets(&sandbox).len(), 1, "the first answer tells it");
    }
    assert_eq!(names_in(&folder).len(), 0);
}

#[test]
fn folders_whose_names_are_no_text() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let content = bytes(10, 1_000_000);
    // "data" in Chinese, as GBK spells it; and any bytes that may be a name.
    let mut spelled = vec![b"\xca\xfd\xbe\xdd".to_vec()];
    spelled.extend((0..support::count(1, 15)).map(|_| {
        let bytes = (0..fastrand::usize(3..255)).map(|_| fastrand::u8(1..));
        bytes.filter(|byte| *byte != b'/').chain([0xff]).collect::<Vec<u8>>()
    }));
    for name in &spelled {
        println!("{name:?}");
        a_folder_of_this_name(
            &sandbox,
            &folder,
            &content,
            Path::new(&folder.path("")).join(OsStr::from_bytes(name)),
        );
    }
    drop(api);
}

fn a_folder_of_this_name(sandbox: &Sandbox, folder: &Folder, content: &[u8], gbk: PathBuf) {
    fs::create_dir(&gbk).expect("a folder");
    fs::write(gbk.join("a.bin"), content).expect("a file");
    let mut args = upload_args(folder);
    args["path"] = "a.bin".into();
    args["checkpoint_dir"] = "checkpoints".into();
    sandbox.fault(json!({"query": "*partNumber=5*", "kind": "reset"}));
    outcome(command(sandbox, "upload_file", &args, None, &json!({})).current_dir(&gbk))
        .expect_err("interrupted");
    sandbox.clear_faults();
    sandbox.clear_log();
    let done = outcome(command(sandbox, "upload_file", &args, None, &json!({})).current_dir(&gbk))
        .expect("the rest");
    assert_eq!(count(&sandbox.log(), "PUT", "partNumber="), 6);
    let name = done["object_name"].as_str().expect("a name");
    assert_eq!(stored(sandbox, name).as_deref(), Some(content));
    let args = json!({"object_name": name, "path": "down.bin"});
    outcome(command(sandbox, "download", &args, None, &json!({})).current_dir(&gbk)).expect("a download");
    assert!(fs::read(gbk.join("down.bin")).expect("the file") == content);

    // What cannot have a name in the store is said, and the rest is taken.
    fs::write(gbk.join(OsStr::from_bytes(b"\xca\xfd.txt")), b"x").expect("a file");
    let failure =
        outcome(command(sandbox, "upload_dir", &json!({"path": "."}), None, &json!({})).current_dir(&gbk));
    let files = failure.expect_err("one name is no text")["files"].clone();
    let told: Vec<bool> =
        files.as_array().expect("files").iter().map(|f| f["result"]["verified"] == true).collect();
    assert_eq!(told.iter().filter(|good| **good).count(), 2, "{files}");
    assert!(files.to_string().contains("UTF-8"), "{files}");
}

#[test]
fn folders_whose_names_look_alike_as_text_are_told_apart() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("disk");
    let mut args = upload_args(&folder);
    args["path"] = "a.bin".into();
    // "data" and "number", as GBK spells them: as UTF-8 all of their bytes are wrong.
    let names: [&[u8]; 2] = [b"\xca\xfd\xbe\xdd", b"\xba\xc5\xc2\xeb"];
    let places = names.map(|name| Path::new(&folder.path("")).join(OsStr::from_bytes(name)));
    let contents = [bytes(15, 1_000_000), bytes(16, 1_000_000)];
    let options = json!({"log": "debug", "log_file": "log.txt"});
    for (place, content) in places.iter().zip(&contents) {
        fs::create_dir(place).expect("a folder");
        fs::write(place.join("a.bin"), content).expect("a file");
        sandbox.fault(json!({"query": "*partNumber=5*", "kind": "reset"}));
        outcome(command(&sandbox, "upload_file", &args, None, &options).current_dir(place))
            .expect_err("interrupted");
        sandbox.clear_faults();
        assert!(fs::metadata(place.join("log.txt")).expect("the log").len() > 0);
    }
    assert_eq!(open_uploads(&sandbox), 2, "each has its own");
    for (place, content) in places.iter().zip(&contents) {
        sandbox.clear_log();
        let done = outcome(command(&sandbox, "upload_file", &args, None, &json!({})).current_dir(place))
            .expect("the rest");
        assert_eq!(count(&sandbox.log(), "PUT", "partNumber="), 6, "{}", place.display());
        let name = done["object_name"].as_str().expect("a name");
        assert_eq!(stored(&sandbox, name).as_deref(), Some(&content[..]));
    }
}
