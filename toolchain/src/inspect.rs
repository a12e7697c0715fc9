//! `cargo zvm inspect`: what an image holds, from its headers, its code and its symbols. Nothing of it is run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use iced_x86::{Decoder, DecoderOptions, FlowControl, OpKind};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};
use serde::Serialize;
use zvm_abi::{layout, trap};
use zvm_runtime::image::{Access, Image};

/// Options of `cargo zvm inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The image, or an application (.zapp)
    file: PathBuf,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    /// Show so many of the largest functions and variables
    #[arg(long, value_name = "N", default_value_t = 15)]
    symbols: usize,
}

/// What there is to say about an image. Sizes are bytes.
#[derive(Debug, Serialize)]
struct Contents {
    file: PathBuf,
    size: u64,
    /// x86-64-v1 to v4.
    level: u32,
    entry: u64,
    segments: Vec<Segment>,
    /// Sections that are not loaded: symbols, debugging information.
    extra: BTreeMap<String, u64>,
    /// Names of traps whose number stands in the code.
    traps: BTreeSet<&'static str>,
    /// Calls of the trap entry.
    trap_calls: usize,
    /// Who made the objects, as they say themselves.
    compilers: Vec<String>,
    symbols: Vec<Symbol>,
}

#[derive(Debug, Serialize)]
struct Segment {
    address: u64,
    memory: u64,
    file: u64,
    rights: &'static str,
    sections: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Symbol {
    name: String,
    address: u64,
    size: u64,
    kind: &'static str,
}

impl Inspect {
    /// Prints it.
    ///
    /// # Errors
    /// The file is no image.
    pub fn execute(&self) -> Result<ExitCode> {
        if zvm_runtime::zapp::read::is_zapp(&self.file) {
            return self.application();
        }
        let contents = read(&self.file, self.symbols)?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&contents)?);
        } else {
            print!("{}", text(&contents));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Inspect {
    fn application(&self) -> Result<ExitCode> {
        let zapp = zvm_runtime::zapp::read::open(&self.file)?;
        let start = &zapp.start;
        let words = |words: &[std::ffi::OsString]| -> Vec<String> {
            words
                .iter()
                .map(|word| printable(&word.to_string_lossy()))
                .collect()
        };
        let env: BTreeMap<String, String> = start
            .env
            .iter()
            .map(|(name, value)| {
                let text = |word: &std::ffi::OsString| printable(&word.to_string_lossy());
                (text(name), text(value))
            })
            .collect();
        if self.json {
            let files: BTreeMap<_, _> = zapp.files.iter().cloned().collect();
            let json = serde_json::json!({
                "file": self.file, "name": start.name, "digest": zapp.digest, "args": words(&start.args), "env": env,
                "memory": start.memory, "read_only": start.mode == zvm_runtime::Mode::ReadOnly, "files": files,
            });
            println!("{json:#}");
            return Ok(ExitCode::SUCCESS);
        }
        println!(
            "{}: the application {}",
            self.file.display(),
            printable(&start.name)
        );
        println!("digest: {}", zapp.digest);
        println!("arguments: {}", words(&start.args).join(" "));
        for (name, value) in env {
            println!("variable: {name}={value}");
        }
        let total: u64 = zapp.files.iter().map(|(_, size)| size).sum();
        println!("{} files, {total} bytes", zapp.files.len());
        let mut files = zapp.files;
        files.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
        for (name, size) in files.iter().take(self.symbols) {
            println!("{size:>10}  {}", printable(name));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn read(path: &Path, count: usize) -> Result<Contents> {
    // Its headers are checked there, as for a run.
    let image = Image::open(path)?;
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = object::File::parse(&*bytes)
        .with_context(|| format!("{}: its section headers are wrong", path.display()))?;
    let code = image.read_text().context("cannot read the image's code")?;
    let (traps, trap_calls) = traps(&code);
    let mut contents = Contents {
        file: path.to_owned(),
        size: bytes.len() as u64,
        level: image.level,
        entry: image.entry,
        segments: Vec::new(),
        extra: BTreeMap::new(),
        traps,
        trap_calls,
        compilers: Vec::new(),
        symbols: symbols(&file, count),
    };
    for segment in std::iter::once(&image.text).chain(&image.data) {
        let range = segment.address..segment.address + segment.size;
        let sections = file.sections().filter(|section| {
            section.address() != 0 && range.contains(&section.address()) && section.size() > 0
        });
        contents.segments.push(Segment {
            address: segment.address,
            memory: segment.size,
            file: segment.file_size,
            rights: match segment.access {
                Access::Read => "r--",
                Access::ReadWrite => "rw-",
                Access::Execute => "r-x",
            },
            sections: sections
                .filter_map(|section| Some(printable(section.name().ok()?)))
                .collect(),
        });
    }
    for section in file.sections().filter(|section| section.address() == 0) {
        let name = printable(section.name().unwrap_or_default());
        if name == ".comment" {
            contents.compilers = strings(section.data().unwrap_or_default());
        }
        if !name.is_empty() {
            *contents.extra.entry(name).or_default() += section.size();
        }
    }
    Ok(contents)
}

/// Which traps' numbers stand in the code, and how many calls lead to the trap entry. Bundles never cut an instruction, so one
/// sweep decodes all.
fn traps(code: &[u8]) -> (BTreeSet<&'static str>, usize) {
    const NAMES: [(u64, &str); 6] = [
        (trap::READ, "Read"),
        (trap::WRITE, "Write"),
        (trap::JAIL, "Jail"),
        (trap::UNJAIL, "Unjail"),
        (trap::EXIT, "Exit"),
        (trap::FORK, "Fork"),
    ];
    let entries = layout::TRAMPOLINE_BASE..layout::TEXT_BASE;
    let (mut found, mut calls) = (BTreeSet::new(), 0);
    for instruction in &mut Decoder::with_ip(64, code, layout::TEXT_BASE, DecoderOptions::NONE) {
        let branch = matches!(
            instruction.flow_control(),
            FlowControl::Call | FlowControl::UnconditionalBranch
        );
        if branch && entries.contains(&instruction.near_branch_target()) {
            calls += 1;
        }
        for operand in 0..instruction.op_count() {
            let is_value = matches!(
                instruction.op_kind(operand),
                OpKind::Immediate32 | OpKind::Immediate64 | OpKind::Immediate32to64
            );
            let known = |(number, _): &&(u64, &str)| *number == instruction.immediate(operand);
            if let Some((_, name)) = NAMES.iter().find(known).filter(|_| is_value) {
                found.insert(*name);
            }
        }
    }
    (found, calls)
}

fn symbols(file: &object::File<'_>, count: usize) -> Vec<Symbol> {
    let mut symbols: Vec<Symbol> = file
        .symbols()
        .filter(|symbol| symbol.size() > 0)
        .filter_map(|symbol| {
            let kind = match symbol.kind() {
                SymbolKind::Text => "code",
                SymbolKind::Data | SymbolKind::Tls => "data",
                _ => return None,
            };
            Some(Symbol {
                name: printable(&addr2line::demangle_auto(symbol.name().ok()?.into(), None)),
                address: symbol.address(),
                size: symbol.size(),
                kind,
            })
        })
        .collect();
    symbols.sort_by(|a, b| (b.size, &a.name).cmp(&(a.size, &b.name)));
    // One place has several names.
    symbols.dedup_by_key(|symbol| (symbol.address, symbol.size));
    symbols.truncate(count);
    symbols
}

/// The file is hostile: nothing of it reaches a terminal's control.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn strings(bytes: &[u8]) -> Vec<String> {
    let texts: BTreeSet<String> = bytes
        .split(|&byte| byte == 0)
        .map(|text| printable(&String::from_utf8_lossy(text)))
        .filter(|text| !text.is_empty())
        .collect();
    texts.into_iter().collect()
}

fn text(contents: &Contents) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    line(format!(
        "{}: an image of {} bytes for x86-64-v{}, entry {:#x}",
        contents.file.display(),
        contents.size,
        contents.level,
        contents.entry
    ));
    line(format!(
        "\n{:<12} {:>10} {:>10}  rights  sections",
        "segment", "memory", "file"
    ));
    for segment in &contents.segments {
        line(format!(
            "{:<#12x} {:>10} {:>10}  {}     {}",
            segment.address,
            segment.memory,
            segment.file,
            segment.rights,
            segment.sections.join(" ")
        ));
    }
    let names: Vec<_> = contents.traps.iter().copied().collect();
    line(format!(
        "\ntraps: {} ({} calls)",
        names.join(", "),
        contents.trap_calls
    ));
    for compiler in &contents.compilers {
        line(format!("made by: {compiler}"));
    }
    if !contents.extra.is_empty() {
        line(format!("\n{:<20} {:>10}", "not loaded", "bytes"));
        for (name, size) in &contents.extra {
            line(format!("{name:<20} {size:>10}"));
        }
    }
    if contents.symbols.is_empty() {
        line("\nno symbols: it was stripped".to_owned());
    } else {
        line(format!("\n{:<10} {:>10}  largest", "", "bytes"));
    }
    for symbol in &contents.symbols {
        line(format!(
            "{:<#10x} {:>10}  {} {}",
            symbol.address, symbol.size, symbol.kind, symbol.name
        ));
    }
    text
}
