//! Debugging information survives rewriting: the tables name the same lines for the moved code, and gdb, given the image
//! as symbol file, stops, prints and walks in a running instance.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use gimli::{AttributeValue, EndianSlice, LittleEndian, Operation, RawLocListEntry, Unit};
use libtest_mimic::{Arguments, Failed, Trial};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

type Reader<'a> = EndianSlice<'a, LittleEndian>;

/// The program that gdb stops in.
const FRAMES: &[&str] = &["frames.c"];
/// One of two units with lists of locations.
const LISTS: &[&str] = &["lists.c", "sums.c"];

fn source(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/debug");
    tests.join(name)
}

/// Compiles a program to `program.zvm` and, as the linker left it, `program.elf`.
fn compile(
    compiler: &str,
    options: &[&str],
    sources: &[&str],
    folder: &Path,
) -> Result<(), Failed> {
    let built = Command::new(env!("CARGO_BIN_EXE_zvm-cc"))
        .args(["--compiler", compiler])
        .args(options)
        .args(sources.iter().map(|name| source(name)))
        .arg("-o")
        .arg(folder.join("program.zvm"))
        .arg("--emit-elf")
        .arg(folder.join("program.elf"))
        .env_remove("ZVM_CC")
        .output()?;
    let text = String::from_utf8_lossy(&built.stderr);
    if !built.status.success() || text.contains("warning") {
        return Err(format!("{compiler} {options:?}: {text}").into());
    }
    Ok(())
}

/// A row of a line table: all but its address, which comes second.
type Row = ((String, u64, u64, bool, bool), u64);

/// What the tables of one file say.
struct Tables {
    rows: Vec<Row>,
    /// Functions by name: where the entries say they start and how long they are.
    functions: HashMap<String, (u64, u64)>,
    symbols: HashMap<String, (u64, u64)>,
    lists: Vec<List>,
}

/// A variable's list of locations.
struct List {
    /// Where its function starts and how long it is, if that is in one piece.
    function: Option<(u64, u64)>,
    /// All entries' expressions, with functions by their names.
    expressions: Vec<String>,
    /// Starts and ends of the entries that say something, which may be fewer.
    ends: Vec<u64>,
}

/// What an entry says, if it says something.
fn expression(
    entry: RawLocListEntry<Reader<'_>>,
    unit: &Unit<Reader<'_>>,
    symbols: &HashMap<String, (u64, u64)>,
) -> Result<Option<String>, gimli::Error> {
    let data = match entry {
        RawLocListEntry::BaseAddress { .. } | RawLocListEntry::BaseAddressx { .. } => {
            return Ok(None);
        }
        RawLocListEntry::AddressOrOffsetPair { data, .. }
        | RawLocListEntry::StartxEndx { data, .. }
        | RawLocListEntry::StartxLength { data, .. }
        | RawLocListEntry::OffsetPair { data, .. }
        | RawLocListEntry::DefaultLocation { data }
        | RawLocListEntry::StartEnd { data, .. }
        | RawLocListEntry::StartLength { data, .. } => data,
    };
    let mut text = String::new();
    let mut operations = data.operations(unit.encoding());
    while let Some(operation) = operations.next()? {
        let function = match operation {
            Operation::Address { address } => symbols.iter().find(|s| s.1.0 == address),
            _ => None,
        };
        text += &match function {
            Some((name, _)) => format!("&{name} "),
            None => format!("{operation:?} "),
        };
    }
    Ok(Some(text))
}

fn read_unit(
    dwarf: &gimli::Dwarf<Reader<'_>>,
    unit: &Unit<Reader<'_>>,
    tables: &mut Tables,
) -> Result<(), gimli::Error> {
    if let Some(program) = unit.line_program.clone() {
        let mut rows = program.rows();
        while let Some((header, row)) = rows.next_row()? {
            let file = match row.file(header) {
                Some(file) => dwarf
                    .attr_string(unit, file.path_name())?
                    .to_string_lossy()
                    .into_owned(),
                None => String::new(),
            };
            let line = row.line().map_or(0, std::num::NonZero::get);
            let column = match row.column() {
                gimli::ColumnType::LeftEdge => 0,
                gimli::ColumnType::Column(column) => column.get(),
            };
            let what = (file, line, column, row.is_stmt(), row.end_sequence());
            tables.rows.push((what, row.address()));
        }
    }
    let mut function = None;
    let mut entries = unit.entries();
    while let Some(entry) = entries.next_dfs()? {
        if let Some(value) = entry.attr_value(gimli::DW_AT_location)
            && let Some(offset) = dwarf.attr_locations_offset(unit, value)?
        {
            let mut list = List {
                function,
                expressions: Vec::new(),
                ends: Vec::new(),
            };
            let mut raw = dwarf.raw_locations(unit, offset)?;
            while let Some(entry) = raw.next()? {
                (list.expressions).extend(expression(entry, unit, &tables.symbols)?);
            }
            let mut locations = dwarf.locations(unit, offset)?;
            while let Some(location) = locations.next()? {
                list.ends.extend([location.range.begin, location.range.end]);
            }
            tables.lists.push(list);
        }
        if entry.tag() != gimli::DW_TAG_subprogram {
            continue;
        }
        function = None;
        let (Some(start), Some(name)) = (
            entry.attr_value(gimli::DW_AT_low_pc),
            entry.attr_value(gimli::DW_AT_name),
        ) else {
            continue;
        };
        let start = dwarf.attr_address(unit, start)?.expect("an address");
        let name = dwarf
            .attr_string(unit, name)?
            .to_string_lossy()
            .into_owned();
        let length = match entry.attr_value(gimli::DW_AT_high_pc) {
            Some(AttributeValue::Addr(end)) => end - start,
            Some(value) => value.udata_value().unwrap_or(0),
            None => 0,
        };
        function = Some((start, length));
        tables.functions.insert(name, (start, length));
    }
    Ok(())
}

fn read(path: &Path, sources: &[&str]) -> Result<Tables, Failed> {
    let bytes = std::fs::read(path)?;
    let file = object::File::parse(&*bytes)?;
    let section = |id: gimli::SectionId| -> Result<Reader<'_>, object::Error> {
        let bytes = match file.section_by_name(id.name()) {
            Some(section) => section.data()?,
            None => &[],
        };
        Ok(EndianSlice::new(bytes, LittleEndian))
    };
    let dwarf = gimli::Dwarf::load(section)?;
    let mut tables = Tables {
        rows: Vec::new(),
        functions: HashMap::new(),
        symbols: file
            .symbols()
            .filter(|s| s.kind() == object::SymbolKind::Text)
            .filter_map(|s| Some((s.name().ok()?.to_owned(), (s.address(), s.size()))))
            .collect(),
        lists: Vec::new(),
    };
    let mut units = dwarf.units();
    while let Some(header) = units.next()? {
        let unit = dwarf.unit(header)?;
        // The library OS and the C library have tables of their own, from other compilers.
        let name = unit.name.map(|n| n.to_string_lossy().into_owned());
        if name.is_some_and(|n| sources.iter().any(|source| n.ends_with(source))) {
            read_unit(&dwarf, &unit, &mut tables)?;
        }
    }
    Ok(tables)
}

/// The same rows, in the same order, at addresses that go with the functions.
fn tables_agree(compiler: &str, options: &[&str], sources: &[&str]) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    compile(compiler, options, sources, folder.path())?;
    let before = read(&folder.path().join("program.elf"), sources)?;
    let after = read(&folder.path().join("program.zvm"), sources)?;
    let names = |tables: &Tables| tables.rows.iter().map(|r| r.0.clone()).collect::<Vec<_>>();
    if before.rows.len() < 20 || before.functions.len() < 3 {
        return Err("the compiler wrote no tables".into());
    }
    if names(&before) != names(&after) {
        return Err("the rows of the line table differ".into());
    }
    lists_agree(&before, &after)?;
    for (name, &(start, length)) in &after.functions {
        let Some(&symbol) = after.symbols.get(name) else {
            return Err(format!("{name} has no symbol").into());
        };
        if symbol.0 != start || length == 0 || length > symbol.1 {
            let found = format!("{start:#x}+{length:#x}, the symbol is {symbol:#x?}");
            return Err(format!("{name}: its entry says {found}").into());
        }
        // Each row of the function before stands in the function after.
        let &(old_start, old_length) = &before.functions[name];
        for (row, old) in after.rows.iter().zip(&before.rows) {
            let inside = (old_start..old_start + old_length).contains(&old.1);
            if inside && !(start..=start + length).contains(&row.1) {
                return Err(format!("{row:x?} lies outside {name}").into());
            }
        }
    }
    Ok(())
}

/// The same values of variables, in the same order, from and to the same rows.
fn lists_agree(before: &Tables, after: &Tables) -> Result<(), Failed> {
    if before.lists.len() != after.lists.len() {
        return Err("there are fewer or more lists of locations".into());
    }
    let mut moved: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for (old, new) in before.rows.iter().zip(&after.rows) {
        moved.entry(old.1).or_default().insert(new.1);
    }
    for (old, new) in before.lists.iter().zip(&after.lists) {
        if old.expressions != new.expressions {
            let (old, new) = (&old.expressions, &new.expressions);
            return Err(format!("a list of locations was {old:#?}, is {new:#?}").into());
        }
        if let Some((start, length)) = new.function
            && let Some(at) = (new.ends.iter()).find(|at| !(start..=start + length).contains(at))
        {
            return Err(format!("a location at {at:#x} is not in its function, {start:#x}").into());
        }
        // What only holds before an instruction that is gone says nothing now.
        if old.ends.len() != new.ends.len() {
            continue;
        }
        for (old, new) in old.ends.iter().zip(&new.ends) {
            if moved.get(old).is_some_and(|rows| !rows.contains(new)) {
                return Err(format!("a location's end {old:#x} went to {new:#x}").into());
            }
        }
    }
    Ok(())
}

/// The process that runs the guest: the child of `zvm run`.
fn instance_of(parent: u32) -> Result<u32, Failed> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        let children = std::fs::read_to_string(&path)?;
        if let Some(child) = children.split_whitespace().next() {
            return Ok(child.parse()?);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err("the instance did not start".into())
}

fn gdb(compiler: &str, options: &[&str]) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    compile(compiler, options, FRAMES, folder.path())?;
    let image = folder.path().join("program.zvm");
    let mut run = Command::new(env!("CARGO_BIN_EXE_zvm"))
        .arg("run")
        .arg(&image)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(run.stdout.take().expect("piped")).lines();
    let ready = lines.next().ok_or("the program ended")??;
    if ready != "ready" {
        return Err(format!("the program said {ready}").into());
    }
    let child = instance_of(run.id())?;
    let mut input = run.stdin.take().expect("piped");
    let attached = folder.path().join("attached");
    let mut gdb = Command::new("gdb")
        .args(["-q", "-nx", "-batch"])
        .args(["-ex", "set pagination off", "-ex", "set confirm off"])
        .args(["-ex", "set exec-file-mismatch off"])
        .arg(&image)
        .args(["-ex", &format!("attach {child}")])
        .args(["-ex", "break frames.c:12"])
        .args(["-ex", &format!("shell : > {}", attached.display())])
        .args(["-ex", "continue"])
        .args(["-ex", "bt", "-ex", "print *p", "-ex", "print length"])
        .args(["-ex", "finish", "-ex", "detach"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // The program waits for its input until gdb has set the breakpoint.
    while !attached.exists() && gdb.try_wait()?.is_none() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = input.write_all(b"seven77\n");
    let done = gdb.wait_with_output()?;
    let _ = run.kill();
    run.wait()?;
    let text = String::from_utf8_lossy(&done.stdout);
    let errors = String::from_utf8_lossy(&done.stderr);
    if errors.contains("Operation not permitted") {
        println!("skipped: gdb may not attach to a process here");
        return Ok(());
    }
    for expected in [
        "Breakpoint 1, inner (",
        "frames.c:12",
        "#1 ",
        " outer (name=",
        "#2 ",
        " main () at ",
        "$1 = {x = 8, y = 0}",
        "$2 = 8",
        "Value returned is",
    ] {
        if !text.contains(expected) {
            return Err(format!("no `{expected}` in\n{text}\n{errors}").into());
        }
    }
    Ok(())
}

fn on_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|p| p.join(program).is_file())
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for compiler in ["zig", "gcc", "clang"] {
        let missing = compiler != "zig" && !on_path(compiler);
        if missing {
            println!("skipped: debugging information of {compiler}, which is not installed");
        }
        for level in ["-O0", "-O2"] {
            for dwarf in ["-gdwarf-4", "-gdwarf-5"] {
                let name = format!("tables::{compiler}{level}{dwarf}");
                let test = move || tables_agree(compiler, &[level, dwarf], FRAMES);
                trials.push(Trial::test(name, test).with_ignored_flag(missing));
            }
        }
        // The first instruction of a function is for a processor that checks where jumps go: none is in an image.
        let with_marks = ["-O2", "-gdwarf-4", "-fcf-protection"];
        let optimized_at_link = ["-O2", "-gdwarf-5", "-flto"];
        for options in [with_marks, optimized_at_link] {
            let name = format!("lists::{compiler}{}", options.concat());
            let test = move || tables_agree(compiler, &options, LISTS);
            trials.push(Trial::test(name, test).with_ignored_flag(missing));
        }
        if !on_path("gdb") {
            println!("skipped: gdb on a running instance; gdb is not installed");
        }
        let test = move || gdb(compiler, &["-O0", "-g"]);
        let trial = Trial::test(format!("gdb::{compiler}"), test);
        trials.push(trial.with_ignored_flag(missing || !on_path("gdb")));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
