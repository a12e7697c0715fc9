//! What programs expect of Linux: small C programs by area, natively and sandboxed, with equal outputs. See
//! `conformance/README.md`.
//!
//! All programs are linked into one image, which runs one of them by name: so that there is one link and one rewrite. The
//! objects of the native program and of the image are the same.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};

/// A program and its directives.
#[derive(Clone)]
struct Program {
    area: String,
    name: String,
    source: PathBuf,
    stdin: Vec<u8>,
    status: i32,
    /// Why the sandbox answers otherwise; then NAME.sandboxed says what.
    differs: Option<String>,
    /// It would never end natively.
    hangs: bool,
    /// What the sandboxed program's standard error holds.
    stderr: Option<String>,
}

impl Program {
    fn read(area: &str, source: &Path) -> Program {
        let text = std::fs::read_to_string(source).expect("a program");
        let mut program = Program {
            area: area.to_owned(),
            name: source.file_stem().unwrap().to_string_lossy().into_owned(),
            source: source.to_owned(),
            stdin: Vec::new(),
            status: 0,
            differs: None,
            hangs: false,
            stderr: None,
        };
        for line in text.lines() {
            let Some((key, value)) = line.strip_prefix("//#").and_then(|l| l.split_once(':'))
            else {
                continue;
            };
            match key {
                "stdin" => program.stdin = value.trim_start().replace("\\n", "\n").into_bytes(),
                "status" => program.status = value.trim().parse().expect("a number"),
                "differs" => program.differs = Some(value.trim().to_owned()),
                "hangs" => program.hangs = value.trim() == "natively",
                "stderr" => program.stderr = Some(value.trim().to_owned()),
                _ => panic!("{}: unknown directive {key}", source.display()),
            }
        }
        program
    }

    fn symbol(&self) -> String {
        format!("conformance_{}_{}", self.area, self.name)
    }

    fn title(&self) -> String {
        format!("{}::{}", self.area, self.name)
    }
}

/// Both builds of all programs.
struct Builds {
    native: PathBuf,
    image: PathBuf,
    _folder: tempfile::TempDir,
}

fn compile(source: &Path, object: &Path) -> Result<(), String> {
    let built = Command::new(env!("CARGO_BIN_EXE_zvm-cc"))
        .args([
            "-std=gnu17",
            "-w",
            "-O1",
            "-fno-builtin",
            "-D_GNU_SOURCE",
            "-c",
        ])
        .arg(source)
        .arg("-o")
        .arg(object)
        .output()
        .map_err(|e| e.to_string())?;
    if built.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&built.stderr).into_owned())
    }
}

fn link(objects: &[PathBuf], output: &Path, native: bool) -> Result<(), String> {
    let built = Command::new(env!("CARGO_BIN_EXE_zvm-cc"))
        .args(native.then_some("--native"))
        .args(objects)
        .arg("-o")
        .arg(output)
        .output()
        .map_err(|e| e.to_string())?;
    if built.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&built.stderr).into_owned())
    }
}

/// The program that runs the one of the name in its first argument, in the folder of its second.
fn driver(programs: &[Program]) -> String {
    let mut text = String::from(
        "#include <stdio.h>\n#include <string.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n",
    );
    for program in programs {
        text += &format!("int {}(int, char **);\n", program.symbol());
    }
    text += "int main(int argc, char **argv) {\n    if (argc != 3 || chdir(argv[2])) return 99;\n    // Some rely on what is closed, and whoever runs the tests may leave anything open.\n    syscall(SYS_close_range, 3, ~0U, 0);\n    setvbuf(stdout, 0, _IOLBF, 0);\n";
    for program in programs {
        text += &format!(
            "    if (!strcmp(argv[1], \"{}\")) return {}(1, argv);\n",
            program.title(),
            program.symbol()
        );
    }
    text + "    return 98;\n}\n"
}

fn build(programs: &[Program]) -> Result<Builds, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let mut units = vec![(folder.path().join("driver.c"), driver(programs))];
    for program in programs {
        let text = format!(
            "#define main {}\n#include \"{}\"\n",
            program.symbol(),
            program.source.display()
        );
        units.push((folder.path().join(format!("{}.c", program.symbol())), text));
    }
    for (path, text) in &units {
        std::fs::write(path, text).map_err(|e| e.to_string())?;
    }
    let objects: Vec<PathBuf> = units.iter().map(|u| u.0.with_extension("o")).collect();
    // The first one alone: it may have to set up the SDK's cache.
    compile(&units[0].0, &objects[0])?;
    let next = AtomicUsize::new(1);
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let mut failures = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(unit) = units.get(index) else {
                    return failures;
                };
                failures.extend(compile(&unit.0, &objects[index]).err());
            }
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a worker"))
            .collect()
    });
    if !failures.is_empty() {
        return Err(failures.join("\n"));
    }
    let builds = Builds {
        native: folder.path().join("native"),
        image: folder.path().join("image.zvm"),
        _folder: folder,
    };
    link(&objects, &builds.native, true)?;
    link(&objects, &builds.image, false)?;
    Ok(builds)
}

fn run(mut command: Command, program: &Program) -> Result<(Output, i32), Failed> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // A program that does not read its input closes the pipe.
    let _ = child
        .stdin
        .take()
        .expect("stdin is piped")
        .write_all(&program.stdin);
    let done = child.wait_with_output()?;
    use std::os::unix::process::ExitStatusExt as _;
    let status = done
        .status
        .code()
        .unwrap_or_else(|| 128 + done.status.signal().unwrap_or(0));
    Ok((done, status))
}

/// How often a program may run natively: what threads and timers print there may depend on how busy the machine is.
const NATIVE_RUNS: usize = 4;

/// The sandbox's answers depend on nothing, so that a difference which another native run does not show was Linux's.
fn check(program: &Program, builds: &Builds) -> Result<(), Failed> {
    let mut result = check_once(program, builds);
    for _ in 1..NATIVE_RUNS {
        if result.is_ok() || program.hangs || program.differs.is_some() {
            break;
        }
        result = check_once(program, builds);
    }
    result
}

fn check_once(program: &Program, builds: &Builds) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    // What ought to end may hang.
    let mut native = Command::new("timeout");
    native
        .args(["--foreground", "--signal=KILL", "60"])
        .arg(&builds.native)
        .env_clear()
        .arg(program.title())
        .arg(folder.path())
        .current_dir(folder.path());
    let mut sandboxed = Command::new(env!("CARGO_BIN_EXE_zvm"));
    sandboxed
        .args(["run", "--timeout", "60"])
        .arg(&builds.image)
        .arg(program.title())
        .arg("/tmp");
    let mut outputs = Vec::new();
    for (kind, command) in [("native", native), ("sandboxed", sandboxed)] {
        if kind == "native" && program.hangs {
            outputs.push(String::from("(it would hang)"));
            continue;
        }
        let (output, status) = run(command, program)?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        if let Some(text) = &program.stderr
            && kind == "sandboxed"
            && !stderr.contains(text)
        {
            return Err(format!("standard error lacks {text:?}: {stderr}").into());
        }
        if status != program.status {
            return Err(format!(
                "{kind}: status {status}, expected {}\n{}{}",
                program.status,
                String::from_utf8_lossy(&output.stdout),
                stderr
            )
            .into());
        }
        outputs.push(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let [native, sandboxed] = &outputs[..] else {
        unreachable!()
    };
    if native.is_empty() {
        return Err("it prints nothing, so it proves nothing".into());
    }
    if program.differs.is_none() {
        return same("sandboxed", sandboxed, native);
    }
    let path = program.source.with_extension("sandboxed");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, sandboxed)?;
    }
    let expected = std::fs::read_to_string(&path)
        .map_err(|e| format!("{}: {e} (BLESS=1 makes it)", path.display()))?;
    same("sandboxed", sandboxed, &expected)?;
    if sandboxed == native {
        return Err("it no longer differs: remove the directive".into());
    }
    Ok(())
}

fn same(what: &str, actual: &str, expected: &str) -> Result<(), Failed> {
    if actual == expected {
        return Ok(());
    }
    for (i, (a, e)) in actual.lines().zip(expected.lines()).enumerate() {
        if a != e {
            return Err(format!("{what}: line {}: {a:?}, expected {e:?}", i + 1).into());
        }
    }
    Err(format!(
        "{what}: {} lines, expected {}",
        actual.lines().count(),
        expected.lines().count()
    )
    .into())
}

/// `zvm run --strace` shows a program's calls on stderr, and changes nothing else.
fn check_strace(programs: &[Program], builds: &Builds) -> Result<(), Failed> {
    let program = programs
        .iter()
        .find(|program| program.title() == "files::rename")
        .ok_or("no program files::rename")?;
    let traced = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zvm"));
        command
            .args(["run", "--timeout", "60"])
            .args(options)
            .arg(&builds.image)
            .args([&program.title(), "/tmp"]);
        run(command, program)
    };
    let ((silent, _), (shown, status)) = (traced(&[])?, traced(&["--strace"])?);
    if status != 0 || silent.stdout != shown.stdout || !silent.stderr.is_empty() {
        return Err("the program is not the same under --strace".into());
    }
    let lines = String::from_utf8_lossy(&shown.stderr).into_owned();
    for line in [
        "chdir(\"/tmp\") = 0",
        "open(\"a\", O_WRONLY|O_CREAT|O_TRUNC|O_LARGEFILE, 0644) = 3",
        "open(\"b\", O_RDONLY|O_LARGEFILE) = 3",
        "write(3, \"A\", 1) = 1",
        "rename(\"a\", \"b\") = -1 ENOENT (No such file or directory)",
        "exit_group(0) = ?",
    ] {
        if !lines.lines().any(|shown| shown == line) {
            return Err(format!("the trace lacks {line}: {lines}").into());
        }
    }
    Ok(())
}

/// With this in the environment, all programs run once more under `--strace`, and every call that libzrt has must be made by one.
const CALLS: &str = "ZVM_CONFORMANCE_CALLS";

/// Every call of libzrt's table is made by a program.
fn check_calls(programs: &[Program], builds: &Builds) -> Result<(), Failed> {
    let mut made = std::collections::BTreeMap::<String, [usize; 2]>::new();
    for program in programs {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zvm"));
        command
            .args(["run", "--timeout", "60", "--strace"])
            .arg(&builds.image)
            .args([&program.title(), "/tmp"]);
        let (output, _) = run(command, program)?;
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            let line = line.split_once("] ").map_or(line, |(_, rest)| rest);
            let Some((name, rest)) = line.split_once('(') else {
                continue;
            };
            let failed = rest.contains(") = -1 ");
            made.entry(name.to_owned()).or_default()[usize::from(failed)] += 1;
        }
    }
    let calls = include_str!("../../libzrt/src/syscalls.rs").lines();
    let names = calls.filter_map(|line| {
        let mut words = line.split_whitespace();
        let number = words.next()?.parse::<u32>();
        number
            .ok()
            .and(words.next())
            .filter(|_| line.ends_with(';'))
    });
    let mut never = Vec::new();
    for name in names {
        let [well, failed] = made.get(name).copied().unwrap_or_default();
        println!("{name:<24} {well:>6} answered {failed:>6} refused");
        if well + failed == 0 {
            never.push(name);
        }
    }
    match never.is_empty() {
        true => Ok(()),
        false => Err(format!("no program makes {}", never.join(", ")).into()),
    }
}

/// Every program whose answers differ on purpose is in the list for readers, and no other.
fn check_list(programs: &[Program], readme: &str) -> Result<(), Failed> {
    for program in programs {
        let row = format!("| `{}/{}` |", program.area, program.name);
        match (&program.differs, readme.contains(&row)) {
            (Some(reason), true) if readme.contains(&format!("{row} {reason} |")) => {}
            (Some(reason), _) => {
                return Err(format!("README.md lacks the row: {row} {reason} |").into());
            }
            (None, true) => {
                return Err(format!("{row} is listed, but does not differ").into());
            }
            (None, false) => {}
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut programs = Vec::new();
    for area in std::fs::read_dir(&folder).expect("tests/conformance") {
        let area = area.expect("an entry").path();
        if !area.is_dir() {
            continue;
        }
        let name = area.file_name().unwrap().to_string_lossy().into_owned();
        for source in std::fs::read_dir(&area).expect("an area") {
            let source = source.expect("an entry").path();
            if source.extension().is_some_and(|e| e == "c") {
                programs.push(Program::read(&name, &source));
            }
        }
    }
    programs.sort_by_key(Program::title);
    let builds: Arc<OnceLock<Result<Builds, Mutex<String>>>> = Arc::default();
    let all = Arc::new(programs.clone());
    let built = move |test: &dyn Fn(&Builds) -> Result<(), Failed>| match builds
        .get_or_init(|| build(&all).map_err(Mutex::new))
    {
        Ok(builds) => test(builds),
        Err(message) => {
            let mut message = message.lock().expect("no test panics here");
            let said = std::mem::replace(&mut *message, "the build failed".into());
            Err(said.into())
        }
    };
    let mut trials: Vec<Trial> = programs
        .iter()
        .map(|program| {
            let (program, built) = (program.clone(), built.clone());
            Trial::test(program.title(), move || {
                built(&|builds| check(&program, builds))
            })
        })
        .collect();
    let (all, built_again) = (programs.clone(), built.clone());
    trials.push(Trial::test("strace", move || {
        built(&|builds| check_strace(&all, builds))
    }));
    if std::env::var_os(CALLS).is_some() {
        let (all, built) = (programs.clone(), built_again);
        trials.push(Trial::test("every_call_is_made", move || {
            built(&|builds| check_calls(&all, builds))
        }));
    } else {
        println!("skipped: every_call_is_made ({CALLS}=1 asks for it)");
    }
    trials.push(Trial::test("differences_are_listed", move || {
        let readme = std::fs::read_to_string(folder.join("README.md"))?;
        check_list(&programs, &readme)
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}
