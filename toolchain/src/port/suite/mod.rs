//! `cargo zvm port test`: upstream's tests, each in an instance of its own, and the same tests by the native program of the
//! same objects on the same machine.

mod outcome;
mod phpt;
mod report;
mod request;
mod stable;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use self::outcome::{Case, Ended, Verdict};
use self::phpt::{Phpt, Script};
use self::report::{Report, Test};
use super::builder::Built;
use super::launch::{self, Start};
use super::pack;
use super::recipe::{Pack, Suite, SuiteFormat};
use crate::project::build::say;

/// Where the suite's files are in the sandbox.
const FILES: &str = "/suite";

/// Which tests, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only tests whose name contains one of these; all if there are none.
    pub only: Vec<String>,
    /// Put the results of these into the file, beside those that it has.
    pub update: bool,
    /// Run so many tests again, chosen at random, and compare with the file.
    pub verify: Option<usize>,
    /// At a time.
    pub jobs: usize,
    /// `results.json`.
    pub results: PathBuf,
}

/// Where a test runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Native,
    Sandboxed,
}

/// What every test of a run needs.
struct Bench<'a> {
    built: &'a Built,
    suite: &'a Suite,
    tar: PathBuf,
    root: PathBuf,
    scratch: tempfile::TempDir,
}

/// Runs the suite, whose own sources these are by name, and writes or compares `results.json`.
///
/// # Errors
/// The suite's files cannot be prepared, a program cannot be started, or with `verify` a result is another than the file's.
pub fn run(
    built: &Built,
    suite: &Suite,
    sources: &[(String, PathBuf)],
    options: &Options,
) -> Result<()> {
    let recipe = &built.entry.recipe;
    let mut tests = list(built, suite, sources)?;
    if !options.only.is_empty() {
        tests.retain(|test| options.only.iter().any(|only| test.contains(&**only)));
        if tests.is_empty() {
            bail!("no test's name contains `{}`", options.only.join("` or `"));
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
    for pack in &mut packs {
        if let Some((name, rest)) = pack.from.strip_prefix('@').and_then(|f| f.split_once('/')) {
            let source = sources.iter().find(|(known, _)| known == name);
            let (_, folder) = source.with_context(|| {
                format!("[suite] packs {}, but has no source `{name}`", pack.from)
            })?;
            pack.from = folder.join(rest).to_string_lossy().into_owned();
        }
    }
    packs.extend(suite.files.keys().map(|name| Pack {
        from: own.join(name).to_string_lossy().into_owned(),
        to: name.clone(),
        exclude: Vec::new(),
    }));
    pack::pack(&packs, &built.work, &bench.tar)?;
    pack::unpack(&bench.tar, &bench.root)?;
    if suite.format == SuiteFormat::Phpt {
        for test in &tests {
            Phpt::read(&bench.root, test)?.write_scripts(&bench.root)?;
        }
        let all = Pack {
            from: bench.root.to_string_lossy().into_owned(),
            to: String::new(),
            exclude: Vec::new(),
        };
        pack::pack(&[all], &built.work, &bench.tar)?;
    }
    let jobs = options.jobs.max(1);
    if let Some(known) = known {
        return compare(&known, &bench.run_all(&tests, jobs, &|_| Ok(()))?);
    }
    let mut earlier = None;
    if options.update && options.results.exists() {
        earlier = Some(read(&options.results)?);
    }
    let report = |results| {
        let report = Report::new(&recipe.name, recipe.version(), results);
        match &earlier {
            Some(earlier) => report.beside(earlier.clone()),
            None => Ok(report),
        }
    };
    if !options.only.is_empty() && !options.update {
        let report = report(bench.run_all(&tests, jobs, &|_| Ok(()))?)?;
        print!("{}", report.text()?);
        eprintln!("{}", report.summary());
        return Ok(());
    }
    let path = &options.results;
    let save = |report: &Report| {
        fs::write(path, report.text()?).with_context(|| {
            format!(
                "cannot write {} (--results FILE names another)",
                path.display()
            )
        })
    };
    let so_far = |results: &BTreeMap<String, Test>| save(&report(results.clone())?);
    let report = report(bench.run_all(&tests, jobs, &so_far)?)?;
    save(&report)?;
    say("Results", path.display());
    eprintln!("{}", report.summary());
    Ok(())
}

fn read(path: &Path) -> Result<Report> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no results file", path.display()))
}

/// The tests' names, sorted.
fn list(built: &Built, suite: &Suite, sources: &[(String, PathBuf)]) -> Result<Vec<String>> {
    let folder = built.work.join("build/src");
    let output = Command::new("/bin/sh")
        .args(["-euc", &suite.list])
        .envs(sources.iter().map(|(name, folder)| (name, folder)))
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
    /// Runs the tests, and hands what it has to `so_far` now and then: a run of an hour that is stopped has not been for nothing.
    fn run_all(
        &self,
        tests: &[String],
        jobs: usize,
        so_far: &(dyn Fn(&BTreeMap<String, Test>) -> Result<()> + Sync),
    ) -> Result<BTreeMap<String, Test>> {
        const NOW_AND_THEN: Duration = Duration::from_secs(30);
        let next = AtomicUsize::new(0);
        let results = Mutex::new((BTreeMap::new(), Instant::now()));
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
                    let mut results = results.lock().expect("no thread panics with it");
                    let (results, saved) = &mut *results;
                    results.insert(test.clone(), result);
                    if saved.elapsed() > NOW_AND_THEN {
                        so_far(results)?;
                        *saved = Instant::now();
                    }
                }
            };
            let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().expect("a worker does not panic"))
        })?;
        let (results, _) = results.into_inner().expect("no thread panics with it");
        Ok(results)
    }

    fn test(&self, test: &str, index: usize) -> Result<Test> {
        let folder = self.scratch.path().join(format!("run-{index}"));
        fs::create_dir(&folder)?;
        let format = self.suite.format;
        let run = |side| -> Result<BTreeMap<String, Case>> {
            if format == SuiteFormat::Phpt {
                let case = self.phpt(test, side, &folder)?;
                return Ok(BTreeMap::from([(test.to_owned(), case)]));
            }
            self.cases(test, side, &folder)
        };
        let compared = Test::compare(test, &run(Side::Native)?, &run(Side::Sandboxed)?);
        // A test may leave a folder that nobody may enter.
        let _ = fs::remove_dir_all(&folder);
        Ok(compared)
    }

    /// A case that the process does not survive would take those behind it along: they get a process of their own.
    fn cases(&self, test: &str, side: Side, folder: &Path) -> Result<BTreeMap<String, Case>> {
        let mut all = BTreeMap::new();
        let mut after = None;
        loop {
            let mut start = self.start(test, side);
            start.env.extend(after.take());
            let ended = self.process(start, side, folder, None)?;
            let (cases, fatal) = outcome::cases(test, self.suite.format, &ended);
            let known = all.len();
            for (name, case) in cases {
                all.entry(name).or_insert(case);
            }
            match fatal {
                Some(case) if all.len() > known => {
                    after = Some(format!("SUITE_AFTER={case}").into());
                }
                _ => return Ok(all),
            }
        }
    }

    fn phpt(&self, test: &str, side: Side, folder: &Path) -> Result<Case> {
        let phpt = Phpt::read(&self.root, test)?;
        let unfit = phpt.unfit();
        let program =
            || (phpt.cgi() && self.suite.cgi.is_none()).then(|| "a web request".to_owned());
        if let Some(why) = unfit.or_else(program) {
            return Ok(Case::new(Verdict::Skip, why));
        }
        let run = |script: &Script| {
            let mut start = self.start(test, side);
            if phpt.cgi() {
                start.program.clone_from(&self.suite.cgi);
            }
            let files = self.files(side);
            let fill = |text: &String| OsString::from(text.replace("{files}", &files));
            start.args.extend(script.args.iter().map(fill));
            start.env.extend(script.env.iter().map(fill));
            self.process(start, side, folder, Some(&script.stdin))
        };
        if let Some(script) = phpt.skip_if() {
            let output = run(&script)?.stdout;
            let output = String::from_utf8_lossy(&output).trim().to_owned();
            if output.to_ascii_lowercase().starts_with("skip") {
                return Ok(Case::new(Verdict::Skip, output));
            }
        }
        let ended = run(&phpt.main())?;
        if let (Some(script), Side::Native) = (phpt.clean(), side) {
            // In the sandbox all that the test wrote is gone with the instance.
            run(&script)?;
        }
        let (mut verdict, mut why) = phpt.judge(&ended.stdout);
        if ended.timeout {
            (verdict, why) = (Verdict::Fail, "it took too long".to_owned());
        } else if verdict == Verdict::Fail
            && let Some(status @ 1..) = ended.status
        {
            why = format!("status {status}; {why}");
        }
        Ok(Case {
            missing: outcome::missing(&ended),
            ..Case::new(verdict, why)
        })
    }

    fn files(&self, side: Side) -> String {
        match side {
            Side::Native => self.root.to_string_lossy().into_owned(),
            Side::Sandboxed => FILES.to_owned(),
        }
    }

    fn start(&self, test: &str, side: Side) -> Start {
        let files = self.files(side);
        let fill = |text: &String| text.replace("{test}", test).replace("{files}", &files);
        let args = self.suite.args.iter().map(fill).map(OsString::from);
        let env = self.suite.env.iter();
        Start {
            args: args.collect(),
            env: env
                .map(|(name, value)| format!("{name}={}", fill(value)).into())
                .collect(),
            options: Vec::new(),
            program: self.suite.program.clone(),
        }
    }

    /// Runs the program to its end; with `stdin`, keeps what it prints.
    fn process(
        &self,
        mut start: Start,
        side: Side,
        folder: &Path,
        stdin: Option<&[u8]>,
    ) -> Result<Ended> {
        let timeout = self.suite.timeout;
        match side {
            Side::Native => {
                let variables =
                    ["TMPDIR", "HOME"].map(|name| format!("{name}={}", folder.display()));
                start.env.extend(variables.map(OsString::from));
                let mut command = launch::native(self.built, &start)?;
                command.current_dir(self.root.join(&self.suite.cwd));
                finish(command, folder, side, stdin, timeout)
            }
            Side::Sandboxed => {
                start
                    .env
                    .extend(["TMPDIR=/tmp", "HOME=/tmp", "ZRT_TRACE=missing"].map(OsString::from));
                let mut mount = self.tar.clone().into_os_string();
                mount.push(format!(":{FILES}:overlay"));
                let cwd = Path::new(FILES).join(&self.suite.cwd);
                for (name, value) in [
                    ("--mount", mount),
                    ("--cwd", cwd.into()),
                    ("--timeout", timeout.to_string().into()),
                ] {
                    start.options.extend([OsString::from(name), value]);
                }
                start
                    .options
                    .extend(self.suite.options.iter().map(OsString::from));
                let mut command = Command::new(std::env::current_exe()?);
                command
                    .arg0("zvm")
                    .args(launch::sandboxed(self.built, &start)?);
                // The runtime keeps the time itself; this is for a runtime that hangs.
                finish(command, folder, side, stdin, timeout + 10)
            }
        }
    }
}

/// Runs the process to its end, or kills it and what it started after `limit` seconds.
fn finish(
    mut command: Command,
    folder: &Path,
    side: Side,
    stdin: Option<&[u8]>,
    limit: u32,
) -> Result<Ended> {
    let create = |name: &str| {
        let path = folder.join(format!("{side:?}.{name}"));
        let file = File::create(&path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        anyhow::Ok((path, file))
    };
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let (errors, stderr) = create("stderr")?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr);
    let mut printed = None;
    if let Some(text) = stdin {
        let (path, mut file) = create("stdin")?;
        file.write_all(text)?;
        command.stdin(File::open(&path)?);
        let (path, file) = create("stdout")?;
        command.stdout(file);
        printed = Some(path);
    }
    // A group of its own: a test's children end with it.
    command.process_group(0);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let status = wait(&mut child, Duration::from_secs(limit.into()))?;
    const RUNTIME_TIMEOUT: i32 = 124;
    Ok(Ended {
        timeout: status
            .is_none_or(|status| side == Side::Sandboxed && status.code() == Some(RUNTIME_TIMEOUT)),
        status: status
            .and_then(|status| status.code().or(status.signal().map(|signal| 128 + signal))),
        stdout: printed.map_or(Ok(Vec::new()), |path| read(&path))?,
        stderr: String::from_utf8_lossy(&read(&errors)?).into_owned(),
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
