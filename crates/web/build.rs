//! Lists the files of the page, its modules joined to one, so that they become part of the program: no tool but the compiler is
//! needed.

#[path = "build/bundle.rs"]
mod bundle;

use std::{
    env, fs,
    io::{Error, Result},
    path::{Path, PathBuf},
};

/// The module that the page begins with.
const ENTRY: &str = "app.js";

fn main() -> Result<()> {
    let page = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("page");
    let out = PathBuf::from(variable("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", page.display());
    println!("cargo::rerun-if-changed=build");
    let read = |path: &str| fs::read_to_string(page.join(path)).map_err(|error| format!("page/{path}: {error}"));
    let joined = bundle::bundle(ENTRY, &read).map_err(Error::other)?;
    fs::write(out.join(ENTRY), &joined.text)?;
    let mut paths = Vec::new();
    files(&page, &mut paths)?;
    paths.sort();
    let mut text = String::from("static FILES: &[(&str, &str, &[u8])] = &[\n");
    for path in paths {
        let name = path.strip_prefix(&page).map_err(Error::other)?.to_string_lossy().replace('\\', "/");
        let media =
            media_type(&name).ok_or_else(|| Error::other(format!("page/{name}: files of its kind are not served")))?;
        let path = match name.as_str() {
            ENTRY => out.join(ENTRY),
            _ if joined.parts.contains(&name) => continue,
            other if other.ends_with(".js") && !other.starts_with(bundle::LIBRARIES) => {
                return Err(Error::other(format!("page/{name}: nothing imports it")));
            }
            _ => path,
        };
        text.push_str(&format!("    ({name:?}, {media:?}, include_bytes!({path:?})),\n"));
    }
    text.push_str("];\n");
    fs::write(out.join("page_files.rs"), text)
}

fn variable(name: &str) -> Result<String> {
    env::var(name).map_err(|error| Error::other(format!("{name}: {error}")))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => files(&path, found)?,
            false => found.push(path),
        }
    }
    Ok(())
}

fn media_type(name: &str) -> Option<&'static str> {
    let last = name.rsplit('/').next()?;
    match last.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => Some("text/html; charset=utf-8"),
        Some("js") => Some("text/javascript; charset=utf-8"),
        Some("css") => Some("text/css; charset=utf-8"),
        Some("svg") => Some("image/svg+xml"),
        Some("png") => Some("image/png"),
        Some("ico") => Some("image/x-icon"),
        Some("woff2") => Some("font/woff2"),
        Some("json" | "map") => Some("application/json"),
        Some("txt" | "md") | None => Some("text/plain; charset=utf-8"),
        Some(_) => None,
    }
}
