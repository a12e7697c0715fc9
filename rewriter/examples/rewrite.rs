//! `rewrite IN OUT [LEVEL]`: the rewriter alone, for looking at what it does to one linked ELF.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let [_, input, output, rest @ ..] = &args[..] else {
        eprintln!("usage: rewrite IN OUT [LEVEL]");
        return ExitCode::from(2);
    };
    let level = rest.first().and_then(|l| l.parse().ok()).unwrap_or(1);
    let options = zvm_rewriter::Options {
        level,
        keep_going: true,
        map: false,
        ..Default::default()
    };
    let elf = match std::fs::read(input) {
        Ok(elf) => elf,
        Err(error) => {
            eprintln!("{input}: {error}");
            return ExitCode::FAILURE;
        }
    };
    match zvm_rewriter::rewrite(&elf, &options) {
        Ok(image) => {
            println!("{:?}", image.stats);
            if let Err(error) = std::fs::write(output, image.bytes) {
                eprintln!("{output}: {error}");
                return ExitCode::FAILURE;
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
