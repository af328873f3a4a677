//! The archive and the Debian package, made of the binary that was built for these tests: they hold what they should, and
//! the binary runs where nothing else is.

#![allow(clippy::unwrap_used)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
    thread,
    time::Duration,
};

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docker/dist").join(name)
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The binary packed once for all tests, quickly and not small, as a release would be found: the folder of the files. It
/// is in the folder of builds and made again by the next run, since nothing of a process ends what it keeps for all tests.
fn packed() -> PathBuf {
    static PACKED: LazyLock<PathBuf> = LazyLock::new(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dist/latest/download");
        let _ = fs::remove_dir_all(&out);
        run(Command::new(script("pack.sh")).arg(env!("CARGO_BIN_EXE_beamline")).arg(&out).env("LEVEL", "1"));
        out
    });
    PACKED.clone()
}

/// The one file in a folder whose name ends so.
fn ending(folder: &Path, end: &str) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> = files.filter(|path| path.to_str().unwrap().ends_with(end)).collect();
    let [file] = found.as_slice() else { panic!("{found:?}") };
    file.clone()
}

/// Runs a command with an empty environment, without a network but loopback, in a folder.
fn alone(folder: &Path, command: &str) -> Output {
    // Whoever is not root needs a user namespace of its own to have a network namespace of its own.
    let namespaces = ["--map-root-user", "--net"];
    let inside = format!("ip link set lo up 2>/dev/null; cd '{}' && exec env -i {command}", folder.display());
    Command::new("unshare").args(namespaces).args(["sh", "-c", &inside]).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_archive_runs_in_an_empty_folder_without_environment_or_network() {
    let folder = tempfile::tempdir().unwrap();
    let out = packed();
    run(Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", "SHA256SUMS-x86_64-unknown-linux-gnu"])
        .current_dir(&out));

    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let archive = ending(&out, ".tar.gz");
    run(Command::new("tar").args(["--strip-components=1", "-xzf"]).arg(&archive).current_dir(&empty));
    for file in
        ["LICENSE", "README.txt", "completions/_beamline", "completions/beamline.fish", "man/beamline-topics-apply.1"]
    {
        assert!(empty.join(file).is_file(), "{file} is not in {}", archive.display());
    }
    run(Command::new("bash").arg("-n").arg(empty.join("completions/beamline.bash")));
    let page = fs::read_to_string(empty.join("man/beamline-run.1")).unwrap();
    assert!(page.contains(".SH SYNOPSIS") && page.contains("commit\\-interval"), "{page}");

    let demo = said(&alone(&empty, "./beamline demo --for 1s"));
    assert!(demo.starts_with("particle-physics: stopped"), "{demo}");
    let count = said(&alone(&empty, "./beamline query --format csv 'SELECT count(*) > 0 FROM processed_data'"));
    assert_eq!(count.lines().nth(1), Some("true"), "{count}");
    // And there is no network: nothing but loopback, and nobody on it.
    let away = alone(&empty, "./beamline check-config --connect --kafka 192.0.2.1:9092 none.yaml");
    assert_eq!(away.status.code(), Some(64), "{away:?}");
}

#[test]
fn the_same_binary_gives_the_same_archive() {
    let folder = tempfile::tempdir().unwrap();
    // Another file in place of the binary: this is about the packing.
    let program = folder.path().join("program");
    fs::write(
        &program,
        "#!/bin/sh\n[ \"$1\" != man ] || { mkdir -p \"$3\"; echo page >\"$3/beamline.1\"; }\necho script\n",
    )
    .unwrap();
    run(Command::new("chmod").arg("755").arg(&program));
    let sums = ["first", "second"].map(|name| {
        // Times in an archive are whole seconds: the second one is made in another.
        thread::sleep(Duration::from_millis(1100));
        let out = folder.path().join(name);
        run(Command::new(script("pack.sh")).arg(&program).arg(&out).env("TARGET", "aarch64-unknown-linux-gnu"));
        fs::read_to_string(out.join("SHA256SUMS-aarch64-unknown-linux-gnu")).unwrap()
    });
    assert_eq!(sums[0], sums[1]);
    assert!(sums[0].contains("beamline-0.1.0-aarch64-unknown-linux-gnu.tar.gz"), "{}", sums[0]);
}

#[test]
fn the_debian_package_installs_where_debian_looks() {
    if Command::new("dpkg-deb").arg("--version").output().is_err() {
        // Only Debian and its like make packages.
        return;
    }
    let out = packed();
    let package = ending(&out, ".deb");
    let files = run(Command::new("dpkg-deb").arg("--contents").arg(&package));
    for file in [
        "./usr/bin/beamline",
        "./usr/share/man/man1/beamline.1.gz",
        "./usr/share/bash-completion/completions/beamline",
        "./usr/share/doc/beamline/copyright",
    ] {
        let line =
            files.lines().find(|line| line.ends_with(file)).unwrap_or_else(|| panic!("{file} is not in {files}"));
        assert!(line.contains("root/root"), "{line}");
    }
    let field = |name: &str| run(Command::new("dpkg-deb").arg("--field").arg(&package).arg(name)).trim().to_owned();
    assert_eq!((field("Package").as_str(), field("Version").as_str()), ("beamline", env!("CARGO_PKG_VERSION")));
    assert_eq!(field("Depends"), "libc6 (>= 2.31)");
}

#[test]
fn the_installer_takes_what_its_checksum_is_of_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let releases = folder.path().join("releases");
    let latest = releases.join("latest/download");
    fs::create_dir_all(&latest).unwrap();
    let archive = ending(&packed(), ".tar.gz");
    for file in [archive.clone(), ending(&packed(), "-gnu"), packed().join("install.sh")] {
        fs::copy(&file, latest.join(file.file_name().unwrap())).unwrap();
    }
    let install = |to: &str| {
        let mut command = Command::new("sh");
        command.arg(latest.join("install.sh")).env("TO", folder.path().join(to));
        command.env("BEAMLINE_RELEASES", format!("file://{}", releases.display())).output().unwrap()
    };
    let installed = said(&install("bin"));
    assert!(installed.starts_with(concat!("installed beamline ", env!("CARGO_PKG_VERSION"))), "{installed}");
    assert!(folder.path().join("bin/beamline").is_file());
    let script = fs::read_to_string(latest.join("install.sh")).unwrap();
    assert!(script.contains("https://github.com/beamline/beamline/releases}"), "{script}");

    let archive = latest.join(archive.file_name().unwrap());
    let mut bytes = fs::read(&archive).unwrap();
    bytes.push(0);
    fs::write(&archive, bytes).unwrap();
    let refused = install("other");
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("is not that of SHA256SUMS"), "{text}");
    assert!(!folder.path().join("other").exists());
}

/// What the manifest says to `cargo binstall` is where the files of a release are, with the names that they have.
#[test]
fn cargo_binstall_is_told_the_names_that_are_packed() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let value = |name: &str| {
        let line = manifest.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
        let value = line.split('"').nth(1).unwrap().replace("{ repo }", "");
        let value = value.replace("{ version }", env!("CARGO_PKG_VERSION")).replace("{ bin }", "beamline");
        value.replace("{ target }", "x86_64-unknown-linux-gnu")
    };
    let archive = ending(&packed(), ".tar.gz");
    let url = value("pkg-url");
    let name = archive.file_name().unwrap().to_str().unwrap();
    assert_eq!(url, format!("/releases/download/v{}/{name}", env!("CARGO_PKG_VERSION")));
    let files = run(Command::new("tar").arg("-tzf").arg(&archive));
    assert!(files.lines().any(|file| file == value("bin-dir")), "{} is not in {files}", value("bin-dir"));
    assert_eq!(value("pkg-fmt"), "tgz");
}

/// The check of `make dist`, on a binary that asks for a known version.
#[test]
fn a_binary_that_asks_for_a_newer_c_library_is_refused() {
    let check =
        |max: &str| Command::new(script("glibc.sh")).args([env!("CARGO_BIN_EXE_beamline"), max]).output().unwrap();
    let needed = said(&check("9.99"));
    let needed = needed.trim();
    assert!(needed.starts_with("2."), "{needed}");
    assert!(check(needed).status.success());
    let refused = check("2.2.5");
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && text.contains(&format!("needs glibc {needed}, which is newer than 2.2.5")),
        "{text}"
    );
}
