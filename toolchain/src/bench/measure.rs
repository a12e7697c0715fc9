//! Runs a command, takes its time, and says what a handful of times amount to.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};

/// Which time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Clock {
    /// What the host's processors worked for the program, in it and in the kernel: hardly depends on what else runs.
    Cpu,
    /// The same without the kernel: what the program's own code costs.
    User,
    /// From start to end.
    Wall,
}

impl Clock {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Clock::Cpu => "cpu",
            Clock::User => "user",
            Clock::Wall => "wall",
        }
    }
}

/// One run.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Seconds of processor time, the program's and its children's.
    pub cpu: f64,
    /// Those of them outside the kernel.
    pub user: f64,
    /// Seconds from start to end.
    pub wall: f64,
}

impl Sample {
    /// Seconds.
    pub fn seconds(&self, clock: Clock) -> f64 {
        match clock {
            Clock::Cpu => self.cpu,
            Clock::User => self.user,
            Clock::Wall => self.wall,
        }
    }
}

/// What a run said: must be the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: Vec<u8>,
}

/// Runs `command` with nothing on its standard input. This process must have no other child meanwhile.
///
/// # Errors
/// It does not start.
pub fn run(command: &mut Command) -> Result<(Sample, Said)> {
    let (sample, output) = timed(|| {
        let output = command
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output();
        output.with_context(|| format!("cannot start {}", command.get_program().display()))
    })?;
    let said = Said {
        status: output.status,
        stdout: output.stdout,
    };
    Ok((sample, said))
}

/// The time of what `work` starts and waits for. This process must have no other child meanwhile.
///
/// # Errors
/// The work's own.
pub fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(Sample, T)> {
    let before = children()?;
    let start = Instant::now();
    let done = work()?;
    let wall = start.elapsed().as_secs_f64();
    let after = children()?;
    let user = after.0.saturating_sub(before.0).as_secs_f64();
    let system = after.1.saturating_sub(before.1).as_secs_f64();
    let cpu = user + system;
    Ok((Sample { cpu, user, wall }, done))
}

/// Processor time of all children that have ended, and of theirs: outside the kernel and in it.
fn children() -> Result<(Duration, Duration)> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("cannot ask for processor times")?;
    let duration = |time: nix::sys::time::TimeVal| {
        Duration::from_micros(
            (time.tv_sec() * 1_000_000 + time.tv_usec())
                .try_into()
                .unwrap_or(0),
        )
    };
    Ok((duration(usage.user_time()), duration(usage.system_time())))
}

/// Of several numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The one in the middle, or the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Summary {
    /// `None` of no numbers.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Summary> {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let half = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[half]
        } else {
            (sorted[half - 1] + sorted[half]) / 2.0
        };
        Some(Summary { median, min, max })
    }
}

/// The geometric mean; `None` of no numbers.
pub fn geometric_mean(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (count, sum) = numbers
        .into_iter()
        .fold((0.0, 0.0), |(count, sum), number| {
            (count + 1.0, sum + f64::ln(number))
        });
    (count > 0.0).then(|| f64::exp(sum / count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_means() {
        let summary = Summary::of([3.0, 1.0, 2.0]).unwrap();
        assert_eq!((summary.median, summary.min, summary.max), (2.0, 1.0, 3.0));
        assert_eq!(Summary::of([4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
        assert_eq!(Summary::of([]), None);
        assert!((geometric_mean([0.5, 2.0, 8.0]).unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(geometric_mean([]), None);
    }

    #[test]
    fn a_run_has_its_output_and_its_status() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo word; exit 3"]);
        let (sample, said) = run(&mut command).unwrap();
        assert_eq!(
            (said.stdout, said.status.code()),
            (b"word\n".to_vec(), Some(3))
        );
        assert!(sample.wall > 0.0);
    }
}
