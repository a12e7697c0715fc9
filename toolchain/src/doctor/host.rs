//! What the sandbox needs of the kernel and the processor.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use zvm_abi::note;
use zvm_sysroot::Cache;

use super::{Check, Finding, Fix, fixable, problem};
use crate::problem::{Advise as _, problem as advise};
use crate::tools::Tools;

/// In the order in which they are shown.
pub const CHECKS: &[Check] = &[
    Check {
        name: "processor",
        look: processor,
    },
    Check {
        name: "kernel",
        look: kernel,
    },
    Check {
        name: "FSGSBASE",
        look: fsgsbase,
    },
    Check {
        name: "mmap_min_addr",
        look: mmap_min_addr,
    },
    Check {
        name: "overcommit",
        look: overcommit,
    },
    Check {
        name: "address space",
        look: address_space,
    },
    Check {
        name: "seccomp",
        look: seccomp,
    },
    Check {
        name: "./program",
        look: direct,
    },
];

/// The first address that the sandbox maps.
const LOWEST: u64 = 0x1_0000;
const MMAP_MIN_ADDR: &str = "vm/mmap_min_addr";
const OVERCOMMIT: &str = "vm/overcommit_memory";

fn setting(name: &str) -> Option<String> {
    let text = fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?;
    Some(text.trim().to_owned())
}

/// Writes a kernel setting; it holds until the next boot.
///
/// # Errors
/// Not allowed to.
pub fn set(name: &str, value: &str) -> Result<()> {
    let path = Path::new("/proc/sys").join(name);
    fs::write(&path, value).advise(|| {
        (
            format!("cannot write {}", path.display()),
            "run the command as root".to_owned(),
        )
    })
}

/// binfmt_misc's folder, and our entry there.
const BINFMT: &str = "/proc/sys/fs/binfmt_misc";
const ENTRY: &str = "/proc/sys/fs/binfmt_misc/zvm";

/// Whether the kernel starts images by their name, as builds want that run what they have just made.
fn direct() -> Finding {
    let entry = fs::read_to_string(ENTRY).unwrap_or_default();
    let interpreter = entry
        .lines()
        .find_map(|line| line.strip_prefix("interpreter "));
    match interpreter {
        Some(path) if Path::new(path).exists() && entry.starts_with("enabled") => {
            Finding::Fine(format!("the kernel starts images by {path}"))
        }
        _ => Finding::Notice {
            what: "the kernel does not start images by their name (binfmt_misc)".to_owned(),
            advice: "--fix as root, for builds that run what they have just made; `zvm-run ./program` needs nothing"
                .to_owned(),
            fix: Some(Fix::Direct),
        },
    }
}

/// Tells the kernel to start images by `zvm-run`; it holds until the next boot.
///
/// # Errors
/// Not root, or no binfmt_misc.
pub fn register() -> Result<()> {
    let advice = || "run the command as root, with a kernel that has binfmt_misc".to_owned();
    if !Path::new(BINFMT).join("register").exists() {
        let status = Command::new("mount")
            .args(["-t", "binfmt_misc", "binfmt_misc", BINFMT])
            .status()?;
        if !status.success() {
            return Err(advise("cannot mount binfmt_misc", advice()));
        }
    }
    if Path::new(ENTRY).exists() {
        // -1 removes an entry: it may name an older SDK.
        fs::write(ENTRY, "-1").advise(|| (format!("cannot write {ENTRY}"), advice()))?;
    }
    let tools = Tools::open(&Cache::locate()?)?;
    let path = Path::new(BINFMT).join("register");
    let text = registration(&tools.path("zvm-run"));
    fs::write(&path, text).advise(|| (format!("cannot write {}", path.display()), advice()))
}

/// A 64-bit ELF file with our mark. The executable is opened now (`F`), so containers need no copy of it.
fn registration(interpreter: &Path) -> String {
    let head = [&b"\x7fELF\x02\x01\x01\0\0"[..], &note::MARK[..3]].concat();
    let hex = |bytes: &[u8]| -> String {
        let bytes = bytes.iter().map(|byte| format!("\\x{byte:02x}"));
        bytes.collect()
    };
    format!(
        ":zvm:M:0:{}:{}:{}:F",
        hex(&head),
        hex(&vec![0xff; head.len()]),
        interpreter.display()
    )
}

/// The highest x86-64 level that the processor has; 0 is no level at all.
fn level() -> u32 {
    let v2 = is_x86_feature_detected!("sse4.2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("cmpxchg16b");
    let v3 = v2
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("movbe")
        && is_x86_feature_detected!("lzcnt");
    let v4 = v3
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    1 + u32::from(v2) + u32::from(v3) + u32::from(v4)
}

fn processor() -> Finding {
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("x86-64", |rest| rest.trim_start_matches([' ', '\t', ':']));
    Finding::Fine(format!(
        "{model}: runs images up to level x86-64-v{}",
        level()
    ))
}

fn kernel() -> Finding {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy().into_owned();
    match version(&release) {
        Some(version) if version < (5, 9) => problem(
            format!("Linux {release} is too old"),
            "use Linux 5.9 or newer: it lets programs set the thread pointer (FSGSBASE)",
        ),
        _ => Finding::Fine(format!("Linux {release}")),
    }
}

/// `5.10.0-8-amd64` → (5, 10).
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// What the kernel tells each process about the processor, in its auxiliary vector.
fn hardware_capabilities_2() -> Option<u64> {
    const AT_HWCAP2: u64 = 26;
    let vector = fs::read("/proc/self/auxv").ok()?;
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
    vector
        .chunks_exact(16)
        .find(|pair| word(&pair[..8]) == AT_HWCAP2)
        .map(|pair| word(&pair[8..]))
}

fn fsgsbase() -> Finding {
    const FSGSBASE: u64 = 1 << 1;
    if hardware_capabilities_2().is_some_and(|bits| bits & FSGSBASE != 0) {
        return Finding::Fine("programs may set the thread pointer".to_owned());
    }
    problem(
        "the kernel does not let programs set the thread pointer",
        "use a processor since 2012 (Intel) or 2017 (AMD) and Linux 5.9 or newer, started without `nofsgsbase`;\n\
         in a virtual machine, give it the host's processor features",
    )
}

fn mmap_min_addr() -> Finding {
    let Some(value) = setting(MMAP_MIN_ADDR).and_then(|text| text.parse::<u64>().ok()) else {
        return Finding::Fine("the kernel does not say; images start at 64 KiB".to_owned());
    };
    if value <= LOWEST {
        return Finding::Fine(format!("{value}: memory from 64 KiB on can be mapped"));
    }
    fixable(
        format!("{value}: memory at 64 KiB, where images start, cannot be mapped"),
        "sysctl vm.mmap_min_addr=65536 as root (or --fix), and a file in /etc/sysctl.d to keep it",
        Fix::Setting(MMAP_MIN_ADDR, "65536"),
    )
}

fn overcommit() -> Finding {
    if setting(OVERCOMMIT).as_deref() != Some("2") {
        return Finding::Fine("memory is taken when it is used".to_owned());
    }
    fixable(
        "vm.overcommit_memory=2 charges a program's whole heap in advance",
        "sysctl vm.overcommit_memory=0 as root (or --fix), or run with a small --memory",
        Fix::Setting(OVERCOMMIT, "0"),
    )
}

fn address_space() -> Finding {
    // The sandbox with its guard, and the runtime.
    const NEEDED: u64 = 10 << 30;
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current;
    match limit {
        Some(bytes) if bytes < NEEDED => problem(
            format!("`ulimit -v` leaves {} KiB", bytes >> 10),
            "ulimit -v unlimited: the sandbox reserves 8 GiB of addresses (not of memory)",
        ),
        _ => Finding::Fine("8 GiB can be reserved".to_owned()),
    }
}

fn seccomp() -> Finding {
    match setting("kernel/seccomp/actions_avail") {
        Some(actions) if actions.contains("kill_process") => {
            Finding::Fine("filters of system calls work".to_owned())
        }
        _ => problem(
            "the kernel has no filters of system calls",
            "use a kernel with CONFIG_SECCOMP_FILTER; the runtime does not start programs without",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_told_all_of_the_mark() {
        let text = registration(Path::new("/bin/zvm-run"));
        assert_eq!(
            text,
            ":zvm:M:0:\\x7f\\x45\\x4c\\x46\\x02\\x01\\x01\\x00\\x00\\x5a\\x56\\x4d:\
             \\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff:/bin/zvm-run:F"
        );
    }

    #[test]
    fn versions_of_kernels() {
        assert_eq!(version("5.10.0-8-amd64"), Some((5, 10)));
        assert_eq!(version("6.1"), Some((6, 1)));
        assert_eq!(version("next"), None);
    }

    #[test]
    fn this_machine_has_a_level_and_tells_its_capabilities() {
        assert!((1..=4).contains(&level()));
        assert!(hardware_capabilities_2().is_some());
    }
}
