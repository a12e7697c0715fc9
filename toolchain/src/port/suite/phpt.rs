//! PHP's tests: `.phpt` files, whose sections are a script, how to start it, and what it must print. As `run-tests.php`, which
//! starts processes and so cannot run in the sandbox itself, understands them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use regex::bytes::{Regex, RegexBuilder};

use super::outcome::Verdict;
use super::request;
use super::stable::stable;

/// The settings that every test starts with, as `run-tests.php` has them.
const SETTINGS: &[&str] = &[
    "output_handler=",
    "open_basedir=",
    "disable_functions=",
    "output_buffering=Off",
    "error_reporting=32767",
    "display_errors=1",
    "display_startup_errors=1",
    "log_errors=0",
    "html_errors=0",
    "report_memleaks=1",
    "docref_root=",
    "docref_ext=.html",
    "error_prepend_string=",
    "error_append_string=",
    "auto_prepend_file=",
    "auto_append_file=",
    "ignore_repeated_errors=0",
    "precision=14",
    "serialize_precision=-1",
    "memory_limit=128M",
    "zend.assertions=1",
    "zend.exception_ignore_args=0",
    "zend.exception_string_param_max_len=15",
    "short_open_tag=0",
];

/// Sections that make a test one of another program than these two, or of several tests.
const OTHERS: &[&str] = &["REDIRECTTEST", "PHPDBG"];

/// What a section's script is called, beside the test's file.
const SCRIPTS: &[(&str, &str)] = &[
    ("FILE", "php"),
    ("FILEEOF", "php"),
    ("SKIPIF", "skip.php"),
    ("CLEAN", "clean.php"),
];

/// A test's file.
#[derive(Debug)]
pub struct Phpt {
    sections: BTreeMap<String, Vec<u8>>,
    /// Below the suite's files, without `.phpt`.
    stem: PathBuf,
}

/// What one start of PHP takes.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    /// Arguments, the script among them; `{files}` is the folder with the suite's files.
    pub args: Vec<String>,
    /// `NAME=VALUE`; as in `args`.
    pub env: Vec<String>,
    /// What it reads from stdin.
    pub stdin: Vec<u8>,
}

/// Sections may be files beside the test's.
const EXTERNAL: &str = "_EXTERNAL";

impl Phpt {
    /// Reads `test`, a path below `root`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(root: &Path, test: &str) -> Result<Phpt> {
        let path = root.join(test);
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut sections = sections(&text);
        let external: Vec<_> = sections
            .iter()
            .filter_map(|(name, file)| {
                let file = String::from_utf8_lossy(file).trim().to_owned();
                Some((name.strip_suffix(EXTERNAL)?.to_owned(), file))
            })
            .collect();
        for (name, file) in external {
            let path = path.with_file_name(file);
            let text =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            sections.insert(name, text);
        }
        Ok(Phpt {
            sections,
            stem: Path::new(test).with_extension(""),
        })
    }

    /// Writes the test's scripts beside it.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_scripts(&self, root: &Path) -> Result<()> {
        for (section, extension) in SCRIPTS {
            if let Some(text) = self.sections.get(*section) {
                let path = root.join(self.beside(extension));
                let text = match *section {
                    "FILEEOF" => text.trim_ascii_end(),
                    _ => text,
                };
                fs::write(&path, text)
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// Whether the test is one of the CGI program.
    pub fn cgi(&self) -> bool {
        request::wanted(&self.sections)
    }

    /// Why the test is not for these programs, or not readable here.
    pub fn unfit(&self) -> Option<String> {
        if let Some(other) = OTHERS
            .iter()
            .find(|name| self.sections.contains_key(**name))
        {
            return Some(format!("a test with the section {other}"));
        }
        if !["FILE", "FILEEOF"]
            .iter()
            .any(|name| self.sections.contains_key(*name))
        {
            return Some("a test without the section FILE".to_owned());
        }
        self.expected().err()
    }

    /// The script that says whether the test is to be skipped.
    pub fn skip_if(&self) -> Option<Script> {
        self.extra("SKIPIF", "skip.php")
    }

    /// The script that removes the test's files.
    pub fn clean(&self) -> Option<Script> {
        self.extra("CLEAN", "clean.php")
    }

    fn extra(&self, section: &str, extension: &str) -> Option<Script> {
        self.sections.get(section)?;
        let mut script = self.script(extension);
        if self.cgi() {
            // No headers.
            script.args.insert(0, "-q".to_owned());
        }
        script.env = self.env();
        Some(script)
    }

    /// The test itself.
    pub fn main(&self) -> Script {
        let mut script = self.script("php");
        script.env = self.env();
        if self.cgi() {
            let path = script.args.last().cloned().unwrap_or_default();
            let request = request::of(&self.sections, &path, script.env);
            (script.env, script.stdin) = (request.env, request.body);
        } else if let Some(text) = self.sections.get("STDIN") {
            script.stdin.clone_from(text);
        }
        if let Some(args) = self.text("ARGS") {
            script.args.push("--".to_owned());
            script.args.extend(words(&args));
        }
        script
    }

    /// A file of the test's name.
    fn beside(&self, extension: &str) -> PathBuf {
        let mut path = self.stem.clone().into_os_string();
        path.push(".");
        path.push(extension);
        path.into()
    }

    fn script(&self, extension: &str) -> Script {
        let mut args = vec!["-n".to_owned()];
        if self.cgi() {
            // The working folder stays where it is.
            args.insert(0, "-C".to_owned());
        }
        let script = self.beside(extension);
        let script = format!("{{files}}/{}", script.display());
        let folder = Path::new(&script).parent().map(|p| p.display().to_string());
        let own = self.text("INI").unwrap_or_default();
        let own = own.replace("{PWD}", &folder.unwrap_or_default());
        let own = own.replace("{TMP}", "/tmp");
        let own = own.lines().map(str::trim).filter(|line| line.contains('='));
        for setting in SETTINGS.iter().copied().chain(own) {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            args.extend(["-d".to_owned(), format!("{}={}", name.trim(), value.trim())]);
        }
        args.extend(["-f".to_owned(), script]);
        Script {
            args,
            env: Vec::new(),
            stdin: Vec::new(),
        }
    }

    fn env(&self) -> Vec<String> {
        let text = self.text("ENV").unwrap_or_default();
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| line.contains('='));
        lines.map(str::to_owned).collect()
    }

    fn text(&self, section: &str) -> Option<String> {
        let bytes = self.sections.get(section)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// Whether upstream knows that the test fails.
    pub fn may_fail(&self) -> bool {
        self.sections.contains_key("XFAIL")
    }

    /// Judges what the test printed; an excerpt of it says why it is wrong.
    pub fn judge(&self, output: &[u8]) -> (Verdict, String) {
        let (headers, body) = match self.cgi() {
            true => request::parts(output),
            false => (BTreeMap::new(), output),
        };
        if let Some(wanted) = self.sections.get("EXPECTHEADERS") {
            for (name, value) in request::headers(wanted) {
                if headers.get(&name) != Some(&value) {
                    let sent = headers.get(&name).map_or("nothing", String::as_str);
                    return (Verdict::Fail, format!("its header {name} is {sent}"));
                }
            }
        }
        let output = plain(body);
        let right = match self.expected() {
            Err(why) => return (Verdict::Skip, why),
            Ok(Expected::Text(text)) => text == output,
            Ok(Expected::Pattern(pattern)) => pattern.is_match(&output),
        };
        match (right, self.may_fail()) {
            (true, _) => (Verdict::Pass, String::new()),
            (false, true) => (Verdict::Skip, "upstream expects a failure".to_owned()),
            (false, false) => (Verdict::Fail, format!("it printed {}", excerpt(&output))),
        }
    }

    fn expected(&self) -> Result<Expected, String> {
        if let Some(text) = self.sections.get("EXPECT") {
            return Ok(Expected::Text(plain(text)));
        }
        let (pattern, section) = if let Some(text) = self.sections.get("EXPECTF") {
            (from_expectf(&plain(text)), "EXPECTF")
        } else if let Some(text) = self.sections.get("EXPECTREGEX") {
            let text = String::from_utf8(plain(text)).map_err(|_| "EXPECTREGEX is not UTF-8")?;
            (text, "EXPECTREGEX")
        } else {
            return Err("a test without what it must print".to_owned());
        };
        let regex = RegexBuilder::new(&format!("^(?:{pattern})$"))
            .dot_matches_new_line(true)
            .unicode(false)
            .size_limit(1 << 28)
            .build();
        // Of Perl's expressions, those that look ahead or back are not regular.
        let regex = regex.map_err(|_| format!("{section} is no regular expression"))?;
        Ok(Expected::Pattern(regex))
    }
}

enum Expected {
    Text(Vec<u8>),
    Pattern(Regex),
}

fn sections(text: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut sections = BTreeMap::new();
    let mut current: Option<(String, Vec<u8>)> = None;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let name = line.trim_ascii_end();
        let name = name.strip_prefix(b"--").and_then(|n| n.strip_suffix(b"--"));
        let name = name.filter(|name| {
            let allowed = |b: &u8| b.is_ascii_uppercase() || *b == b'_';
            !name.is_empty() && name.iter().all(allowed)
        });
        match (name, &mut current) {
            (Some(name), _) => {
                sections.extend(current.take());
                let name = String::from_utf8_lossy(name).into_owned();
                current = Some((name, Vec::new()));
            }
            (None, Some((_, body))) => body.extend_from_slice(line),
            (None, None) => {}
        }
    }
    sections.extend(current);
    sections
}

/// Without white space around it, its lines ending in a line feed alone.
fn plain(text: &[u8]) -> Vec<u8> {
    // What PHP's trim removes.
    let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0 | 0x0b);
    let start = text
        .iter()
        .position(|byte| !space(byte))
        .unwrap_or(text.len());
    let end = text
        .iter()
        .rposition(|byte| !space(byte))
        .map_or(start, |last| last + 1);
    let mut plain = Vec::with_capacity(end - start);
    let mut bytes = text[start..end].iter().peekable();
    while let Some(&byte) = bytes.next() {
        if byte != b'\r' || bytes.peek() != Some(&&b'\n') {
            plain.push(byte);
        }
    }
    plain
}

/// `%d` and its like, and expressions between two `%r`, in a text that stands for itself otherwise.
fn from_expectf(text: &[u8]) -> String {
    let mut pattern = String::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let letter = if byte == b'%' { after.first() } else { None };
        let class = match letter {
            Some(b'e') => "/",
            Some(b's') => r"[^\r\n]+",
            Some(b'S') => r"[^\r\n]*",
            Some(b'a') => ".+?",
            Some(b'A') => ".*?",
            Some(b'w') => r"\s*",
            Some(b'i') => r"[+-]?\d+",
            Some(b'd') => r"\d+",
            Some(b'x') => "[0-9a-fA-F]+",
            Some(b'f') => r"[+-]?(?:\d+|(?:\d*\.\d+|\d+\.\d*))(?:[Ee][+-]?\d+)?",
            Some(b'c') => ".",
            Some(b'0') => r"\x00",
            Some(b'r') => {
                let inner = &after[1..];
                if let Some(end) = inner.windows(2).position(|pair| pair == b"%r") {
                    let inside = String::from_utf8_lossy(&inner[..end]);
                    pattern.push_str(&format!("(?:{inside})"));
                    rest = &inner[end + 2..];
                    continue;
                }
                ""
            }
            _ => "",
        };
        if class.is_empty() {
            // Bytes, not characters: the text may be in any encoding.
            pattern.push_str(&match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' ' => char::from(byte).to_string(),
                byte => format!("\\x{byte:02x}"),
            });
        } else {
            pattern.push_str(class);
            rest = &after[1..];
        }
    }
    pattern
}

/// Words as a shell parts them, without its expansions.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.trim().chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn excerpt(output: &[u8]) -> String {
    // What stands for a folder is shorter or longer than it: the text is cut behind that.
    let text = stable(&String::from_utf8_lossy(output));
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // The end tells more than the beginning: a test usually stops where it fails.
    let skipped = text.chars().count().saturating_sub(160);
    let tail: String = text.chars().skip(skipped).collect();
    format!("{}{tail:?}", if skipped > 0 { "..." } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phpt(text: &str) -> Phpt {
        Phpt {
            sections: sections(text.as_bytes()),
            stem: PathBuf::from("t/a.b"),
        }
    }

    #[test]
    fn a_test_is_started_with_its_settings_and_arguments() {
        let test = phpt(
            "--TEST--\nx\n--INI--\nprecision = 5\nd={PWD}\n--ARGS--\n-a 'b c'\n--FILE--\n<?php\n--EXPECT--\n1\n",
        );
        let args = test.main().args;
        let at = args.iter().position(|arg| arg == "-f").unwrap();
        assert_eq!(args[at + 1..], ["{files}/t/a.b.php", "--", "-a", "b c"]);
        assert_eq!(args[at - 1], "d={files}/t");
        assert_eq!(args[at - 3], "precision=5");
        assert_eq!(
            (test.unfit(), test.skip_if(), test.clean()),
            (None, None, None)
        );
        let other = phpt("--FILE--\n--PHPDBG--\nb\n--EXPECT--\n");
        assert!(other.unfit().unwrap().contains("PHPDBG"));
    }

    #[test]
    fn a_request_goes_to_the_cgi_program_and_its_headers_count() {
        let test =
            phpt("--FILE--\n<?php\n--POST--\na=b\n--EXPECTHEADERS--\nX-A: 1\n--EXPECT--\nok\n");
        let main = test.main();
        assert!(test.cgi() && main.args[0] == "-C" && main.stdin == b"a=b");
        let path = "SCRIPT_FILENAME={files}/t/a.b.php".to_owned();
        assert!(main.env.contains(&path), "{:?}", main.env);
        assert_eq!(test.judge(b"X-A: 1\r\n\r\nok\n").0, Verdict::Pass);
        assert!(test.judge(b"X-A: 2\r\n\r\nok\n").1.contains("X-A is 2"));
        assert_eq!(test.judge(b"ok\n").0, Verdict::Fail);
    }

    #[test]
    fn what_is_printed_is_judged_as_text_or_pattern() {
        let text = phpt("--FILE--\n--EXPECT--\na\nb\n");
        assert_eq!(text.judge(b"a\r\nb\n\n").0, Verdict::Pass);
        let (verdict, why) = text.judge(b"a\nc");
        assert!(verdict == Verdict::Fail && why.contains("a c"), "{why}");
        let pattern = phpt("--FILE--\n--EXPECTF--\n%s: (%d) %f é %r[xy]{2}%r%A.\n");
        for (output, verdict) in [
            ("w: (12) 1.5 é xy\nmore.", Verdict::Pass),
            ("w: (12) -3 é yx.", Verdict::Pass),
            ("w: (x) 1.5 é xy.", Verdict::Fail),
            ("w: (1) 1.5 é xz.", Verdict::Fail),
            ("w: (1) 1.5 é xy!", Verdict::Fail),
        ] {
            assert_eq!(pattern.judge(output.as_bytes()).0, verdict, "{output}");
        }
        let known = phpt("--FILE--\n--XFAIL--\nyes\n--EXPECT--\na\n");
        assert_eq!(known.judge(b"b").0, Verdict::Skip);
        let regex = phpt("--FILE--\n--EXPECTREGEX--\na(?=b)\n");
        assert!(regex.unfit().unwrap().contains("EXPECTREGEX"));
    }
}
