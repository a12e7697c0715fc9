//! Commands in the book: run as the reader would, one after the other, and compared with what the book says they print.
//!
//! In a chapter, a block ```` ```c,file=hello.c ```` is a file that is written first, and a block ```` ```console ```` holds commands after `$ `, each
//! with its output, and with `? N` when it ends with status N. As in trycmd, `[..]` stands for anything within a line and a line `...` for
//! any lines. Unlike there, commands are a shell's, and what they leave serves the chapter's next ones.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A piece of a chapter.
enum Piece {
    /// Lines that nothing runs, kept for rewriting the chapter.
    Text(String),
    /// A file's name and content, with the block's own lines as they are.
    File(String, String, String),
    /// A command, `$ ` and continued lines included, and what follows it.
    Command(String, String),
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let mut text = line.to_owned();
        let Some(info) = line.strip_prefix("```") else {
            pieces.push(Piece::Text(text));
            continue;
        };
        if info.trim() == "console" {
            pieces.push(Piece::Text(text));
            while let Some(line) = lines.next_if(|line| !line.starts_with("```")) {
                match pieces.last_mut() {
                    Some(Piece::Command(command, _)) if command.ends_with("\\\n") => {
                        command.push_str(line)
                    }
                    _ if line.starts_with("$ ") => {
                        pieces.push(Piece::Command(line.to_owned(), String::new()));
                    }
                    Some(Piece::Command(_, output)) => output.push_str(line),
                    _ => panic!("a console block must start with a command, not {line:?}"),
                }
            }
            pieces.extend(lines.next().map(|end| Piece::Text(end.to_owned())));
            continue;
        }
        let mut content = String::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("```")) {
            content.push_str(line);
        }
        text.push_str(&content);
        text.extend(lines.next());
        pieces.push(match info.trim().split_once(",file=") {
            Some((_, name)) => Piece::File(name.to_owned(), content, text),
            None => Piece::Text(text),
        });
    }
    pieces
}

/// Whether the output is what the book says.
fn agrees(said: &[&str], output: &[&str]) -> bool {
    match said.split_first() {
        None => output.is_empty(),
        Some((&"...", rest)) => (0..=output.len()).any(|skip| agrees(rest, &output[skip..])),
        Some((line, rest)) => output
            .split_first()
            .is_some_and(|(first, others)| line_agrees(line, first) && agrees(rest, others)),
    }
}

fn line_agrees(said: &str, line: &str) -> bool {
    let Some((start, rest)) = said.split_once("[..]") else {
        return said == line;
    };
    let Some(line) = line.strip_prefix(start) else {
        return false;
    };
    let mut ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
    ends.any(|at| line_agrees(rest, &line[at..]))
}

/// Runs a chapter in a folder of its own. With `bless`, the chapter is rewritten with what was printed.
///
/// # Errors
/// The commands whose output is another one, with both.
pub fn run(chapter: &Path, tools: &Path, bless: bool) -> Result<usize, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("place");
    let mut current = folder.path().join("work");
    fs::create_dir(&current).expect("a folder");
    let text = fs::read_to_string(chapter).expect("a chapter");
    let (mut new, mut errors, mut commands) = (String::new(), String::new(), 0);
    for piece in pieces(&text) {
        match piece {
            Piece::Text(text) => new.push_str(&text),
            Piece::File(name, content, text) => {
                let path = current.join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                fs::write(path, content).expect("a file");
                new.push_str(&text);
            }
            Piece::Command(command, said) => {
                commands += 1;
                let output = shell(&command[2..], &mut current, &place, tools);
                new.push_str(&command);
                if agrees(&lines(&said), &lines(&output)) {
                    new.push_str(&said);
                    continue;
                }
                new.push_str(&output);
                write!(
                    errors,
                    "{command}the book says:\n{said}it printed:\n{output}"
                )
                .expect("a string");
            }
        }
    }
    if bless {
        fs::write(chapter, new).expect("the chapter");
        return Ok(commands);
    }
    if errors.is_empty() {
        Ok(commands)
    } else {
        Err(errors)
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

/// What a shell prints, both streams together, and `? N` behind it for a status other than 0.
fn shell(command: &str, current: &mut PathBuf, place: &Path, tools: &Path) -> String {
    let script = format!(
        "exec 2>&1\n{command}\nstatus=$?\npwd > '{}'\nexit $status\n",
        place.display()
    );
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(
        [tools.to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&path)),
    );
    let mut shell = Command::new("sh");
    // What the outer cargo sets for a test is no reader's.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_") && text != "CARGO_HOME"
            || text.starts_with("RUST") && text != "RUSTUP_HOME"
            || text == "ZVM_CC"
        {
            shell.env_remove(&name);
        }
    }
    let done = shell
        .args([OsString::from("-c"), script.into()])
        .current_dir(&*current)
        .env("PATH", path.expect("a path"))
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    if let Ok(text) = fs::read_to_string(place) {
        *current = PathBuf::from(text.trim_end_matches('\n'));
    }
    let mut output = String::from_utf8_lossy(&done.stdout).into_owned();
    if !output.is_empty() && !output.ends_with('\n') {
        output.push('\n');
    }
    if !done.status.success() {
        let status = done.status.code().unwrap_or(-1);
        writeln!(output, "? {status}").expect("a string");
    }
    output
}

#[test]
fn outputs_may_leave_things_open() {
    let agree = |said: &str, output: &str| agrees(&lines(said), &lines(output));
    assert!(agree("a\nb", "a\nb\n") && !agree("a\nb", "a\n") && !agree("a", "a\nb"));
    assert!(agree("a [..] c", "a b c") && !agree("a [..] c", "a b d"));
    assert!(agree("a\n...\nd", "a\nb\nc\nd") && agree("...", "") && !agree("a\n...", "b"));
}

#[test]
fn a_chapter_is_run_and_rewritten() {
    let dir = tempfile::tempdir().expect("a folder");
    let chapter = dir.path().join("chapter.md");
    let text = "text\n```txt,file=sub/x\none\n```\n```console\n$ cd sub\n$ cat x\n@\n$ cat \\\n  nothing 2>/dev/null\n? 1\n```\nend\n";
    fs::write(&chapter, text).expect("the chapter");
    let errors = run(&chapter, dir.path(), false).expect_err("x holds something else");
    assert!(
        errors.contains("$ cat x\nthe book says:\n@\nit printed:\none\n"),
        "{errors}"
    );
    assert_eq!(run(&chapter, dir.path(), true), Ok(3));
    assert_eq!(
        fs::read_to_string(&chapter).expect("the chapter"),
        text.replace('@', "one")
    );
    assert_eq!(run(&chapter, dir.path(), false), Ok(3));
}
