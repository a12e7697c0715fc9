//! The C corpus: every program, with every compiler, at every level, sandboxed and native. See `corpus/README.md`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

const LEVELS: [&str; 3] = ["-O0", "-O2", "-O3"];
const COMPILERS: [&str; 3] = ["zig", "gcc", "clang"];

/// A program and its directives.
#[derive(Clone, Default)]
struct Program {
    name: String,
    /// C++, which the SDK's own compiler alone compiles: the C++ library's headers are newer than Debian's compilers.
    cxx: bool,
    sources: Vec<PathBuf>,
    expected: PathBuf,
    cflags: Vec<String>,
    args: Vec<String>,
    env: Vec<String>,
    stdin: Vec<u8>,
    status: i32,
    needs: Option<String>,
}

impl Program {
    fn read(path: &Path) -> Option<Program> {
        let mut sources = vec![path.to_owned()];
        let folder = path.is_dir();
        if folder {
            sources = std::fs::read_dir(path)
                .ok()?
                .filter_map(|e| Some(e.ok()?.path()))
                .collect();
            sources.sort();
        }
        sources.retain(|s| s.extension().is_some_and(|e| e == "c" || e == "cpp"));
        let cxx = sources
            .iter()
            .any(|s| s.extension().is_some_and(|e| e == "cpp"));
        let head = match (folder, cxx) {
            (true, false) => path.join("main.c"),
            (true, true) => path.join("main.cpp"),
            (false, _) => path.to_owned(),
        };
        if sources.is_empty() {
            return None;
        }
        let text =
            std::fs::read_to_string(&head).unwrap_or_else(|e| panic!("{}: {e}", head.display()));
        let mut program = Program {
            name: path.file_stem()?.to_string_lossy().into_owned(),
            cxx,
            sources,
            expected: path.with_extension("out"),
            ..Program::default()
        };
        for line in text.lines() {
            let Some((key, value)) = line.strip_prefix("//#").and_then(|l| l.split_once(':'))
            else {
                continue;
            };
            let words = || value.split_whitespace().map(str::to_owned);
            match key {
                "cflags" => program.cflags.extend(words()),
                "args" => program.args.extend(words()),
                "env" => program.env.push(value.trim().to_owned()),
                "stdin" => program.stdin = value.trim_start().replace("\\n", "\n").into_bytes(),
                "status" => program.status = value.trim().parse().expect("a number"),
                "needs" => program.needs = Some(value.trim().to_owned()),
                _ => panic!("{}: unknown directive {key}", head.display()),
            }
        }
        Some(program)
    }

    /// Builds and runs the program, sandboxed or native; its standard output and exit status.
    fn outcome(
        &self,
        compiler: &str,
        level: &str,
        native: bool,
        folder: &Path,
    ) -> Result<(Vec<u8>, i32), Failed> {
        let output = folder.join(if native { "native" } else { "program.zvm" });
        let mut build = Command::new(if self.cxx {
            env!("CARGO_BIN_EXE_zvm-cxx")
        } else {
            env!("CARGO_BIN_EXE_zvm-cc")
        });
        build
            .arg("--compiler")
            .arg(compiler)
            .args(native.then_some("--native"));
        build
            .arg(if self.cxx {
                "-std=gnu++20"
            } else {
                "-std=gnu17"
            })
            .args(["-w", level])
            .args(&self.cflags)
            .args(&self.sources);
        build.arg("-o").arg(&output).arg("-lm");
        let built = build.output()?;
        if !built.status.success() {
            return Err(format!(
                "{compiler} {level}: {}",
                String::from_utf8_lossy(&built.stderr)
            )
            .into());
        }
        let mut run = if native {
            let mut run = Command::new(&output);
            run.env_clear()
                .envs(self.env.iter().filter_map(|e| e.split_once('=')));
            run
        } else {
            let mut run = Command::new(env!("CARGO_BIN_EXE_zvm"));
            run.args(["run", "--timeout", "120"]);
            for variable in &self.env {
                run.arg("--env").arg(variable);
            }
            run.arg(&output);
            run
        };
        run.args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = run.spawn()?;
        // A program that does not read its input closes the pipe.
        let _ = child
            .stdin
            .take()
            .expect("stdin is piped")
            .write_all(&self.stdin);
        let done = child.wait_with_output()?;
        use std::os::unix::process::ExitStatusExt as _;
        let status = done
            .status
            .code()
            .unwrap_or_else(|| 128 + done.status.signal().unwrap_or(0));
        if status != self.status {
            let stderr = String::from_utf8_lossy(&done.stderr);
            let kind = if native { "native" } else { "sandboxed" };
            return Err(format!(
                "{compiler} {level} {kind}: status {status}, expected {}\n{stderr}",
                self.status
            )
            .into());
        }
        Ok((done.stdout, status))
    }

    fn check(&self, compiler: &str) -> Result<(), Failed> {
        let folder = tempfile::tempdir()?;
        for level in LEVELS {
            let (native, _) = self.outcome(compiler, level, true, folder.path())?;
            if std::env::var_os("BLESS").is_some() {
                std::fs::write(&self.expected, &native)?;
            }
            let expected = std::fs::read(&self.expected)
                .map_err(|e| format!("{}: {e} (BLESS=1 makes it)", self.expected.display()))?;
            same(&format!("{compiler} {level} native"), &native, &expected)?;
            let (sandboxed, _) = self.outcome(compiler, level, false, folder.path())?;
            same(
                &format!("{compiler} {level} sandboxed"),
                &sandboxed,
                &expected,
            )?;
        }
        Ok(())
    }
}

fn same(what: &str, actual: &[u8], expected: &[u8]) -> Result<(), Failed> {
    if actual == expected {
        return Ok(());
    }
    let (actual, expected) = (
        String::from_utf8_lossy(actual),
        String::from_utf8_lossy(expected),
    );
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

fn on_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|p| p.join(program).is_file())
}

fn cpu_has(feature: &str) -> bool {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    info.lines()
        .find(|l| l.starts_with("flags"))
        .is_some_and(|l| l.split_whitespace().any(|f| f == feature))
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("tests/corpus")
        .map(|e| e.expect("an entry").path())
        .collect();
    paths.sort();
    let programs: Vec<Program> = paths.iter().filter_map(|p| Program::read(p)).collect();
    assert!(
        programs.len() >= 40,
        "only {} programs were found",
        programs.len()
    );
    let mut trials = Vec::new();
    for compiler in COMPILERS {
        let missing = compiler != "zig" && !on_path(compiler);
        if missing {
            println!("skipped: every program with {compiler}, which is not installed");
        }
        for program in programs.iter().filter(|p| compiler == "zig" || !p.cxx) {
            let lacking = program
                .needs
                .as_deref()
                .is_some_and(|feature| !cpu_has(feature));
            if lacking {
                println!(
                    "skipped: {} needs a CPU with {}",
                    program.name,
                    program.needs.as_deref().unwrap_or("?")
                );
            }
            let (name, program) = (format!("{compiler}::{}", program.name), program.clone());
            let trial = Trial::test(name, move || program.check(compiler));
            trials.push(trial.with_ignored_flag(missing || lacking));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
