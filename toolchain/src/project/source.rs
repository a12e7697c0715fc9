//! Upstream sources: fetched by a registry's ordinary client, checked by SHA-256, unpacked into the cache.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use flate2::read::GzDecoder;
use zvm_sysroot::{Cache, Progress, sha256_file};

use super::debian;
use super::manifest::{Kind, Provider};

/// Every source that the providers name, each from the first provider that works: name and folder.
///
/// # Errors
/// For some source none works; all their reasons.
pub fn fetch_all(
    providers: &[Provider],
    cache: &Cache,
    progress: &Progress,
) -> Result<Vec<(String, PathBuf)>> {
    let mut sources: Vec<(String, PathBuf)> = Vec::new();
    for provider in providers {
        if sources.iter().any(|(name, _)| **name == *provider.name) {
            continue;
        }
        let alternatives: Vec<_> = providers
            .iter()
            .filter(|other| other.name == provider.name)
            .collect();
        sources.push((
            provider.name.to_string(),
            fetch_first(&alternatives, cache, progress)?,
        ));
    }
    Ok(sources)
}

fn fetch_first(alternatives: &[&Provider], cache: &Cache, progress: &Progress) -> Result<PathBuf> {
    if let Some(folder) = alternatives
        .iter()
        .find_map(|provider| unpacked(provider, cache))
    {
        return Ok(folder);
    }
    let mut reasons = String::new();
    for provider in alternatives {
        match fetch(provider, cache, progress) {
            Ok(folder) => return Ok(folder),
            Err(error) => reasons.push_str(&format!("\n- {}: {error:#}", provider)),
        }
    }
    bail!(
        "cannot get the source `{}`:{reasons}",
        &*alternatives[0].name
    )
}

/// Where the provider's archive is unpacked. The hash is in the name, so another pin is another folder.
fn folder(provider: &Provider, cache: &Cache) -> PathBuf {
    let name = format!(
        "{}-{}-{}",
        &*provider.package,
        &*provider.version,
        &provider.sha256[..16]
    );
    cache.sources().join(name)
}

fn unpacked(provider: &Provider, cache: &Cache) -> Option<PathBuf> {
    let root = folder(provider, cache).join(&provider.root);
    root.is_dir().then_some(root)
}

fn fetch(provider: &Provider, cache: &Cache, progress: &Progress) -> Result<PathBuf> {
    let _lock = cache.lock(progress)?;
    if let Some(root) = unpacked(provider, cache) {
        return Ok(root);
    }
    let _phase = progress.spinner(&format!("fetching the {}", provider));
    let staging = cache.staging()?;
    let download = staging.path().join("download");
    fs::create_dir(&download)?;
    let archive = match provider.kind {
        Kind::Crate => from_crates(provider, &download)?,
        Kind::Pypi => from_pypi(provider, &download)?,
        Kind::Debian => debian::download(provider, &download)?,
    };
    let found =
        sha256_file(&archive).with_context(|| format!("cannot read {}", archive.display()))?;
    if found != *provider.sha256 {
        bail!(
            "{} has SHA-256 {found}, but the pin is {}",
            archive.display(),
            &*provider.sha256
        );
    }
    let unpacked = staging.path().join("unpacked");
    unpack(&archive, &unpacked).with_context(|| format!("cannot unpack {}", archive.display()))?;
    let top = only_folder(&unpacked)?;
    let target = folder(provider, cache);
    fs::create_dir_all(cache.sources())?;
    if target.exists() {
        fs::rename(&target, staging.path().join("old"))?;
    }
    fs::rename(&top, &target).with_context(|| format!("cannot create {}", target.display()))?;
    let root = target.join(&provider.root);
    if !root.is_dir() {
        bail!("the archive has no folder `{}`", provider.root);
    }
    Ok(root)
}

/// The `.crate` file, from cargo's own cache.
fn from_crates(provider: &Provider, scratch: &Path) -> Result<PathBuf> {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .ok_or_else(|| anyhow!("neither CARGO_HOME nor HOME is set"))?;
    let file = format!("{}-{}.crate", &*provider.package, &*provider.version);
    let cached = || -> Option<PathBuf> {
        let registries = fs::read_dir(home.join("registry/cache")).ok()?;
        registries
            .flatten()
            .map(|registry| registry.path().join(&file))
            .find(|path| path.is_file())
    };
    if let Some(path) = cached() {
        return Ok(path);
    }
    // Cargo fetches for a project, so here is one that depends on the crate.
    let manifest = format!(
        "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n\
         [dependencies]\n{} = {{ version = \"={}\", default-features = false }}\n",
        &*provider.package, &*provider.version
    );
    fs::write(scratch.join("Cargo.toml"), manifest)?;
    fs::write(scratch.join("lib.rs"), "")?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    client(
        Command::new(cargo)
            .arg("fetch")
            .arg("--quiet")
            .arg("--manifest-path")
            .arg(scratch.join("Cargo.toml")),
    )?;
    cached().ok_or_else(|| {
        anyhow!(
            "cargo fetch did not leave {file} in {}",
            home.join("registry/cache").display()
        )
    })
}

/// The source distribution.
fn from_pypi(provider: &Provider, scratch: &Path) -> Result<PathBuf> {
    client(
        Command::new("python3")
            .args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-input",
                "--disable-pip-version-check",
                "--no-deps",
            ])
            // pip asks the package about itself before it hands the archive over, with the tools that the package names: those
            // may be binaries.
            .args(["--no-binary", &*provider.package, "--dest"])
            .arg(scratch)
            .arg(format!("{}=={}", &*provider.package, &*provider.version)),
    )?;
    let mut files = fs::read_dir(scratch)?.flatten().map(|entry| entry.path());
    files.next().ok_or_else(|| anyhow!("pip left no file"))
}

/// Runs a registry's client; what it says on failure becomes the error.
pub(super) fn client(command: &mut Command) -> Result<Vec<u8>> {
    let name = command.get_program().to_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} does not start", name.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{} ended with {}: {}",
            name.display(),
            output.status,
            said.trim_end()
        );
    }
    Ok(output.stdout)
}

fn unpack(archive: &Path, into: &Path) -> Result<()> {
    fs::create_dir(into)?;
    let extension = archive.extension().and_then(OsStr::to_str).unwrap_or("");
    if matches!(extension, "gz" | "tgz" | "crate") {
        let mut tar = tar::Archive::new(GzDecoder::new(File::open(archive)?));
        tar.set_preserve_permissions(false);
        tar.unpack(into)?;
    } else {
        // Debian's other formats; where apt-get is, tar knows them.
        client(
            Command::new("tar")
                .arg("-xf")
                .arg(archive)
                .arg("-C")
                .arg(into),
        )?;
    }
    Ok(())
}

fn only_folder(dir: &Path) -> Result<PathBuf> {
    let entries: Vec<_> = fs::read_dir(dir)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    match &entries[..] {
        [only] if only.is_dir() => Ok(only.clone()),
        _ => Ok(dir.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::manifest::Manifest;

    #[test]
    fn every_alternative_is_tried_and_its_failure_told() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().to_owned());
        let pin = "0".repeat(64);
        // Names that no registry's client takes, so that nothing is asked of a network.
        let text = format!(
            "name='x'\nsources=['x.c']\n\
             [[source]]\nname='u'\nkind='pypi'\npackage='~a'\nversion='1'\nsha256='{pin}'\n\
             [[source]]\nname='u'\nkind='pypi'\npackage='~b'\nversion='2'\nsha256='{pin}'\n"
        );
        let manifest = Manifest::parse(&text).unwrap();
        let error = fetch_all(&manifest.source, &cache, &Progress::silent())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`u`") && error.contains("~a 1") && error.contains("~b 2"),
            "{error}"
        );
    }

    #[test]
    fn what_is_unpacked_is_not_fetched_again() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().to_owned());
        let pin = "0".repeat(64);
        let text = format!(
            "name='x'\nsources=['x.c']\n[[source]]\nname='u'\nkind='pypi'\npackage='~a'\nversion='1'\nsha256='{pin}'\nroot='in'\n"
        );
        let manifest = Manifest::parse(&text).unwrap();
        let root = cache.sources().join("~a-1-0000000000000000/in");
        fs::create_dir_all(&root).unwrap();
        let sources = fetch_all(&manifest.source, &cache, &Progress::silent()).unwrap();
        assert_eq!(sources, [("u".to_owned(), root)]);
    }
}
