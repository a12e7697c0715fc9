//! `zvm validate`: what was checked, how fast, and what is wrong, for people and as JSON.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use zvm_abi::layout;
use zvm_validator::{Accepted, Level, instructions};

use crate::check::{self, Refused};
use crate::crash;
use crate::error::RunError;
use crate::image::Image;
use crate::report::quoted;
use crate::zapp;

/// What the validator said of an image.
pub struct Validation {
    file: String,
    level: u32,
    /// Bytes of text in the image.
    bytes: usize,
    time: Duration,
    verdict: Result<Accepted, Refused>,
    /// Where the rejected address lies.
    function: Option<String>,
}

/// Validates the image at `path`.
///
/// # Errors
/// [`RunError`] if it cannot be read or is no image; broken rules are the answer's.
pub fn image(path: &Path) -> Result<Validation, RunError> {
    let image = if zapp::read::is_zapp(path) {
        zapp::read::open(path)?.start.packed.image(path)?
    } else {
        Image::open(path)?
    };
    let mut text = image
        .read_text()
        .map_err(RunError::host("read the image"))?;
    let bytes = text.len();
    text.resize(bytes.next_multiple_of(layout::PAGE as usize), 0xf4);
    let start = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let verdict = check::text(&text, bytes, image.level, threads).map(|(_, accepted)| accepted);
    let time = start.elapsed();
    let function = match &verdict {
        Err(Refused::Broken(rejection)) => crash::name(&image, rejection.address),
        _ => None,
    };
    Ok(Validation {
        file: path.display().to_string(),
        level: image.level,
        bytes,
        time,
        verdict,
        function,
    })
}

impl Validation {
    /// Whether every rule is kept.
    pub fn is_valid(&self) -> bool {
        self.verdict.is_ok()
    }

    /// One line, or on a rejection several.
    pub fn text(&self) -> String {
        match &self.verdict {
            Ok(accepted) => format!(
                "{}: valid: {} bytes of x86-64-v{} code, {} instructions in {} bundles, checked in {:.1} ms ({:.0} MB/s)",
                self.file,
                self.bytes,
                self.level,
                accepted.instructions,
                accepted.bundles,
                self.time.as_secs_f64() * 1e3,
                self.bytes as f64 / self.time.as_secs_f64().max(1e-9) / 1e6,
            ),
            Err(Refused::Unended) => format!("{}: {}", self.file, Refused::Unended),
            Err(Refused::Broken(rejection)) => {
                format!(
                    "{}: {}",
                    self.file,
                    rejection.explain(self.function.as_deref())
                )
            }
        }
    }

    /// The same as one JSON object.
    pub fn json(&self) -> String {
        let mut json = format!(
            "{{\n  \"file\": {},\n  \"valid\": {},\n  \"level\": {},\n  \"bytes\": {},\n  \"seconds\": {:.6}",
            quoted(&self.file),
            self.is_valid(),
            self.level,
            self.bytes,
            self.time.as_secs_f64(),
        );
        match &self.verdict {
            Ok(accepted) => {
                let _ = write!(
                    json,
                    ",\n  \"instructions\": {},\n  \"bundles\": {}",
                    accepted.instructions, accepted.bundles
                );
            }
            Err(Refused::Unended) => {
                let _ = write!(
                    json,
                    ",\n  \"reason\": {}",
                    quoted(&Refused::Unended.to_string())
                );
            }
            Err(Refused::Broken(rejection)) => {
                let rejected = &rejection.rejected;
                let lines: Vec<String> = rejection
                    .code
                    .iter()
                    .map(|line| quoted(&line.text))
                    .collect();
                let _ = write!(
                    json,
                    ",\n  \"rule\": \"{:?}\",\n  \"reason\": {},\n  \"usually\": {},\n  \"offset\": {},\n  \"address\": {},\n  \
                     \"function\": {},\n  \"code\": {},\n  \"disassembly\": [\n    {}\n  ]",
                    rejected.rule,
                    quoted(rejected.reason),
                    quoted(check::cause(rejected.rule)),
                    rejected.offset,
                    rejection.address,
                    self.function.as_deref().map_or("null".to_owned(), quoted),
                    quoted(&check::hex(&rejection.bytes)),
                    lines.join(",\n    "),
                );
            }
        }
        json.push_str("\n}\n");
        json
    }
}

/// What stands above the list of accepted instructions.
const LEGEND: &str = "\
# The instructions that an image of x86-64-v{} may hold, opcode map by opcode map; nothing else is accepted.
# map: opcodes, prefixes (np none, v none or 66), operands, flags; names
# E R G B Z general registers (ModRM.rm or memory, rm only, reg, VEX.vvvv, opcode), W U V H vectors, Q N P MMX, C D K L masks,
# M memory, A an address alone, X a vector of addresses, S implied memory, I immediates, J branches; ! is written, b bytes.
# Returns, jumps and calls through registers, and popf stand only behind their mask (rules C3, C4, C9).
";

/// The accepted instructions of a level, as text.
pub fn list(level: Level) -> String {
    let mut text = LEGEND.replace("{}", &(level as u32 + 1).to_string());
    for row in instructions(level) {
        if row.encoding.is_empty() {
            let _ = writeln!(text, "{:>14}; {}", "", row.names);
        } else {
            let words: Vec<&str> = row.encoding.split_whitespace().collect();
            let _ = writeln!(text, "{:<11} {}; {}", row.map, words.join(" "), row.names);
        }
    }
    text
}
