//! Several instances of a program at once, joined by channels: `[[instance]]` in `Zvm.toml`.
//!
//! Each instance is a sandbox and a process of its own. A connection is a FIFO, which one side knows as `/dev/out/NAME-I` and the other
//! as `/dev/in/NAME-I`, as ZeroVM's jobs name them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Project;
use super::build::{matches, say};
use super::manifest::Instance;
use super::run::{RunOptions, image_args};
use crate::bench::IMAGE;
use crate::binutils::exit_code;

/// How often the instances are looked after.
const TURN: Duration = Duration::from_millis(5);

/// One instance that is to run.
struct Node {
    /// `NAME-I`, I from 1.
    name: String,
    args: Vec<String>,
    /// File that is its standard input.
    stdin: Option<PathBuf>,
    /// `zvm run`'s options that give it its channels.
    channels: Vec<OsString>,
}

/// Runs all instances of the project until they have ended. The exit status is 0, or that of the first which failed; the
/// others are then stopped.
///
/// # Errors
/// Instances that do not fit together; one cannot be started.
pub fn run(project: &Project, image: &Path, options: &RunOptions) -> Result<ExitCode> {
    if !options.args.is_empty() {
        bail!("the arguments of each [[instance]] stand in Zvm.toml; none can be given here");
    }
    let fifos = tempfile::tempdir().context("cannot make a folder for the channels")?;
    let nodes = nodes(project, fifos.path())?;
    say(
        "Running",
        format!("{} instances of {}", nodes.len(), image.display()),
    );
    let mut running: Vec<(&Node, Child)> = Vec::new();
    for node in &nodes {
        match start(project, image, options, node) {
            Ok(child) => running.push((node, child)),
            Err(error) => {
                stop(running);
                return Err(error);
            }
        }
    }
    wait(running)
}

fn start(project: &Project, image: &Path, options: &RunOptions, node: &Node) -> Result<Child> {
    let mut zvm = options.zvm.clone();
    zvm.extend(node.channels.iter().cloned());
    if let Some(file) = &node.stdin {
        zvm.extend(["--stdin".into(), file.into()]);
    }
    let options = RunOptions {
        args: node.args.iter().map(Into::into).collect(),
        exact_args: false,
        zvm,
        env: options.env.clone(),
    };
    let program = std::env::current_exe().context("cannot find this command's own file")?;
    Command::new(program)
        .arg(IMAGE)
        .args(image_args(project, image, &options)?)
        .spawn()
        .with_context(|| format!("cannot start the instance {}", node.name))
}

/// Waits for all. Whoever reads from an instance that failed would take what is there for the whole, so nothing goes on without it.
fn wait(mut running: Vec<(&Node, Child)>) -> Result<ExitCode> {
    while !running.is_empty() {
        let mut index = 0;
        while index < running.len() {
            let (node, child) = &mut running[index];
            let Some(status) = child.try_wait().context("cannot wait for an instance")? else {
                index += 1;
                continue;
            };
            if !status.success() {
                eprintln!(
                    "cargo zvm: error: the instance {} failed ({status}); the others are stopped",
                    node.name
                );
                running.swap_remove(index);
                stop(running);
                return Ok(exit_code(status));
            }
            running.swap_remove(index);
        }
        std::thread::sleep(TURN);
    }
    Ok(ExitCode::SUCCESS)
}

fn stop(running: Vec<(&Node, Child)>) {
    for (_, mut child) in running {
        // One that has ended meanwhile needs no end.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// All instances with their channels; makes the FIFOs.
///
/// Every instance opens its channels in the order of the connections here, and a FIFO opens when both its sides do. The first connection that
/// is not open yet is the next one of both, so nobody waits for ever.
fn nodes(project: &Project, fifos: &Path) -> Result<Vec<Node>> {
    let groups = &project.manifest.instance;
    let mut nodes: Vec<Node> = Vec::new();
    let mut ranges = Vec::new();
    for group in groups {
        let first = nodes.len();
        nodes.extend(of_group(project, group)?);
        ranges.push(first..nodes.len());
    }
    for (group, from) in groups.iter().zip(&ranges) {
        for target in &group.connect {
            let Some(to) = groups.iter().position(|other| *other.name == **target) else {
                bail!(
                    "[[instance]] {} in Zvm.toml: connect: there is no instance `{}`",
                    &*group.name,
                    &**target
                );
            };
            for from in from.clone() {
                for to in ranges[to].clone() {
                    connect(&mut nodes, from, to, fifos)?;
                }
            }
        }
    }
    Ok(nodes)
}

/// The instances of one entry: as many as it counts, or one for each file.
fn of_group(project: &Project, group: &Instance) -> Result<Vec<Node>> {
    let files: Vec<Option<PathBuf>> = match &group.stdin {
        None => vec![None; group.count],
        Some(_) if group.count != 1 => bail!(
            "[[instance]] {} in Zvm.toml: there is one instance for each file of stdin; leave out count",
            &*group.name
        ),
        Some(pattern) => matches(project, pattern)?.into_iter().map(Some).collect(),
    };
    if files.is_empty() {
        bail!("[[instance]] {} in Zvm.toml: none", &*group.name);
    }
    let node = |(index, stdin)| Node {
        name: format!("{}-{}", &*group.name, index + 1),
        args: group.args.clone(),
        stdin,
        channels: Vec::new(),
    };
    Ok(files.into_iter().enumerate().map(node).collect())
}

fn connect(nodes: &mut [Node], from: usize, to: usize, fifos: &Path) -> Result<()> {
    if from == to {
        bail!("the instance {} is connected to itself", nodes[from].name);
    }
    let names = [nodes[from].name.clone(), nodes[to].name.clone()];
    let fifo = fifos.join(names.join("-"));
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
    )
    .with_context(|| format!("cannot make the FIFO {}", fifo.display()))?;
    let fifo = fifo.display();
    let most = i64::MAX;
    nodes[from].channels.extend([
        "--channel".into(),
        format!("{fifo}, /dev/out/{}, 0, 0, 0, 0, {most}, {most}", names[1]).into(),
    ]);
    nodes[to].channels.extend([
        "--channel".into(),
        format!("{fifo}, /dev/in/{}, 0, 0, {most}, {most}, 0, 0", names[0]).into(),
    ]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::project::manifest::Manifest;

    fn project(text: &str) -> (tempfile::TempDir, Project) {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.txt", "b.txt"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let manifest = format!("name = 'x'\nsources = ['*.c']\n{text}");
        let project = Project {
            folder: dir.path().to_owned(),
            manifest: Manifest::parse(&manifest).unwrap(),
            upstream: Vec::new(),
            port: std::cell::OnceCell::new(),
        };
        (dir, project)
    }

    fn error(text: &str) -> String {
        let (dir, project) = project(text);
        match nodes(&project, dir.path()) {
            Ok(_) => panic!("{text}: accepted"),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn every_instance_of_one_name_is_joined_to_every_one_of_the_other() {
        let (dir, project) = project(
            "[[instance]]\nname = 'map'\nstdin = '*.txt'\nargs = ['m']\nconnect = ['reduce']\n\
             [[instance]]\nname = 'reduce'\ncount = 2\n",
        );
        let nodes = nodes(&project, dir.path()).unwrap();
        let names: Vec<_> = nodes.iter().map(|node| &*node.name).collect();
        assert_eq!(names, ["map-1", "map-2", "reduce-1", "reduce-2"]);
        assert_eq!(nodes[1].stdin, Some(dir.path().join("b.txt")));
        let channels = |node: &Node| {
            let texts = node.channels.iter().skip(1).step_by(2);
            let words =
                texts.map(|text| text.to_string_lossy().split(", ").nth(1).map(str::to_owned));
            words.map(Option::unwrap).collect::<Vec<_>>()
        };
        assert_eq!(
            channels(&nodes[0]),
            ["/dev/out/reduce-1", "/dev/out/reduce-2"]
        );
        assert_eq!(channels(&nodes[3]), ["/dev/in/map-1", "/dev/in/map-2"]);
        assert!(dir.path().join("map-2-reduce-1").exists());
    }

    #[test]
    fn what_does_not_fit_together_is_said() {
        assert!(error("[[instance]]\nname = 'a'\nconnect = ['b']\n").contains("no instance `b`"));
        assert!(error("[[instance]]\nname = 'a'\nconnect = ['a']\n").contains("to itself"));
        assert!(error("[[instance]]\nname = 'a'\ncount = 0\n").contains("none"));
        assert!(error("[[instance]]\nname = 'a'\nstdin = '*.none'\n").contains("*.none"));
        assert!(
            error("[[instance]]\nname = 'a'\nstdin = '*.txt'\ncount = 2\n")
                .contains("leave out count")
        );
    }
}
