//! Debian source packages, by `apt-get source` with a state of its own: no root, nothing of the system's changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

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
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.current_dir(&files).arg("-qq");
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
    apt(&["update"])?;
    apt(&["source", "--download-only", &provider.package])?;
    let prefix = format!("{}_{}.orig.tar.", &*provider.package, &*provider.version);
    let names: Vec<_> = fs::read_dir(&files)?
        .flatten()
        .map(|entry| entry.file_name().display().to_string())
        .collect();
    let file = names
        .iter()
        .find(|name| name.starts_with(&prefix) && !name.ends_with(".asc"));
    let file =
        file.ok_or_else(|| anyhow!("this Debian has another version: {}", names.join(", ")))?;
    Ok(files.join(file))
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
