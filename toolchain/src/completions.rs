//! `cargo zvm completions SHELL`: what a shell needs to complete `cargo zvm`, `cargo-zvm` and `zvm`.

use clap_complete::Shell;

/// zsh's and fish's completions of cargo look for `cargo-zvm`'s themselves; bash's knows nothing of other executables' subcommands, so
/// we step in front of whatever completed `cargo` before.
const CARGO_IN_BASH: &str = r#"
_zvm_cargo_before=$(complete -p cargo 2>/dev/null | sed -n 's/.* -F \([^ ]*\) .*/\1/p')
_zvm_cargo() {
    if [[ ${COMP_WORDS[1]} == zvm && $COMP_CWORD -gt 1 ]]; then
        local COMP_WORDS=(cargo-zvm "${COMP_WORDS[@]:2}") COMP_CWORD=$((COMP_CWORD - 1))
        _cargo__zvm cargo-zvm "$2" "$3"
    elif [[ -n $_zvm_cargo_before && $_zvm_cargo_before != _zvm_cargo ]]; then
        "$_zvm_cargo_before" "$@"
    fi
}
complete -F _zvm_cargo -o bashdefault -o default cargo
"#;

/// Prints them; `cargo_zvm` is the whole command line.
pub fn print(shell: Shell, cargo_zvm: clap::Command) {
    print!("{}", text(shell, cargo_zvm));
}

fn text(shell: Shell, cargo_zvm: clap::Command) -> String {
    let mut ours = cargo_zvm.name("cargo-zvm").bin_name("cargo-zvm");
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut ours, "cargo-zvm", &mut text);
    clap_complete::generate(shell, &mut zvm_runtime::cli::command(), "zvm", &mut text);
    let text = String::from_utf8_lossy(&text);
    if shell != Shell::Bash {
        return text.into_owned();
    }
    // The generator writes the hyphen in a command's own name in two ways, so that no subcommand would be found.
    text.replace("cargo__subcmd__zvm", "cargo__zvm") + CARGO_IN_BASH
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What bash offers for the last of these words.
    fn offered(words: &[&str]) -> Vec<String> {
        let script = format!(
            "_before() {{ COMPREPLY=(before); }}\ncomplete -F _before cargo\n{}\n\
             COMP_WORDS=({words}); COMP_CWORD={last}\n\
             function=$(complete -p {command} | sed 's/.* -F \\([^ ]*\\) .*/\\1/')\n\
             $function {command} '{word}' '{before}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
            text(Shell::Bash, crate::cargo_zvm::cli()),
            words = words.join(" "),
            last = words.len() - 1,
            command = words[0],
            word = words[words.len() - 1],
            before = words[words.len() - 2],
        );
        let output = Command::new("bash").args(["-c", &script]).output();
        let output = output.expect("bash starts");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn bash_completes_subcommands_and_options() {
        assert_eq!(offered(&["cargo-zvm", "comp"]), ["completions"]);
        assert_eq!(offered(&["cargo-zvm", "bench", "--pai"]), ["--pairs"]);
        assert_eq!(offered(&["cargo", "zvm", "bench", "--pai"]), ["--pairs"]);
        assert_eq!(offered(&["cargo", "zvm", "port", "bu"]), ["build"]);
        assert_eq!(offered(&["zvm", "run", "--moun"]), ["--mount"]);
    }

    #[test]
    fn other_commands_of_cargo_are_completed_as_before() {
        assert_eq!(offered(&["cargo", "build", "--rel"]), ["before"]);
    }
}
