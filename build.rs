//! Generates the C header into `OUT_DIR` and gives the shared library its SONAME.

use std::{env, fs, path::PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=src/ffi");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-env-changed=BGE_UPDATE_HEADER");

    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let generated = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo")).join("bge.h");
    println!("cargo:rustc-env=BGE_GENERATED_HEADER={}", generated.display());

    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let mut builder = cbindgen::Builder::new().with_config(config);
    let mut sources: Vec<_> = fs::read_dir(root.join("src/ffi"))
        .expect("src/ffi")
        .map(|entry| entry.expect("src/ffi").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    // The header is read from top to bottom: the noun files follow in the order named here.
    let order = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("").to_owned();
        let rank = ["mod", "version", "text", "error", "log", "oauth2", "client"];
        (rank.iter().position(|name| *name == stem).unwrap_or(rank.len()), stem)
    };
    sources.sort_by_key(order);
    for source in sources {
        builder = builder.with_src(source);
    }
    builder.generate().expect("a header from src/ffi").write_to_file(&generated);
    if env::var_os("BGE_UPDATE_HEADER").is_some() {
        fs::copy(&generated, root.join("include/bge.h")).expect("include/bge.h");
    }

    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libbge.so.0");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
