//! `cargo zvm port table`: what the ports cost, to build and to hand on.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use zvm_runtime::zapp::write::write;
use zvm_sysroot::Sysroot;

use super::builder::{self, Built};
use super::{index, launch};

/// Prints the table of the ports `names`, or of all that are built, to stdout.
///
/// # Errors
/// There is no such port, none is built, or a program cannot be packed.
pub fn print(names: &[String], sysroot: &Sysroot) -> Result<()> {
    let entries = match names {
        [] => index::all()?,
        names => names
            .iter()
            .map(|name| index::find(name))
            .collect::<Result<_>>()?,
    };
    let mut rows = Vec::new();
    for entry in entries {
        let built = builder::plan(entry, sysroot)?;
        if !built.record().seconds.is_empty() {
            rows.push(row(&built)?);
        } else if !names.is_empty() {
            let name = &*built.entry.recipe.name;
            bail!("the port {name} is not built; `cargo zvm port build {name}` does it");
        }
    }
    if rows.is_empty() {
        bail!("no port is built");
    }
    println!("| port | processor time | wall's clock | image | native | application |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for row in rows {
        println!("{row}");
    }
    println!();
    println!(
        "All steps, without what the port needs; the wall's clock depends on what else the machine did; MB of 10⁶ bytes; the native program is of the same objects."
    );
    Ok(())
}

/// A line of the table; sizes are the first program's.
fn row(built: &Built) -> Result<String> {
    let recipe = &built.entry.recipe;
    let record = built.record();
    let mut line = format!("| {} {} |", &*recipe.name, recipe.version());
    for times in [&record.processor, &record.seconds] {
        // A port that was built before processor time was noted has none.
        line += &match times.is_empty() {
            true => " |".to_owned(),
            false => format!(" {:.0} s |", times.values().sum::<f64>()),
        };
    }
    let image = built.image(None).ok().filter(|image| image.is_file());
    let Some(image) = image else {
        return Ok(line + " | | |");
    };
    let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
    let packed = scratch.path().join("packed.zapp");
    write(&launch::application(built, None, Vec::new())?, &packed)?;
    for file in [&image, &built.native(None)?, &packed] {
        line += &format!(" {} |", megabytes(file)?);
    }
    Ok(line)
}

fn megabytes(file: &Path) -> Result<String> {
    let metadata = fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(format!("{:.1} MB", metadata.len() as f64 / 1e6))
}
