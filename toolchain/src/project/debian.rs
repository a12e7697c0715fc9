//! Debian source packages, by `apt-get source` with a state of its own: no root, nothing of the system's changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::manifest::Provider;
use super::source::client;

/// Downloads the upstream archive `PACKAGE_VERSION.orig.tar.*` of the distribution's source package.
pub fn download(provider: &Provider, scratch: &Path) -> Result<PathBuf> {
    let lists = source_lists(Path::new("/etc/apt"))?;
    let etc = scratch.join("sources.list.d");
    fs::create_dir(&etc)?;
    for (index, (extension, text)) in lists.iter().enumerate() {
        fs::write(etc.join(format!("{index}.{extension}")), text)?;
    }
    for dir in ["state/lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(scratch.join(dir))?;
    }
    let files = scratch.join("files");
    fs::create_dir(&files)?;
    let apt = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.current_dir(&files).arg("-q");
        let options = [
            ("Dir::Etc::sourcelist", "/dev/null".into()),
            ("Dir::Etc::sourceparts", etc.clone()),
            ("Dir::State", scratch.join("state")),
            ("Dir::State::status", "/var/lib/dpkg/status".into()),
            ("Dir::Cache", scratch.join("cache")),
            ("Debug::NoLocking", "1".into()),
        ];
        for (name, value) in options {
            command.arg("-o").arg(format!("{name}={}", value.display()));
        }
        // As root, apt would become a user who cannot write here.
        command.args(["-o", "APT::Sandbox::User=root"]);
        client(command.args(arguments))
    };
    apt("apt-get", &["update"])?;
    let known = apt(
        "apt-cache",
        &["showsrc", "--only-source", &provider.package],
    )?;
    let known = String::from_utf8_lossy(&known).into_owned();
    let revisions = revisions(&known);
    let prefix = format!("{}_{}.orig.tar.", &*provider.package, &*provider.version);
    let mut reasons = Vec::new();
    // The distribution's own revisions come and go, and lists may name files that are gone: any with our upstream version will do.
    for revision in &revisions {
        if upstream(revision) != &*provider.version {
            continue;
        }
        let wanted = format!("{}={revision}", &*provider.package);
        let got = apt(
            "apt-get",
            &["source", "--download-only", "--tar-only", &wanted],
        );
        let names = fs::read_dir(&files)?
            .flatten()
            .map(|entry| entry.file_name().display().to_string());
        let found = names
            .filter(|name| name.starts_with(&prefix) && !name.ends_with(".asc"))
            .min();
        match (got, found) {
            (_, Some(name)) => return Ok(files.join(name)),
            (Err(error), None) => reasons.push(format!("{error:#}")),
            (Ok(_), None) => reasons.push(format!("{wanted} has no {prefix}*")),
        }
    }
    if reasons.is_empty() {
        bail!(
            "this Debian has {}",
            if revisions.is_empty() {
                "no such source package".to_owned()
            } else {
                format!("only {}", revisions.join(", "))
            }
        );
    }
    bail!("{}", reasons.join("; "))
}

/// The versions in what `apt-cache showsrc` prints.
fn revisions(text: &str) -> Vec<&str> {
    let versions = text
        .lines()
        .filter_map(|line| line.strip_prefix("Version: "));
    versions.map(str::trim).collect()
}

/// The upstream part of a Debian version: no epoch, no revision.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    version
        .rsplit_once('-')
        .map_or(version, |(upstream, _)| upstream)
}

/// The system's package sources, turned into sources of source packages: format and text of each.
fn source_lists(etc: &Path) -> Result<Vec<(&'static str, String)>> {
    let mut paths = vec![etc.join("sources.list")];
    if let Ok(parts) = fs::read_dir(etc.join("sources.list.d")) {
        paths.extend(parts.flatten().map(|entry| entry.path()));
    }
    paths.sort();
    let mut lists = Vec::new();
    for path in paths {
        let extension = match path.extension().and_then(|extension| extension.to_str()) {
            Some("list") => "list",
            Some("sources") => "sources",
            _ => continue,
        };
        if !path.exists() {
            continue;
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        lists.push((
            extension,
            if extension == "list" {
                one_line_style(&text)
            } else {
                deb822_style(&text)
            },
        ));
    }
    if lists.is_empty() {
        bail!(
            "{} has no package sources: not a Debian system?",
            etc.display()
        );
    }
    Ok(lists)
}

/// `deb …` lines as `deb-src …`.
fn one_line_style(text: &str) -> String {
    let lines = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("deb "));
    lines.map(|rest| format!("deb-src {rest}\n")).collect()
}

/// `Types:` fields as `deb-src`.
fn deb822_style(text: &str) -> String {
    let line = |line: &str| {
        if line.starts_with("Types:") {
            "Types: deb-src\n".to_owned()
        } else {
            format!("{line}\n")
        }
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upstream_part_of_a_version() {
        let text = "Package: a\nVersion: 1:2.0-rc1-3+deb12u1\nFiles:\n\nVersion: 7\n";
        assert_eq!(revisions(text), ["1:2.0-rc1-3+deb12u1", "7"]);
        assert_eq!(upstream("1:2.0-rc1-3+deb12u1"), "2.0-rc1");
        assert_eq!(upstream("7"), "7");
    }

    #[test]
    fn both_styles_become_source_packages() {
        assert_eq!(
            one_line_style(
                "# no\ndeb [signed-by=/k] mirror bookworm main\ndeb-src mirror bookworm main\n"
            ),
            "deb-src [signed-by=/k] mirror bookworm main\n"
        );
        assert_eq!(
            deb822_style("Types: deb deb-src\nURIs: mirror\n"),
            "Types: deb-src\nURIs: mirror\n"
        );
    }
}
