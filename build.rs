//! Generates the C header into `OUT_DIR` and gives the shared library its SONAME.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The header's sections: the files of `src/ffi`, in the order in which a reader meets them.
const SECTIONS: [&str; 22] = [
    "version",
    "text",
    "error",
    "client",
    "log",
    "oauth2",
    "account",
    "samples",
    "variants",
    "microbiome",
    "files",
    "transfers",
    "reader",
    "writer",
    "streams",
    "models",
    "services",
    "reports",
    "op",
    "ops",
    "pages",
    "table",
];

fn main() {
    println!("cargo:rerun-if-changed=src/ffi");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-env-changed=BGE_UPDATE_HEADER");

    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let generated = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo")).join("bge.h");
    println!("cargo:rustc-env=BGE_GENERATED_HEADER={}", generated.display());

    fs::write(&generated, header(&root)).expect("OUT_DIR is writable");
    if env::var_os("BGE_UPDATE_HEADER").is_some() {
        fs::create_dir_all(root.join("include")).expect("include");
        fs::copy(&generated, root.join("include/bge.h")).expect("include/bge.h");
    }

    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libbge.so.0");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}

fn header(root: &Path) -> String {
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let mut builder = cbindgen::Builder::new().with_config(config);
    let mut titles = Vec::new();
    for section in SECTIONS {
        let path = root.join("src/ffi").join(section).with_extension("rs");
        let Ok(source) = fs::read_to_string(&path) else { continue };
        builder = builder.with_src(&path);
        titles.extend(title(&source));
    }
    let mut header = Vec::new();
    builder.generate().expect("a header from src/ffi").write(&mut header);
    let mut header = String::from_utf8(header).expect("UTF-8");
    for (title, function) in titles {
        let at =
            header.find(&format!("{function}(")).and_then(|at| header[..at].rfind("/*\n")).expect(&function);
        header.insert_str(at, &format!("/* ---- {title} ---- */\n\n"));
    }
    header
}

/// A file's first line of documentation, and its first function.
fn title(source: &str) -> Option<(String, String)> {
    let title = source.lines().next()?.strip_prefix("//! ")?.trim_end_matches('.').to_owned();
    let function = source.split("extern \"C\" fn ").nth(1)?.split('(').next()?.to_owned();
    Some((title, function))
}
