//! `cargo zvm port test`: upstream's tests, each in an instance of its own, and the same tests by the native program of the
//! same objects on the same machine.

mod outcome;
mod report;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use self::outcome::Ended;
use self::report::{Report, Test};
use super::builder::Built;
use super::launch::{self, Start};
use super::pack;
use super::recipe::{Pack, Suite};
use crate::project::build::say;

/// Where the suite's files are in the sandbox.
const FILES: &str = "/suite";

/// Which tests, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only tests whose name contains this.
    pub only: Option<String>,
    /// Run so many tests again, chosen at random, and compare with the file.
    pub verify: Option<usize>,
    /// At a time.
    pub jobs: usize,
    /// `results.json`.
    pub results: PathBuf,
}

/// What every test of a run needs.
struct Bench<'a> {
    built: &'a Built,
    suite: &'a Suite,
    tar: PathBuf,
    root: PathBuf,
    scratch: tempfile::TempDir,
}

/// Runs the suite, and writes or compares `results.json`.
///
/// # Errors
/// The suite's files cannot be prepared, a program cannot be started, or with `verify` a result is another than the file's.
pub fn run(built: &Built, suite: &Suite, options: &Options) -> Result<()> {
    let recipe = &built.entry.recipe;
    let mut tests = list(built, suite)?;
    if let Some(only) = &options.only {
        tests.retain(|test| test.contains(&**only));
        if tests.is_empty() {
            bail!("no test's name contains `{only}`");
        }
    }
    let known = options.verify.map(|count| {
        let known = read(&options.results)?;
        tests.retain(|test| known.tests.contains_key(test));
        choose(&mut tests, count);
        anyhow::Ok(known)
    });
    let known = known.transpose()?;
    let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
    let bench = Bench {
        built,
        suite,
        tar: scratch.path().join("suite.tar"),
        root: scratch.path().join("files"),
        scratch,
    };
    let own = bench.scratch.path().join("own");
    for (name, text) in &suite.files {
        let path = own.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&own))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut packs = suite.pack.clone();
    packs.extend(suite.files.keys().map(|name| Pack {
        from: own.join(name).to_string_lossy().into_owned(),
        to: name.clone(),
        exclude: Vec::new(),
    }));
    pack::pack(&packs, &built.work, &bench.tar)?;
    pack::unpack(&bench.tar, &bench.root)?;
    let results = bench.run_all(&tests, options.jobs.max(1))?;
    if let Some(known) = known {
        return compare(&known, &results);
    }
    let report = Report::new(&recipe.name, recipe.version(), results);
    if options.only.is_some() {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        let mut text = serde_json::to_string_pretty(&report)?;
        text.push('\n');
        let path = &options.results;
        fs::write(path, text).with_context(|| {
            format!(
                "cannot write {} (--results FILE names another)",
                path.display()
            )
        })?;
        say("Results", path.display());
    }
    eprintln!("{}", report.summary());
    Ok(())
}

fn read(path: &Path) -> Result<Report> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no results file", path.display()))
}

/// The tests' names, sorted.
fn list(built: &Built, suite: &Suite) -> Result<Vec<String>> {
    let folder = built.work.join("build/src");
    let output = Command::new("/bin/sh")
        .args(["-euc", &suite.list])
        .current_dir(&folder)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start /bin/sh")?;
    let text = String::from_utf8(output.stdout).context("a test's name is not UTF-8")?;
    let mut tests: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
    tests.sort();
    tests.dedup();
    if !output.status.success() || tests.is_empty() {
        bail!(
            "the suite's list, in {}, has no tests: {}",
            folder.display(),
            suite.list
        );
    }
    Ok(tests)
}

/// Keeps `count` of `tests`, other ones each time.
fn choose(tests: &mut Vec<String>, count: usize) {
    use std::hash::{BuildHasher as _, RandomState};
    let state = RandomState::new();
    tests.sort_by_cached_key(|test| state.hash_one(test));
    tests.truncate(count);
}

fn compare(known: &Report, results: &BTreeMap<String, Test>) -> Result<()> {
    let mut changed = Vec::new();
    for (name, test) in results {
        let same = known
            .tests
            .get(name)
            .is_some_and(|known| known.agrees(test));
        println!("{name}: {}", if same { "as recorded" } else { "CHANGED" });
        if !same {
            changed.push(name.as_str());
            let pair = [known.tests.get(name), Some(test)];
            for (word, test) in ["recorded", "now"].into_iter().zip(pair) {
                println!("  {word}: {}", serde_json::to_string(&test)?);
            }
        }
    }
    if !changed.is_empty() {
        bail!(
            "{} of {} tests have other results: {}",
            changed.len(),
            results.len(),
            changed.join(", ")
        );
    }
    Ok(())
}

impl Bench<'_> {
    fn run_all(&self, tests: &[String], jobs: usize) -> Result<BTreeMap<String, Test>> {
        let next = AtomicUsize::new(0);
        let results = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            let work = || -> Result<()> {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(test) = tests.get(index) else {
                        return Ok(());
                    };
                    let result = self.test(test, index)?;
                    let (pass, lost) = (result.sandboxed.pass, result.differences.len());
                    eprintln!(
                        "[{}/{}] {test}: {pass} pass, {lost} differ",
                        index + 1,
                        tests.len()
                    );
                    results
                        .lock()
                        .expect("no thread panics with it")
                        .insert(test.clone(), result);
                }
            };
            let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().expect("a worker does not panic"))
        })?;
        Ok(results.into_inner().expect("no thread panics with it"))
    }

    fn test(&self, test: &str, index: usize) -> Result<Test> {
        let folder = self.scratch.path().join(format!("run-{index}"));
        fs::create_dir(&folder)?;
        let native = self.native(test, &folder)?;
        let sandboxed = self.sandboxed(test, &folder)?;
        // A test may leave a folder that nobody may enter.
        let _ = fs::remove_dir_all(&folder);
        let format = self.suite.format;
        let [native, sandboxed] =
            [native, sandboxed].map(|ended| outcome::cases(test, format, &ended));
        Ok(Test::compare(&native, &sandboxed))
    }

    fn start(&self, test: &str, files: &str) -> Start {
        let fill = |text: &String| text.replace("{test}", test).replace("{files}", files);
        Start {
            args: self
                .suite
                .args
                .iter()
                .map(fill)
                .map(OsString::from)
                .collect(),
            env: self
                .suite
                .env
                .iter()
                .map(|(name, value)| format!("{name}={}", fill(value)).into())
                .collect(),
            options: Vec::new(),
            program: self.suite.program.clone(),
        }
    }

    fn native(&self, test: &str, folder: &Path) -> Result<Ended> {
        let mut start = self.start(test, &self.root.to_string_lossy());
        start
            .env
            .push(format!("TMPDIR={}", folder.display()).into());
        start.env.push(format!("HOME={}", folder.display()).into());
        let mut command = launch::native(self.built, &start)?;
        command.current_dir(self.root.join(&self.suite.cwd));
        finish(
            command,
            folder,
            "native",
            Duration::from_secs(self.suite.timeout.into()),
        )
    }

    fn sandboxed(&self, test: &str, folder: &Path) -> Result<Ended> {
        let mut start = self.start(test, FILES);
        start
            .env
            .extend(["TMPDIR=/tmp", "HOME=/tmp", "ZRT_TRACE=missing"].map(OsString::from));
        let mut mount = self.tar.clone().into_os_string();
        mount.push(format!(":{FILES}:overlay"));
        let cwd = Path::new(FILES).join(&self.suite.cwd);
        for (name, value) in [
            ("--mount", mount),
            ("--cwd", cwd.into()),
            ("--timeout", self.suite.timeout.to_string().into()),
        ] {
            start.options.extend([OsString::from(name), value]);
        }
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg0("zvm")
            .args(launch::sandboxed(self.built, &start)?);
        // The runtime keeps the time itself; this is for a runtime that hangs.
        finish(
            command,
            folder,
            "sandboxed",
            Duration::from_secs(u64::from(self.suite.timeout) + 10),
        )
    }
}

/// Runs the process to its end, or kills it and what it started.
fn finish(mut command: Command, folder: &Path, name: &str, limit: Duration) -> Result<Ended> {
    let path = folder.join(format!("{name}.stderr"));
    let stderr = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr);
    // A group of its own: a test's children end with it.
    command.process_group(0);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let status = wait(&mut child, limit)?;
    let stderr = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    const RUNTIME_TIMEOUT: i32 = 124;
    Ok(Ended {
        timeout: status
            .is_none_or(|status| name == "sandboxed" && status.code() == Some(RUNTIME_TIMEOUT)),
        status: status
            .and_then(|status| status.code().or(status.signal().map(|signal| 128 + signal))),
        stderr,
    })
}

/// Its status, or `None` if the time is over.
fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if started.elapsed() > limit {
            break None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    };
    if let Some(group) = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    {
        // Whoever is left in it; nobody, usually.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    if status.is_none() {
        child.wait()?;
    }
    Ok(status)
}
