//! The options of `zvm run` that commands which build something first take too, and pass on.

use std::ffi::OsString;

use clap::Args;

/// Options of `zvm run` that are passed on.
#[derive(Debug, Args)]
pub struct Sandbox {
    /// One more mount, as for `zvm run`
    #[arg(long, value_name = "HOST:/PATH[:ro|overlay|rw]")]
    mount: Vec<OsString>,
    /// One more environment variable
    #[arg(long, value_name = "NAME=VALUE")]
    pub env: Vec<OsString>,
    /// Bytes of heap, with K, M or G
    #[arg(long, value_name = "SIZE")]
    memory: Option<OsString>,
    /// End the program after so many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<OsString>,
    /// Take standard input from a file
    #[arg(long, value_name = "FILE")]
    stdin: Option<OsString>,
    /// Write a report with digests and accounts; as JSON if the name ends in .json
    #[arg(long, value_name = "FILE")]
    report: Option<OsString>,
    /// Where the program's clock starts, in seconds since 1970
    #[arg(long, value_name = "SECONDS")]
    time: Option<OsString>,
    /// Seed of the program's random numbers, up to 64 hex digits
    #[arg(long, value_name = "HEX")]
    seed: Option<OsString>,
    /// Show the program's system calls on stderr
    #[arg(long)]
    strace: bool,
    /// Write a core file for gdb if the program ends by a fault
    #[arg(long, value_name = "FILE")]
    core: Option<OsString>,
}

impl Sandbox {
    /// The same as words of a command line.
    pub fn words(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        let lists = [("--mount", &self.mount), ("--env", &self.env)];
        for (name, values) in lists {
            for value in values {
                words.extend([OsString::from(name), value.clone()]);
            }
        }
        let single = [
            ("--memory", &self.memory),
            ("--timeout", &self.timeout),
            ("--stdin", &self.stdin),
            ("--report", &self.report),
            ("--time", &self.time),
            ("--seed", &self.seed),
            ("--core", &self.core),
        ];
        for (name, value) in single {
            if let Some(value) = value {
                words.extend([OsString::from(name), value.clone()]);
            }
        }
        words.extend(self.strace.then(|| "--strace".into()));
        words
    }
}
