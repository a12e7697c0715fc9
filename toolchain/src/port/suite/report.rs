//! `results.json`: what a suite's run in the sandbox and its run on the machine say of each other.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::outcome::{Case, Verdict};
use super::stable::stable;

/// The file.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Report {
    /// The port.
    pub port: String,
    /// Upstream's version.
    pub version: String,
    /// Sums over all tests.
    pub totals: Totals,
    /// Each test by name.
    pub tests: BTreeMap<String, Test>,
}

/// Sums.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Totals {
    /// Cases natively.
    pub native: Counts,
    /// Cases sandboxed.
    pub sandboxed: Counts,
    /// Cases that pass natively.
    pub pass_natively: usize,
    /// Of these, cases that do not pass sandboxed and whose trace shows a call that the sandbox does not have.
    pub left_out: usize,
    /// Of these, cases that pass sandboxed too.
    pub pass_both: usize,
    /// `pass_both` as percentage of what passes natively and is not left out.
    pub percent: f64,
}

/// How many cases ended how. What is 0 is not written: most tests of a suite of thousands are one case, which passes.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct Counts {
    /// Passed.
    #[serde(skip_serializing_if = "is_zero")]
    pub pass: usize,
    /// Failed.
    #[serde(skip_serializing_if = "is_zero")]
    pub fail: usize,
    /// Skipped.
    #[serde(skip_serializing_if = "is_zero")]
    pub skip: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A test: one start of the program.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Test {
    /// Its cases natively.
    pub native: Counts,
    /// Its cases sandboxed.
    pub sandboxed: Counts,
    /// Every case whose verdict is not the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub differences: BTreeMap<String, Difference>,
}

/// A case that ends differently in the sandbox.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Natively.
    pub native: Verdict,
    /// Sandboxed.
    pub sandboxed: Verdict,
    /// What the run that did not pass said.
    pub why: String,
    /// The trace's line of a call that the sandbox does not have, if the case made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

impl Counts {
    fn of(cases: &BTreeMap<String, Case>) -> Counts {
        let count = |verdict| {
            cases
                .values()
                .filter(|case| case.verdict == verdict)
                .count()
        };
        Counts {
            pass: count(Verdict::Pass),
            fail: count(Verdict::Fail),
            skip: count(Verdict::Skip),
        }
    }

    fn add(&mut self, other: &Counts) {
        self.pass += other.pass;
        self.fail += other.fail;
        self.skip += other.skip;
    }
}

impl Test {
    /// Compares two runs of the test `name`. Where a run has a case of that name, it ended before it knew its cases.
    pub fn compare(
        name: &str,
        native: &BTreeMap<String, Case>,
        sandboxed: &BTreeMap<String, Case>,
    ) -> Test {
        let whole = sandboxed
            .get(name)
            .filter(|case| case.verdict != Verdict::Pass);
        let absent = Case {
            verdict: Verdict::Absent,
            why: String::new(),
            missing: None,
        };
        let mut differences = BTreeMap::new();
        for name in native.keys().chain(sandboxed.keys()) {
            let on_host = native.get(name).unwrap_or(&absent);
            let inside = sandboxed.get(name).unwrap_or(&absent);
            if on_host.verdict == inside.verdict {
                continue;
            }
            let why = if inside.verdict == Verdict::Absent {
                let why = whole.map(|case| format!(": {}", case.why));
                format!("the run did not come to it{}", why.unwrap_or_default())
            } else if inside.verdict == Verdict::Pass {
                format!("natively: {}", on_host.why)
            } else {
                inside.why.clone()
            };
            let ended = match inside.verdict {
                Verdict::Absent => whole,
                _ => Some(inside),
            };
            let difference = Difference {
                native: on_host.verdict,
                sandboxed: inside.verdict,
                why,
                missing: ended.and_then(|case| case.missing.clone()),
            };
            differences.insert(name.clone(), difference);
        }
        Test {
            native: Counts::of(native),
            sandboxed: Counts::of(sandboxed),
            differences,
        }
    }
}

impl Test {
    /// Whether another run says the same: the same verdicts, for the same kind of reason. Words and addresses may differ.
    pub fn agrees(&self, other: &Test) -> bool {
        let verdicts = |test: &Test| -> Vec<_> {
            let differences = test.differences.iter();
            differences
                .map(|(name, d)| (name.clone(), d.native, d.sandboxed, d.missing.is_some()))
                .collect()
        };
        self.native == other.native
            && self.sandboxed == other.sandboxed
            && verdicts(self) == verdicts(other)
    }
}

impl Report {
    /// Adds up; texts lose what a run alone knows.
    pub fn new(port: &str, version: &str, mut tests: BTreeMap<String, Test>) -> Report {
        let mut totals = Totals::default();
        // Those of an earlier report too, which another version of this program may have written.
        for difference in tests
            .values_mut()
            .flat_map(|test| test.differences.values_mut())
        {
            difference.why = stable(&difference.why);
            difference.missing = difference.missing.as_deref().map(stable);
        }
        for test in tests.values() {
            totals.native.add(&test.native);
            totals.sandboxed.add(&test.sandboxed);
            let lost = test
                .differences
                .values()
                .filter(|d| d.native == Verdict::Pass);
            let left_out = lost.clone().filter(|d| d.missing.is_some()).count();
            totals.pass_natively += test.native.pass;
            totals.left_out += left_out;
            totals.pass_both += test.native.pass - lost.count();
        }
        let counted = totals.pass_natively - totals.left_out;
        // Two decimals, which is what a person reads; nothing counted is nothing lost.
        let percent = |part: usize| (10_000.0 * part as f64 / counted as f64).round() / 100.0;
        totals.percent = if counted == 0 {
            100.0
        } else {
            percent(totals.pass_both)
        };
        Report {
            port: port.to_owned(),
            version: version.to_owned(),
            totals,
            tests,
        }
    }

    /// The same with the tests of an earlier report that this one does not have.
    ///
    /// # Errors
    /// The other one is of something else.
    pub fn beside(self, other: Report) -> Result<Report> {
        if (&self.port, &self.version) != (&other.port, &other.version) {
            bail!(
                "the results file is of {} {}, not of {} {}",
                other.port,
                other.version,
                self.port,
                self.version
            );
        }
        let mut tests = other.tests;
        tests.extend(self.tests);
        Ok(Report::new(&self.port, &self.version, tests))
    }

    /// The file's text: a line a test, so that a change of one shows as a line.
    ///
    /// # Errors
    /// None for a report that was read or made.
    pub fn text(&self) -> Result<String> {
        let mut text = format!(
            "{{\n\"port\": {},\n\"version\": {},\n\"totals\": {},\n\"tests\": {{",
            serde_json::to_string(&self.port)?,
            serde_json::to_string(&self.version)?,
            serde_json::to_string(&self.totals)?,
        );
        for (number, (name, test)) in self.tests.iter().enumerate() {
            text.push_str(if number > 0 { ",\n" } else { "\n" });
            text.push_str(&serde_json::to_string(name)?);
            text.push_str(": ");
            text.push_str(&serde_json::to_string(test)?);
        }
        text.push_str("\n}\n}\n");
        Ok(text)
    }

    /// One line.
    pub fn summary(&self) -> String {
        let t = &self.totals;
        format!(
            "{} {}: {} tests; natively {} cases pass; {} of them use calls that the sandbox does not have; of the others {} ({} %) pass sandboxed",
            self.port,
            self.version,
            self.tests.len(),
            t.pass_natively,
            t.left_out,
            t.pass_both,
            t.percent
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(verdict: Verdict, missing: Option<&str>) -> Case {
        Case {
            verdict,
            why: "w".to_owned(),
            missing: missing.map(str::to_owned),
        }
    }

    #[test]
    fn only_a_traced_call_leaves_a_case_out() {
        let all = |cases: [Case; 4]| {
            ["a", "b", "c", "d"]
                .map(str::to_owned)
                .into_iter()
                .zip(cases)
                .collect()
        };
        let native = all([(); 4].map(|()| case(Verdict::Pass, None)));
        let mut sandboxed: BTreeMap<String, Case> = all([
            case(Verdict::Pass, None),
            case(Verdict::Fail, Some("fork")),
            case(Verdict::Fail, None),
            case(Verdict::Skip, None),
        ]);
        let test = Test::compare("t", &native, &sandboxed);
        assert_eq!(test.differences.len(), 3);
        let report = Report::new("p", "1", BTreeMap::from([("t".to_owned(), test)]));
        let read: Report = serde_json::from_str(&report.text().unwrap()).unwrap();
        assert_eq!(read, report);
        let more = Report::new(
            "p",
            "1",
            BTreeMap::from([("u".to_owned(), Test::default())]),
        );
        assert_eq!(more.beside(read).unwrap().tests.len(), 2);
        assert_eq!((report.totals.left_out, report.totals.pass_both), (1, 1));
        assert!((report.totals.percent - 33.33).abs() < 0.001);
        let mut again = report.tests["t"].clone();
        again.differences.get_mut("b").unwrap().why = "other words".to_owned();
        assert!(again.agrees(&report.tests["t"]));
        again.differences.get_mut("b").unwrap().missing = None;
        assert!(!again.agrees(&report.tests["t"]));
        // What the sandboxed run never came to is lost.
        sandboxed.remove("a");
        let test = Test::compare("t", &native, &sandboxed);
        assert_eq!(test.differences["a"].sandboxed, Verdict::Absent);
        // And lost to the call that ended it, if that was before all cases.
        sandboxed.insert("t".to_owned(), case(Verdict::Fail, Some("vfork")));
        let ended = Test::compare("t", &native, &sandboxed);
        assert_eq!(ended.differences["a"].missing.as_deref(), Some("vfork"));
        let text = serde_json::to_string(&test).unwrap();
        assert_eq!(serde_json::from_str::<Test>(&text).unwrap(), test);
    }
}
