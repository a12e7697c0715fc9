//! The results, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::builds::{Side, Text};
use super::measure::{Clock, Sample, Summary, geometric_mean};

/// All that was measured.
#[derive(Debug)]
pub struct Report {
    /// Which time the ratios are of.
    pub clock: Clock,
    /// The compiler of the native and the sandboxed side; `None` where a build system of its own chose.
    pub compiler: Option<String>,
    /// How often each side of a program ran.
    pub pairs: usize,
    /// Besides native and sandboxed.
    pub others: Vec<Side>,
    /// One a run, in the order of the table.
    pub rows: Vec<Row>,
}

/// One line.
#[derive(Debug)]
pub struct Row {
    /// The run's name.
    pub name: String,
    /// Code sizes of the program; `None` of one that does not change from row to row.
    pub text: Option<Text>,
    /// Whether the mean is of it too. An empty start says nothing about speed.
    pub in_mean: bool,
    /// The samples of each side that ran.
    pub sides: Vec<(Side, Vec<Sample>)>,
}

impl Row {
    fn samples(&self, side: Side) -> Option<&[Sample]> {
        let (_, samples) = self.sides.iter().find(|(other, _)| *other == side)?;
        Some(samples)
    }

    /// Seconds.
    pub fn seconds(&self, side: Side, clock: Clock) -> Option<Summary> {
        Summary::of(self.samples(side)?.iter().map(|s| s.seconds(clock)))
    }

    /// Time over the native time, of each pair of runs that followed each other.
    pub fn ratio(&self, side: Side, clock: Clock) -> Option<Summary> {
        let native = self.samples(Side::Native)?;
        let pairs = self.samples(side)?.iter().zip(native);
        // A time below the clock's resolution is no reason to divide by zero.
        Summary::of(pairs.map(|(a, b)| a.seconds(clock) / b.seconds(clock).max(1e-6)))
    }

    /// The fastest run over the fastest native one: what other work on the machine disturbs least.
    pub fn best(&self, side: Side, clock: Clock) -> Option<f64> {
        let native = self.seconds(Side::Native, clock)?.min;
        Some(self.seconds(side, clock)?.min / native.max(1e-6))
    }
}

impl Report {
    /// Geometric means of the ratios' medians.
    pub fn mean(&self, side: Side) -> Option<f64> {
        let ratios = self.in_mean().filter_map(|row| {
            row.ratio(side, self.clock)
                .map(|summary| summary.median.max(1e-6))
        });
        geometric_mean(ratios)
    }

    /// Geometric means of the ratios of the fastest runs.
    pub fn mean_best(&self, side: Side) -> Option<f64> {
        let ratios = self.in_mean().filter_map(|row| row.best(side, self.clock));
        geometric_mean(ratios.map(|ratio| ratio.max(1e-6)))
    }

    fn in_mean(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.in_mean)
    }

    /// Code sizes, of each program once.
    fn texts(&self) -> Vec<&Text> {
        let mut programs: Vec<(&str, &Text)> = Vec::new();
        for row in &self.rows {
            let program = row.name.split('/').next().unwrap_or(&row.name);
            if let Some(text) = &row.text
                && programs.iter().all(|(name, _)| *name != program)
            {
                programs.push((program, text));
            }
        }
        programs.into_iter().map(|(_, text)| text).collect()
    }

    /// The mean growth of text, each program once.
    fn mean_growth(&self) -> Option<f64> {
        let factors = self.texts().into_iter().map(|text| 1.0 + text.growth());
        geometric_mean(factors).map(|mean| mean - 1.0)
    }

    /// The growth of all programs' texts together, by cause.
    fn causes(&self) -> Vec<(&'static str, f64)> {
        let texts = self.texts();
        let linked: u64 = texts.iter().map(|text| text.linked).sum();
        let mut sums: Vec<(&'static str, i64)> = Vec::new();
        for text in texts {
            let growth = text.stats.iter().flat_map(zvm_rewriter::Stats::growth);
            for (at, (cause, bytes)) in growth.enumerate() {
                match sums.get_mut(at) {
                    Some(sum) => sum.1 += bytes,
                    None => sums.push((cause, bytes)),
                }
            }
        }
        sums.into_iter()
            .map(|(cause, bytes)| (cause, bytes as f64 / linked.max(1) as f64))
            .collect()
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let names = self.rows.iter().map(|row| row.name.len());
        let width = names.max().unwrap_or(0).max(8);
        let sized = !self.texts().is_empty();
        let column = |text: String| {
            if sized {
                format!(" {text:>7}")
            } else {
                String::new()
            }
        };
        let mut out = format!(
            "{:width$} {:>9} {:>9} {:>7} {:^15} {:>7}{}",
            "program",
            "native",
            "sandboxed",
            "ratio",
            "spread",
            "best",
            column("text".to_owned())
        );
        for side in &self.others {
            let _ = write!(out, " {:>9} {:>7}", side.name(), "ratio");
        }
        out.push('\n');
        for row in &self.rows {
            let _ = write!(out, "{:width$}", row.name);
            for side in [Side::Native, Side::Sandboxed] {
                let _ = write!(out, " {}", seconds(row.seconds(side, self.clock)));
            }
            match row.ratio(Side::Sandboxed, self.clock) {
                Some(s) => {
                    let spread = format!("{:.3} to {:.3}", s.min, s.max);
                    let _ = write!(out, " {:>7.3} {spread:^15}", s.median);
                }
                None => {
                    let _ = write!(out, " {:>7} {:15}", "-", "");
                }
            }
            let best = ratio(row.best(Side::Sandboxed, self.clock));
            let growth = percent(row.text.map(|text| text.growth()));
            let _ = write!(out, " {best:>7}{}", column(growth));
            for side in &self.others {
                let _ = write!(out, " {}", seconds(row.seconds(*side, self.clock)));
                let median = row.ratio(*side, self.clock).map(|s| s.median);
                let _ = write!(out, " {:>7}", ratio(median));
            }
            out.push('\n');
        }
        let _ = write!(
            out,
            "{:width$} {:>9} {:>9} {:>7} {:15} {:>7}{}",
            "geomean",
            "",
            "",
            ratio(self.mean(Side::Sandboxed)),
            "",
            ratio(self.mean_best(Side::Sandboxed)),
            column(percent(self.mean_growth())),
        );
        for side in &self.others {
            let _ = write!(out, " {:>9} {:>7}", "", ratio(self.mean(*side)));
        }
        out.push('\n');
        self.notes(sized, &mut out);
        out
    }

    /// The lines below the table.
    fn notes(&self, sized: bool, out: &mut String) {
        let _ = write!(
            out,
            "{} time, medians of {} runs in turn; ratio: to native, pair by pair; best: of the fastest runs",
            self.clock.name(),
            self.pairs,
        );
        if let Some(compiler) = &self.compiler {
            let _ = write!(out, "; compiler: {compiler}");
        }
        out.push('\n');
        if sized {
            let causes = self.causes().into_iter();
            let causes = causes.map(|(cause, share)| format!("{cause} {:+.1}%", 100.0 * share));
            let causes = causes.collect::<Vec<_>>().join(", ");
            out.push_str("text: growth by rewriting");
            if !causes.is_empty() {
                let _ = write!(out, "; of all together: {causes}");
            }
            out.push('\n');
        }
        let names = |rows: Vec<&Row>| {
            let names: Vec<_> = rows.iter().map(|row| &*row.name).collect();
            names.join(", ")
        };
        let left_out: Vec<_> = self.rows.iter().filter(|row| !row.in_mean).collect();
        if !left_out.is_empty() {
            let _ = writeln!(out, "no part of the mean: {}", names(left_out));
        }
    }

    /// For programs.
    ///
    /// # Errors
    /// None that is known.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let side = |row: &Row, side: Side| -> Option<JsonSide> {
            let samples = row.samples(side)?;
            let ratio = row.ratio(side, self.clock)?;
            Some(JsonSide {
                cpu_seconds: samples.iter().map(|s| s.cpu).collect(),
                user_seconds: samples.iter().map(|s| s.user).collect(),
                wall_seconds: samples.iter().map(|s| s.wall).collect(),
                ratio: ratio.median,
                ratio_min: ratio.min,
                ratio_max: ratio.max,
                best: row.best(side, self.clock)?,
            })
        };
        let programs = self.rows.iter().map(|row| JsonRow {
            name: &row.name,
            native: side(row, Side::Native),
            sandboxed: side(row, Side::Sandboxed),
            glibc: side(row, Side::Glibc),
            wasm: side(row, Side::Wasm),
            text_bytes: row.text.map(|text| JsonText {
                native: text.native,
                linked: text.linked,
                image: text.image,
                growth: text.growth(),
                causes: text.causes().collect(),
            }),
        });
        serde_json::to_string_pretty(&JsonReport {
            clock: self.clock.name(),
            compiler: self.compiler.as_deref(),
            pairs: self.pairs,
            programs: programs.collect(),
            geomean: JsonMean {
                sandboxed: self.mean(Side::Sandboxed),
                glibc: self.mean(Side::Glibc),
                wasm: self.mean(Side::Wasm),
                best: self.mean_best(Side::Sandboxed),
                text_growth: self.mean_growth(),
            },
        })
    }
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.3}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:+.1}%", 100.0 * share))
}

fn seconds(summary: Option<Summary>) -> String {
    match summary {
        Some(summary) => format!("{:>8.3}s", summary.median),
        None => format!("{:>9}", "-"),
    }
}

#[derive(Serialize)]
struct JsonReport<'r> {
    clock: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    compiler: Option<&'r str>,
    pairs: usize,
    programs: Vec<JsonRow<'r>>,
    geomean: JsonMean,
}

#[derive(Serialize)]
struct JsonRow<'r> {
    name: &'r str,
    native: Option<JsonSide>,
    sandboxed: Option<JsonSide>,
    #[serde(skip_serializing_if = "Option::is_none")]
    glibc: Option<JsonSide>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wasm: Option<JsonSide>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text_bytes: Option<JsonText>,
}

#[derive(Serialize)]
struct JsonSide {
    cpu_seconds: Vec<f64>,
    user_seconds: Vec<f64>,
    wall_seconds: Vec<f64>,
    ratio: f64,
    ratio_min: f64,
    ratio_max: f64,
    best: f64,
}

#[derive(Serialize)]
struct JsonText {
    native: u64,
    linked: u64,
    image: u64,
    growth: f64,
    causes: BTreeMap<&'static str, f64>,
}

#[derive(Serialize)]
struct JsonMean {
    sandboxed: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    glibc: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wasm: Option<f64>,
    best: Option<f64>,
    text_growth: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let row = |name: &str, native: &[f64], boxed: &[f64]| {
            let samples = |times: &[f64]| {
                let sample = |&time: &f64| Sample {
                    cpu: time,
                    user: time / 2.0,
                    wall: 2.0 * time,
                };
                times.iter().map(sample).collect()
            };
            Row {
                name: name.to_owned(),
                in_mean: true,
                text: Some(Text {
                    native: 900,
                    linked: 1000,
                    image: 1250,
                    stats: Some(zvm_rewriter::Stats {
                        text_in: 1000,
                        text_out: 1250,
                        padding_in: 50,
                        ..Default::default()
                    }),
                }),
                sides: vec![
                    (Side::Native, samples(native)),
                    (Side::Sandboxed, samples(boxed)),
                ],
            }
        };
        Report {
            clock: Clock::Cpu,
            compiler: Some("zig".to_owned()),
            pairs: 3,
            others: vec![Side::Glibc],
            rows: vec![
                row("a", &[1.0, 2.0, 1.0], &[1.0, 2.0, 4.0]),
                row("b/x", &[1.0, 1.0, 1.0], &[4.0, 4.0, 4.0]),
            ],
        }
    }

    #[test]
    fn ratios_are_pair_by_pair_and_their_mean_is_geometric() {
        let report = report();
        let ratio = report.rows[0].ratio(Side::Sandboxed, Clock::Cpu).unwrap();
        assert_eq!((ratio.median, ratio.min, ratio.max), (1.0, 1.0, 4.0));
        assert!((report.mean(Side::Sandboxed).unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(report.mean(Side::Glibc), None);
    }

    #[test]
    fn the_table_ends_with_the_mean() {
        let text = report().text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        assert!(lines[1].contains("1.000 to 4.000") && lines[1].contains("+25.0%"));
        assert!(lines[5].contains("dropped -5.0%") && lines[5].contains("rewritten +30.0%"));
        assert!(lines[3].starts_with("geomean") && lines[3].contains("2.000"));
    }

    #[test]
    fn a_row_that_is_no_part_of_the_mean_is_named() {
        let mut report = report();
        for row in &mut report.rows {
            row.text = None;
        }
        report.rows[0].in_mean = false;
        let text = report.text();
        assert!(
            text.contains("no part of the mean: a\n") && !text.contains("text"),
            "{text}"
        );
        assert!((report.mean(Side::Sandboxed).unwrap() - 4.0).abs() < 1e-12);
    }

    #[test]
    fn json_has_every_sample() {
        let value: serde_json::Value = serde_json::from_str(&report().json().unwrap()).unwrap();
        assert_eq!(value["programs"][0]["sandboxed"]["cpu_seconds"][2], 4.0);
        assert_eq!(value["programs"][1]["native"]["ratio"], 1.0);
        assert_eq!(value["programs"][0]["text_bytes"]["growth"], 0.25);
        assert_eq!(value["programs"][0]["sandboxed"]["best"], 1.0);
        assert_eq!(
            value["programs"][0]["text_bytes"]["causes"]["its padding dropped"],
            -0.05
        );
        assert!(value["programs"][0].get("wasm").is_none());
    }
}
