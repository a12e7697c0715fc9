//! What one run of one test says: its cases, and which calls of each the sandbox does not have.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::port::recipe::SuiteFormat;

/// How a case ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As upstream wants it.
    Pass,
    /// Its own decision not to run.
    Skip,
    /// Anything else.
    Fail,
    /// The run ended before it.
    Absent,
}

/// A case of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// How it ended.
    pub verdict: Verdict,
    /// The program's word for a failure or a skip.
    pub why: String,
    /// The first line of the library OS's trace that fell into it: a call that the sandbox does not have.
    pub missing: Option<String>,
}

/// A finished process.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Exit status; `None` for a signal.
    pub status: Option<i32>,
    /// It took too long.
    pub timeout: bool,
    /// Its stdout, if that was kept.
    pub stdout: Vec<u8>,
    /// Its stderr.
    pub stderr: String,
}

impl Case {
    /// One that made no call that the sandbox does not have.
    pub fn new(verdict: Verdict, why: String) -> Case {
        Case {
            verdict,
            why,
            missing: None,
        }
    }
}

/// How libzrt starts a line about a missing call.
const TRACE: &str = "zvm: trace: ";

/// The first call that the sandbox does not have.
pub fn missing(ended: &Ended) -> Option<String> {
    let at = ended.stderr.find(TRACE)?;
    let line = ended.stderr[at + TRACE.len()..].lines().next();
    line.map(str::to_owned)
}

/// The cases by name, and which of them the process did not survive.
pub fn cases(
    test: &str,
    format: SuiteFormat,
    ended: &Ended,
) -> (BTreeMap<String, Case>, Option<String>) {
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    let mut running: Option<String> = None;
    let mut begun: BTreeSet<String> = BTreeSet::new();
    let mut missing: BTreeMap<String, String> = BTreeMap::new();
    // Of no case, and of none since the last one began.
    let mut outside = None;
    let mut before = None;
    for line in ended.stderr.lines() {
        // A trace may follow what the program printed without an end of line.
        if let Some(at) = line.find(TRACE) {
            let call = line[at + TRACE.len()..].to_owned();
            match &running {
                Some(case) => {
                    missing.entry(case.clone()).or_insert(call);
                }
                None => {
                    before.get_or_insert(call.clone());
                    outside.get_or_insert(call);
                }
            }
            continue;
        }
        if format == SuiteFormat::Status {
            continue;
        }
        let mut fields = line.splitn(3, '\t');
        let (kind, name) = (fields.next().unwrap_or(""), fields.next());
        let verdict = match (kind, name) {
            ("@begin", Some(name)) => {
                running = Some(name.to_owned());
                begun.insert(name.to_owned());
                before = None;
                continue;
            }
            ("@pass", Some(_)) => Verdict::Pass,
            ("@skip", Some(_)) => Verdict::Skip,
            ("@fail", Some(_)) => Verdict::Fail,
            _ => continue,
        };
        let name = name.unwrap_or_default();
        if running.as_deref() == Some(name) {
            running = None;
        }
        let case = Case {
            verdict,
            why: fields.next().unwrap_or("").to_owned(),
            missing: match begun.contains(name) {
                true => missing.get(name).cloned(),
                // What was to prepare it has ended it.
                false => before.clone(),
            },
        };
        // A case with parts may say more than once how it ended: the worst counts.
        match cases.get_mut(name) {
            Some(known) if known.verdict >= case.verdict => {}
            Some(known) => *known = case,
            None => {
                cases.insert(name.to_owned(), case);
            }
        }
    }
    let mut fatal = None;
    let (verdict, why) = match (ended.timeout, ended.status) {
        (true, _) => (Verdict::Fail, "it took too long".to_owned()),
        (_, Some(0)) => (Verdict::Pass, String::new()),
        (_, Some(status)) => (
            Verdict::Fail,
            format!("status {status}: {}", last_line(ended)),
        ),
        (_, None) => (Verdict::Fail, format!("a signal: {}", last_line(ended))),
    };
    if format == SuiteFormat::Status
        || cases.is_empty()
        || (running.is_some() && verdict == Verdict::Fail)
    {
        // The case that ran when the process ended is the one that ended it.
        fatal.clone_from(&running);
        let name = running.unwrap_or_else(|| test.to_owned());
        let missing = missing.get(&name).cloned().or(outside);
        cases.entry(name).or_insert(Case {
            verdict,
            why,
            missing,
        });
    }
    (cases, fatal)
}

fn last_line(ended: &Ended) -> String {
    let lines = ended.stderr.lines().rev();
    let mut lines = lines.filter(|line| !line.trim().is_empty() && !line.contains(TRACE));
    lines
        .next()
        .unwrap_or("it printed nothing")
        .chars()
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(status: i32, stderr: &str) -> Ended {
        Ended {
            status: Some(status),
            timeout: false,
            stdout: Vec::new(),
            stderr: stderr.to_owned(),
        }
    }

    #[test]
    fn a_missing_call_belongs_to_the_case_that_made_it() {
        let text =
            "@begin\ta\nzvm: trace: fork(57) = ENOSYS\n@fail\ta\tno fork\n@begin\tb\n@pass\tb\n";
        let (cases, fatal) = cases("t", SuiteFormat::Cases, &ended(0, text));
        assert_eq!(fatal, None);
        assert_eq!(cases["a"].missing.as_deref(), Some("fork(57) = ENOSYS"));
        assert_eq!(cases["a"].verdict, Verdict::Fail);
        assert_eq!(
            (cases["b"].verdict, &cases["b"].missing),
            (Verdict::Pass, &None)
        );
        assert_eq!(cases.len(), 2);
    }

    #[test]
    fn a_case_that_never_began_was_ended_by_what_came_before() {
        let text = "@begin\ta\n@pass\ta\nzvm: trace: fork(57) = ENOSYS\n@fail\tsetUp\tno\n@fail\tb\tno\n@begin\tc\n@fail\tc\tx\n@fail\td\tx\n";
        let (cases, _) = cases("t", SuiteFormat::Cases, &ended(0, text));
        let missing = |name: &str| cases[name].missing.as_deref();
        assert_eq!(missing("b"), Some("fork(57) = ENOSYS"));
        assert_eq!(
            (missing("a"), missing("c"), missing("d")),
            (None, None, None)
        );
    }

    #[test]
    fn the_case_that_runs_at_the_end_has_ended_the_process() {
        let (cases, fatal) = cases(
            "t",
            SuiteFormat::Cases,
            &ended(139, "@begin\ta\n@pass\ta\n@begin\tb\nzvm: signal 11\n"),
        );
        assert_eq!(cases["b"].verdict, Verdict::Fail);
        assert_eq!(fatal.as_deref(), Some("b"));
        assert!(cases["b"].why.contains("139") && cases["b"].why.contains("signal 11"));
    }

    #[test]
    fn one_failed_part_fails_the_case_and_a_status_is_a_case() {
        let (parts, _) = cases(
            "t",
            SuiteFormat::Cases,
            &ended(0, "@begin\ta\n@fail\ta\tpart 1\n@pass\ta\n"),
        );
        assert_eq!(parts["a"].verdict, Verdict::Fail);
        let (whole, _) = cases("t", SuiteFormat::Status, &ended(1, "@pass\tx\nboom\n"));
        assert_eq!(whole.len(), 1);
        assert!(whole["t"].why.contains("boom"));
    }
}
