//! What `zvm-cc` says of the rewriting when it is asked: `--time`, `--stats`, `--map`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use object::{Object as _, ObjectSymbol as _};
use zvm_rewriter::{Image, Stats};

use super::error::CcError;
use super::output;

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reporting {
    /// `--time`: the linker, the rewriter's phases, the image's file.
    pub time: bool,
    /// `--stats`: the counts.
    pub stats: bool,
    /// `--map FILE`: old and new addresses.
    pub map: Option<PathBuf>,
    /// `--keep-going`: all refusals instead of the first.
    pub keep_going: bool,
}

impl Reporting {
    /// Whether nothing is to be said of a rewriting that goes well.
    pub fn is_silent(&self) -> bool {
        !self.time && !self.stats && self.map.is_none()
    }

    /// Prints and writes it. `elf` is what was rewritten, `around` what took time before and behind.
    ///
    /// # Errors
    /// The map cannot be written.
    pub fn say(&self, image: &Image, elf: &[u8], around: &Around) -> Result<(), CcError> {
        if self.time {
            eprint!("{}", times(image, around));
        }
        if self.stats {
            eprint!("{}", stats(&image.stats));
        }
        match &self.map {
            Some(path) => output::write(path, map(image, elf).as_bytes()),
            None => Ok(()),
        }
    }
}

/// How long a link's parts took, the rewriting apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct Around {
    /// The linker, and reading what it wrote.
    pub link: Duration,
    /// Writing the image.
    pub write: Duration,
}

/// A line for each part, which add up to the last, and the rewriter's rate.
fn times(image: &Image, around: &Around) -> String {
    let rewriting: Duration = image.times.iter().map(|phase| phase.1).sum();
    let parts = [("link", around.link)]
        .into_iter()
        .chain(image.times.iter().copied())
        .chain([
            ("write", around.write),
            ("all", around.link + rewriting + around.write),
        ]);
    let mut text = String::new();
    for (part, time) in parts {
        let _ = writeln!(text, "{part:<10}{:>10.2} ms", time.as_secs_f64() * 1e3);
    }
    let rate = image.stats.text_in as f64 / 1e6 / rewriting.as_secs_f64();
    let _ = writeln!(
        text,
        "{:<10}{rate:>10.1} MB of text rewritten in a second",
        ""
    );
    text
}

fn stats(stats: &Stats) -> String {
    let gaps = &stats.gaps;
    let mut text = String::new();
    for (name, count) in [
        ("instructions", stats.instructions),
        ("instructions after", stats.operations),
        ("guarded pairs", stats.guarded),
        ("prefixes added", gaps.prefixes),
        ("bytes of longer encodings", gaps.longer),
        ("nops", gaps.nops),
        ("jumps with a dead register", stats.scratch_found),
        ("jumps that save what labels need", stats.scratch_saved),
        ("jumps through the stack", stats.through_stack),
        ("sequences that spill", stats.spills),
        ("above the level, now ud2", stats.above_level),
    ] {
        let _ = writeln!(text, "{name:<34}{count:>12}");
    }
    let (before, after) = (stats.text_in as i64, stats.text_out as i64);
    let percent = |bytes: i64| 100.0 * bytes as f64 / before.max(1) as f64;
    let _ = writeln!(text, "{:<34}{before:>12} bytes", "text");
    for (cause, bytes) in stats.growth() {
        let share = percent(bytes);
        let _ = writeln!(text, "  {cause:<32}{bytes:>12} bytes {share:>+6.1}%");
    }
    let share = percent(after - before);
    let _ = writeln!(text, "{:<34}{after:>12} bytes {share:>+6.1}%", "text after");
    text
}

/// One line for each instruction: its address before, its address after, and the function that starts there.
fn map(image: &Image, elf: &[u8]) -> String {
    let mut names: Vec<(u64, String)> = Vec::new();
    if let Ok(file) = object::File::parse(elf) {
        let functions = file
            .symbols()
            .filter(|s| s.kind() == object::SymbolKind::Text);
        names.extend(functions.filter_map(|s| Some((s.address(), s.name().ok()?.to_owned()))));
    }
    names.sort();
    let mut names = names.into_iter().peekable();
    let mut text = String::new();
    for &(before, after) in &image.map {
        let _ = write!(text, "{before:08x} {after:08x}");
        while let Some((address, name)) = names.next_if(|n| n.0 <= u64::from(before)) {
            if address == u64::from(before) {
                let _ = write!(text, " {name}");
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up() {
        let time = Duration::from_micros;
        let image = Image {
            bytes: Vec::new(),
            stats: Stats {
                text_in: 5_000_000,
                ..Stats::default()
            },
            warnings: Vec::new(),
            times: vec![("decode", time(20_500)), ("layout", time(79_500))],
            map: Vec::new(),
        };
        let around = Around {
            link: time(50_250),
            write: time(1_000),
        };
        let expected = "\
link           50.25 ms
decode         20.50 ms
layout         79.50 ms
write           1.00 ms
all           151.25 ms
                50.0 MB of text rewritten in a second
";
        assert_eq!(times(&image, &around), expected);
    }
}
