//! What a run leaves to be read: ZeroVM's six lines, or JSON.

use std::fmt::Write as _;
use std::time::Duration;

use crate::digest::{self, Algorithm};
use crate::error::RunError;
use crate::monitor::Outcome;
use crate::record::Validated;

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Of all digests here.
    pub algorithm: Algorithm,
    /// Every channel, in the guest's order.
    pub channels: Vec<ChannelReport>,
    /// Digest of final memory, if it was asked for and the program ended itself.
    pub memory: Option<[u8; digest::BYTES]>,
    /// Processor time in user mode.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// From the image's opening to the last output in its place.
    pub wall: Duration,
    /// Parts of that, in their order.
    pub phases: Vec<(&'static str, Duration)>,
    /// Seed of the program's random bytes: with it, the run can be repeated.
    pub seed: [u8; 32],
}

/// What passed one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelReport {
    /// The guest's name for it.
    pub alias: String,
    /// gets, bytes read, puts, bytes written.
    pub used: [u64; 4],
    /// Digest of the bytes in the order in which they passed, if it was asked for and the program ended itself.
    pub digest: Option<[u8; digest::BYTES]>,
    /// Whether the bytes went over the network.
    pub network: bool,
}

/// ZeroVM's report: validator (0 ok, 1 failed, 2 not run), daemon (always 0), the program's exit status (5 if what it made could
/// not be put in its place), digests as `alias digest` pairs (`/dev/memory` is final memory), accounting (kernel seconds, user seconds; gets, bytes, puts,
/// bytes of local channels, then of network channels), and `ok` or a message. One line each.
pub fn zerovm(result: &Result<Report, RunError>) -> String {
    let mut text = String::new();
    let (validator, code, state) = summary(result);
    let _ = writeln!(text, "{validator}\n0\n{code}");
    let report = result.as_ref().ok();
    let digests: Vec<String> = report
        .into_iter()
        .flat_map(digests)
        .map(|(alias, digest)| format!("{alias} {}", digest::hex(digest)))
        .collect();
    let _ = writeln!(text, "{}", digests.join(" "));
    let (system, user) = report.map_or((Duration::ZERO, Duration::ZERO), |report| {
        (report.system, report.user)
    });
    let _ = write!(
        text,
        "{:.2} {:.2}",
        system.as_secs_f64(),
        user.as_secs_f64()
    );
    for network in [false, true] {
        for count in sums(report, network) {
            let _ = write!(text, " {count}");
        }
    }
    let _ = writeln!(text, "\n{state}");
    text
}

/// The report as one JSON object; digests as hex, times in seconds.
pub fn json(result: &Result<Report, RunError>) -> String {
    let (validator, code, state) = summary(result);
    let mut text = format!(
        "{{\n  \"validator\": {validator},\n  \"exit_code\": {code},\n  \"state\": {},\n",
        quoted(&state)
    );
    if let Ok(report) = result {
        let seconds = |time: Duration| time.as_secs_f64();
        let phases: Vec<String> = report
            .phases
            .iter()
            .map(|(name, time)| {
                let time = seconds(*time);
                format!("{{\"name\": \"{name}\", \"seconds\": {time:.6}}}")
            })
            .collect();
        // One line, so that a comparison of runs can leave it out.
        let _ = writeln!(
            text,
            "  \"time\": {{\"user\": {:.6}, \"system\": {:.6}, \"wall\": {:.6}, \"phases\": [{}]}},",
            seconds(report.user),
            seconds(report.system),
            seconds(report.wall),
            phases.join(", ")
        );
        let _ = writeln!(text, "  \"seed\": \"{}\",", digest::hex(&report.seed));
        let _ = writeln!(text, "  \"digest\": \"{}\",", report.algorithm);
        let _ = writeln!(text, "  \"memory\": {},", optional(report.memory.as_ref()));
        let channels: Vec<String> = report.channels.iter().map(channel_json).collect();
        let _ = writeln!(text, "  \"channels\": [\n{}\n  ]", channels.join(",\n"));
    } else {
        text.push_str("  \"channels\": []\n");
    }
    text.push_str("}\n");
    text
}

fn channel_json(channel: &ChannelReport) -> String {
    let [gets, get_bytes, puts, put_bytes] = channel.used;
    format!(
        "    {{\"alias\": {}, \"gets\": {gets}, \"get_bytes\": {get_bytes}, \"puts\": {puts}, \
         \"put_bytes\": {put_bytes}, \"network\": {}, \"digest\": {}}}",
        quoted(&channel.alias),
        channel.network,
        optional(channel.digest.as_ref())
    )
}

fn optional(digest: Option<&[u8; digest::BYTES]>) -> String {
    digest.map_or("null".to_owned(), |digest| {
        format!("\"{}\"", digest::hex(digest))
    })
}

fn digests(report: &Report) -> impl Iterator<Item = (&str, &[u8; digest::BYTES])> {
    let channels = report.channels.iter().filter_map(|channel| {
        let digest = channel.digest.as_ref()?;
        Some((channel.alias.as_str(), digest))
    });
    channels.chain(report.memory.as_ref().map(|digest| ("/dev/memory", digest)))
}

/// gets, bytes, puts, bytes of all local, or all network, channels.
fn sums(report: Option<&Report>, network: bool) -> [u64; 4] {
    let mut sums = [0_u64; 4];
    for channel in report
        .into_iter()
        .flat_map(|report| &report.channels)
        .filter(|channel| channel.network == network)
    {
        for (sum, count) in sums.iter_mut().zip(channel.used) {
            *sum += count;
        }
    }
    sums
}

/// The validator's state, the program's exit status, and the state in words, one line.
fn summary(result: &Result<Report, RunError>) -> (u8, u8, String) {
    match result {
        Ok(report) => {
            let code = match report.outcome {
                Outcome::Exited(code) => code,
                _ => report.outcome.status(),
            };
            let state = report.outcome.lines().into_iter().next();
            (0, code, state.unwrap_or_else(|| "ok".to_owned()))
        }
        Err(error) => {
            let validator = match error {
                RunError::Instance { validated, .. } => match validated {
                    Validated::Accepted => 0,
                    Validated::Rejected => 1,
                    Validated::NotRun => 2,
                },
                error if error.is_after_the_run() => 0,
                _ => 2,
            };
            // Whatever the program said of itself, nobody has what it made.
            let code = if error.is_after_the_run() {
                error.status()
            } else {
                0
            };
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default().to_owned();
            (validator, code, line)
        }
    }
}

pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let channel = |alias: &str, used, digest| ChannelReport {
            alias: alias.to_owned(),
            used,
            digest,
            network: false,
        };
        Report {
            outcome: Outcome::Exited(7),
            algorithm: Algorithm::Blake3,
            channels: vec![
                channel("/dev/stdin", [1, 10, 0, 0], None),
                channel("/dev/stdout", [0, 0, 2, 30], Some([0xab; 32])),
            ],
            memory: Some([1; 32]),
            user: Duration::from_millis(1250),
            system: Duration::from_millis(10),
            wall: Duration::from_secs(2),
            phases: vec![("open", Duration::from_micros(50))],
            seed: [0; 32],
        }
    }

    #[test]
    fn zerovms_six_lines() {
        let expected = format!(
            "0\n0\n7\n/dev/stdout {} /dev/memory {}\n0.01 1.25 1 10 2 30 0 0 0 0\nok\n",
            "ab".repeat(32),
            "01".repeat(32)
        );
        assert_eq!(zerovm(&Ok(report())), expected);
        let refused = zerovm(&Err(RunError::Nvram("no \"x\"".to_owned())));
        assert_eq!(refused, "2\n0\n0\n\n0.00 0.00 0 0 0 0 0 0 0 0\nno \"x\"\n");
    }

    #[test]
    fn an_output_without_a_place_is_a_failure_of_a_valid_program() {
        let lost = || RunError::Output {
            path: "/out".into(),
            source: std::io::ErrorKind::IsADirectory.into(),
        };
        let text = zerovm(&Err(lost()));
        assert!(text.starts_with("0\n0\n5\n"), "{text}");
        assert!(text.contains("cannot put the output /out in its place"));
        assert!(json(&Err(lost())).contains("\"exit_code\": 5"));
    }

    #[test]
    fn json_says_the_same() {
        let text = json(&Ok(report()));
        assert!(
            text.contains("\"exit_code\": 7,\n  \"state\": \"ok\""),
            "{text}"
        );
        assert!(text.contains("\"put_bytes\": 30"), "{text}");
        assert_eq!(quoted("a\"\\\n"), "\"a\\\"\\\\\\u000a\"");
    }
}
