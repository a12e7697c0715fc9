//! The C corpus: every program, with every compiler, at every level and in other variants, sandboxed and native. See `corpus/README.md`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use twin::{Side, Twin, on_path, same};

mod twin;

const COMPILERS: [&str; 3] = ["zig", "gcc", "clang"];

/// With these, every compiler builds every program.
const LEVELS: [&str; 3] = ["-O0", "-O2", "-O3"];

/// Other ways of compiling and linking: a name, the flags, and what the CPU or the `PATH` must have. Each compiler builds every
/// eighth program with each, a different eighth for each; `ZVM_CORPUS=all` builds all with all.
const VARIANTS: [(&str, &[&str], Option<Need>); 23] = [
    ("Os", &["-Os"], None),
    ("Oz", &["-Oz"], None),
    ("Og-g", &["-Og", "-g"], None),
    ("dwarf4", &["-O2", "-gdwarf-4"], None),
    ("lto", &["-O2", "-flto"], None),
    (
        "sections",
        &[
            "-O2",
            "-ffunction-sections",
            "-fdata-sections",
            "-Wl,--gc-sections",
        ],
        None,
    ),
    ("pie", &["-O2", "-fPIE"], None),
    ("pic", &["-O2", "-fPIC", "-fno-plt"], None),
    ("no-pie", &["-O2", "-fno-pie"], None),
    ("protector", &["-O2", "-fstack-protector-strong"], None),
    ("protector-O1", &["-O1", "-fstack-protector-strong"], None),
    ("cet", &["-O2", "-fcf-protection=full"], None),
    ("frame-pointer", &["-O2", "-fno-omit-frame-pointer"], None),
    ("no-frame-pointer", &["-O0", "-fomit-frame-pointer"], None),
    ("v2", &["-O3", "-march=x86-64-v2"], None),
    ("v3", &["-O3", "-march=x86-64-v3"], Some(Need::Cpu("avx2"))),
    ("no-jump-tables", &["-O2", "-fno-jump-tables"], None),
    ("unrolled", &["-O3", "-funroll-loops"], None),
    ("no-red-zone", &["-O2", "-mno-red-zone"], None),
    ("large", &["-O2", "-fno-pic", "-mcmodel=large"], None),
    ("bfd", &["-O2", "-fuse-ld=bfd"], Some(Need::Tool("ld.bfd"))),
    (
        "bfd-pic-g",
        &["-O1", "-g", "-fPIC", "-fuse-ld=bfd"],
        Some(Need::Tool("ld.bfd")),
    ),
    (
        "bfd-sections",
        &[
            "-Os",
            "-ffunction-sections",
            "-Wl,--gc-sections",
            "-fuse-ld=bfd",
        ],
        Some(Need::Tool("ld.bfd")),
    ),
];

/// What a variant or a program needs.
#[derive(Clone, Copy)]
enum Need {
    Cpu(&'static str),
    Tool(&'static str),
}

impl Need {
    fn met(self) -> bool {
        match self {
            Need::Cpu(feature) => cpu_has(feature),
            Need::Tool(tool) => on_path(tool),
        }
    }
}

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
    /// The compilers that can compile it; all, if there are none.
    compilers: Vec<String>,
    /// Static musl cannot run it natively.
    sandbox_alone: bool,
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
                "compilers" => program.compilers.extend(words()),
                "native" => program.sandbox_alone = value.trim() == "no",
                "needs" => program.needs = Some(value.trim().to_owned()),
                _ => panic!("{}: unknown directive {key}", head.display()),
            }
        }
        Some(program)
    }

    /// As `compiler` with these flags builds it.
    fn twin(&self, compiler: &str, flags: &[&str]) -> Twin {
        let standard = if self.cxx {
            "-std=gnu++20"
        } else {
            "-std=gnu17"
        };
        Twin {
            compiler: compiler.to_owned(),
            cxx: self.cxx,
            flags: [standard, "-w"]
                .map(str::to_owned)
                .into_iter()
                .chain(flags.iter().map(|&f| f.to_owned()))
                .chain(self.cflags.iter().cloned())
                .collect(),
            sources: self.sources.clone(),
            args: self.args.clone(),
            env: self.env.clone(),
            stdin: self.stdin.clone(),
            seconds: 120,
        }
    }

    /// Both sides do what is expected.
    fn check(&self, compiler: &str, flags: &[&str]) -> Result<(), Failed> {
        let folder = tempfile::tempdir()?;
        let twin = self.twin(compiler, flags);
        let how = format!("{compiler} {}", flags.join(" "));
        for side in [Side::Native, Side::Sandboxed] {
            if side == Side::Native && self.sandbox_alone {
                continue;
            }
            let kind = match side {
                Side::Native => "native",
                Side::Sandboxed => "sandboxed",
            };
            let what = format!("{how} {kind}");
            let ran = twin
                .outcome(side, folder.path())
                .map_err(|e| format!("{what}: {}", e.message().unwrap_or_default()))?;
            if ran.status != self.status {
                return Err(format!(
                    "{what}: status {}, expected {}\n{}",
                    ran.status, self.status, ran.stderr
                )
                .into());
            }
            if side == Side::Native && std::env::var_os("BLESS").is_some() {
                std::fs::write(&self.expected, &ran.stdout)?;
            }
            let expected = std::fs::read(&self.expected)
                .map_err(|e| format!("{}: {e} (BLESS=1 makes it)", self.expected.display()))?;
            same(&what, &ran.stdout, &expected)?;
        }
        Ok(())
    }
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
    let all = std::env::var_os("ZVM_CORPUS").is_some_and(|v| v == "all");
    for (name, _, need) in VARIANTS {
        if let Some(Need::Cpu(what) | Need::Tool(what)) = need.filter(|n| !n.met()) {
            println!("skipped: variant {name} with every program: no {what}");
        }
    }
    let mut trials = Vec::new();
    for (c, compiler) in COMPILERS.into_iter().enumerate() {
        let missing = compiler != "zig" && !on_path(compiler);
        if missing {
            println!("skipped: every program with {compiler}, which is not installed");
        }
        let own = programs.iter().filter(|p| {
            (compiler == "zig" || !p.cxx)
                && (p.compilers.is_empty() || p.compilers.iter().any(|c| c == compiler))
        });
        for (p, program) in own.enumerate() {
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
            let levels = program.clone();
            let trial = Trial::test(format!("{compiler}::{}", program.name), move || {
                LEVELS
                    .iter()
                    .try_for_each(|level| levels.check(compiler, &[level]))
            });
            trials.push(trial.with_ignored_flag(missing || lacking));
            for (v, (name, flags, need)) in VARIANTS.into_iter().enumerate() {
                if !all && (p + v + 3 * c) % 8 != 0 {
                    continue;
                }
                // Refused: see `driver.rs`.
                if name == "large" && program.cflags.iter().any(|f| f == "-fPIC") {
                    continue;
                }
                let name = format!("{name}::{compiler}::{}", program.name);
                let program = program.clone();
                let unmet = need.is_some_and(|n| !n.met());
                let trial = Trial::test(name, move || program.check(compiler, flags));
                trials.push(trial.with_ignored_flag(missing || lacking || unmet));
            }
        }
    }
    twin::accepted::run(&arguments, trials)
}
