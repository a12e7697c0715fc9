//! What the user sees while the cache is set up: bars on a terminal, one line a phase otherwise, always on stderr.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Tells the user what is being done.
#[derive(Clone, Debug)]
pub struct Progress {
    kind: Kind,
    prefix: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Silent,
    Lines,
    Bars,
}

/// One phase of the work; ends when dropped.
#[derive(Debug)]
pub struct Phase {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Bars if stderr is a terminal, else lines. `prefix` is the command's name.
    pub fn new(prefix: &'static str) -> Progress {
        let kind = if std::io::stderr().is_terminal() {
            Kind::Bars
        } else {
            Kind::Lines
        };
        Progress { kind, prefix }
    }

    /// Says nothing.
    pub fn silent() -> Progress {
        Progress {
            kind: Kind::Silent,
            prefix: "",
        }
    }

    /// A line of its own.
    pub fn note(&self, text: &str) {
        if self.kind != Kind::Silent {
            eprintln!("{}: {text}", self.prefix);
        }
    }

    /// A phase whose length is not known; `text` says what is done and how long it may take.
    pub fn spinner(&self, text: &str) -> Phase {
        self.phase(text, None, "{spinner} {msg} ({elapsed})")
    }

    /// A phase of `length` steps.
    pub fn bar(&self, text: &str, length: u64) -> Phase {
        self.phase(
            text,
            Some(length),
            "{spinner} {msg} [{bar:30}] {percent}% ({elapsed})",
        )
    }

    fn phase(&self, text: &str, length: Option<u64>, template: &str) -> Phase {
        if self.kind != Kind::Bars {
            self.note(text);
            return Phase { bar: None };
        }
        let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(format!("{}: {text}", self.prefix));
        bar.enable_steady_tick(Duration::from_millis(100));
        Phase { bar: Some(bar) }
    }
}

impl Phase {
    /// `steps` more are done.
    pub fn advance(&self, steps: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(steps);
        }
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
