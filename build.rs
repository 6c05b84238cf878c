//! Generates the C header into `OUT_DIR`, and gives the shared library its SONAME and its symbols their version.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// The header's sections: the files of `src/ffi`, in the order in which a reader meets them.
const SECTIONS: &[&str] = &[
    "version",
    "text",
    "args",
    "error",
    "client",
    "log",
    "oauth2",
    "doctor",
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
        name_symbols(&PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo")));
    }
}

/// The version node of every exported symbol.
const NODE: &str = "BGE_0";

/// Has the shared library's symbols carry their version node.
///
/// rustc hands the linker a list of what is exported, as a version script without a node, and no linker takes a second
/// script beside such a one. So the list is given its node on the way: gcc runs the linker, whichever it is, through a
/// wrapper that writes the node's name in front. The static library is not linked, and stays as it is.
fn name_symbols(out: &Path) {
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let told = Command::new(&linker).arg("--version").output();
    let is_gcc =
        told.is_ok_and(|told| String::from_utf8_lossy(&told.stdout).contains("Free Software Foundation"));
    let wrapper = out.join("link-with-node");
    if !is_gcc || wrapper.to_string_lossy().contains(',') {
        println!("cargo:warning={} is not gcc: symbols get no version {NODE}", linker.to_string_lossy());
        return;
    }
    let script = format!(
        "#!/bin/sh\n\
         # The linker, after the list of exported symbols was given the version node {NODE}.\n\
         for word; do\n\
         \x20 case $word in --version-script=*) sed -i '1s/^{{/{NODE} {{/' \"${{word#*=}}\" ;; esac\n\
         done\n\
         exec \"$@\"\n"
    );
    fs::write(&wrapper, script).expect("OUT_DIR is writable");
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).expect("OUT_DIR is ours");
    println!("cargo:rustc-cdylib-link-arg=-wrapper");
    println!("cargo:rustc-cdylib-link-arg={}", wrapper.display());
}

fn header(root: &Path) -> String {
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let mut macros = config.after_includes.take().expect("macros and the Arrow interfaces");
    for part in ["MAJOR", "MINOR", "PATCH"] {
        let number = env::var(format!("CARGO_PKG_VERSION_{part}")).expect("set by cargo");
        macros = macros.replace(&format!("@{part}@"), &number);
    }
    config.after_includes = Some(macros);
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
    // cbindgen puts the prefix now beside a function and now above it. What can fail says so to the compiler.
    header = header.replace("\nBGE_API ", "\nBGE_API\n");
    header = header.replace("\nBGE_API\nbge_status_t ", "\nBGE_NODISCARD BGE_API\nbge_status_t ");
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
