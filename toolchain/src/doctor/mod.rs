//! `cargo zvm doctor`: what the SDK and the sandbox need of this machine, each with what to do if it is missing.
//!
//! [`host`] looks at the kernel and the processor, [`tools`] at compilers and the cache; a last check builds and runs a program.

mod host;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use zvm_sysroot::Progress;

use crate::problem::{Style, in_colour, paint};

/// Options of `cargo zvm doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Do what can be done from here: prepare the cache, add rustup's target, set the kernel's settings (as root)
    #[arg(long)]
    fix: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// As it must be.
    Fine(String),
    /// It works without, but less well.
    Notice {
        /// What is missing.
        what: String,
        /// What to do.
        advice: String,
        /// What `--fix` does.
        fix: Option<Fix>,
    },
    /// It does not work.
    Problem {
        /// What is wrong.
        what: String,
        /// What to do.
        advice: String,
        /// What `--fix` does.
        fix: Option<Fix>,
    },
}

/// What `--fix` can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Assembles the cache.
    Setup,
    /// Writes a kernel setting, below /proc/sys.
    Setting(&'static str, &'static str),
    /// Tells the kernel to start images.
    Direct,
    /// Links the tools' names beside the executable.
    Links,
    /// `rustup target add`.
    RustTarget,
}

/// One thing that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Looks.
    pub look: fn() -> Finding,
}

/// A problem without a fix from here.
fn problem(what: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding::Problem {
        what: what.into(),
        advice: advice.into(),
        fix: None,
    }
}

/// Something that is missing, without harm.
fn notice(what: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding::Notice {
        what: what.into(),
        advice: advice.into(),
        fix: None,
    }
}

/// A problem that `--fix` can solve.
fn fixable(what: impl Into<String>, advice: impl Into<String>, fix: Fix) -> Finding {
    Finding::Problem {
        what: what.into(),
        advice: advice.into(),
        fix: Some(fix),
    }
}

impl Doctor {
    /// Looks at everything, and repairs if so told; the exit status is 1 if a problem stays.
    ///
    /// # Errors
    /// There are none: what fails is a finding.
    pub fn execute(&self, progress: &Progress) -> Result<ExitCode> {
        let mut found = Vec::new();
        for check in host::CHECKS.iter().chain(tools::CHECKS) {
            let mut finding = (check.look)();
            let fix = match &finding {
                Finding::Problem { fix, .. } | Finding::Notice { fix, .. } => *fix,
                Finding::Fine(_) => None,
            };
            if let Some(fix) = fix.filter(|_| self.fix) {
                finding = match fix.apply(progress) {
                    Ok(()) => (check.look)(),
                    Err(error) => problem(format!("--fix failed: {error:#}"), advice(&finding)),
                };
            }
            if !self.json {
                print!("{}", line(check.name, &finding));
            }
            found.push((check.name, finding));
        }
        let problems = found
            .iter()
            .filter(|(_, finding)| matches!(finding, Finding::Problem { .. }))
            .count();
        if self.json {
            println!("{}", json(&found));
        } else if problems == 0 {
            println!("all is well");
        } else {
            println!("{problems} problem(s)");
        }
        Ok(ExitCode::from(u8::from(problems > 0)))
    }
}

impl Fix {
    fn apply(self, progress: &Progress) -> Result<()> {
        match self {
            Fix::Setup => tools::set_up(progress),
            Fix::Setting(name, value) => host::set(name, value),
            Fix::Direct => host::register(),
            Fix::Links => crate::tools::link_beside().map(drop),
            Fix::RustTarget => tools::add_target(),
        }
    }
}

fn advice(finding: &Finding) -> String {
    match finding {
        Finding::Fine(_) => String::new(),
        Finding::Notice { advice, .. } | Finding::Problem { advice, .. } => advice.clone(),
    }
}

fn line(name: &str, finding: &Finding) -> String {
    let colour = in_colour(&std::io::stdout());
    let (word, style, what) = match finding {
        Finding::Fine(what) => ("ok", Style::Good, what),
        Finding::Notice { what, .. } => ("notice", Style::Notice, what),
        Finding::Problem { what, .. } => ("problem", Style::Bad, what),
    };
    let word = paint(&format!("{word:<8}"), style, colour);
    let mut text = format!("{word} {name:<16} {what}\n");
    for (index, line) in advice(finding).lines().enumerate() {
        let head = if index == 0 { "what to do:" } else { "" };
        text.push_str(&format!("{:25} {head:<11} {line}\n", ""));
    }
    text
}

fn json(found: &[(&str, Finding)]) -> String {
    let entries: Vec<_> = found
        .iter()
        .map(|(name, finding)| {
            let (state, what) = match finding {
                Finding::Fine(what) => ("ok", what),
                Finding::Notice { what, .. } => ("notice", what),
                Finding::Problem { what, .. } => ("problem", what),
            };
            serde_json::json!({"name": name, "state": state, "what": what, "advice": advice(finding)})
        })
        .collect();
    format!("{:#}", serde_json::Value::Array(entries))
}
