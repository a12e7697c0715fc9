//! Builds a port, in the cache and nowhere else.
//!
//! A port's folder is `ports/NAME-KEY`; the key stands for the recipe's sources and steps, the keys of its dependencies, the compiler and musl.
//! In it lie `build` (the source, unpacked and built), `prefix` (what it installs), `logs`, `links`, and, when all of that is
//! complete, `built.toml`. Programs and their tar file come last and have a stamp of their own: they alone are made again for
//! a new libzrt or rewriter.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use zvm_sysroot::{Progress, Sha256Hex, Sysroot};

use super::environment::{Dependency, Environment};
use super::index::{self, Entry};
use super::recipe::{Edit, Pack, Program, Step};
use super::{pack, steps, tree};
use crate::bench::measure::timed;
use crate::cc::link::{self, Product};
use crate::cc::record::LinkRecord;
use crate::project::build::{link_version, say};
use crate::project::source;

/// Counts up when what this module or `zvm-cc` does changes what comes out of the same recipe.
const BUILDER: &str = "1";

/// The tar file in a port's folder.
const FILES: &str = "files.tar";

/// A port that is built.
#[derive(Clone, Debug)]
pub struct Built {
    /// Its recipe.
    pub entry: Entry,
    /// Its folder.
    pub work: PathBuf,
    /// Its dependencies, theirs included, each before those that need it.
    pub dependencies: Vec<Dependency>,
    key: String,
}

/// How long the steps took.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Record {
    /// Seconds of each step, by the wall's clock: they depend on what else the machine does.
    pub seconds: BTreeMap<String, f64>,
    /// Seconds of processor time of each step.
    #[serde(default)]
    pub processor: BTreeMap<String, f64>,
}

impl Built {
    /// The image of a program: the one of this name, or the first.
    ///
    /// # Errors
    /// The port is a library, or has no such program.
    pub fn image(&self, name: Option<&str>) -> Result<PathBuf> {
        self.program(name, "zvm")
    }

    /// A program as an ordinary executable of this machine, from the same objects.
    ///
    /// # Errors
    /// The port is a library, or has no such program.
    pub fn native(&self, name: Option<&str>) -> Result<PathBuf> {
        self.program(name, "native")
    }

    fn program(&self, name: Option<&str>, extension: &str) -> Result<PathBuf> {
        let recipe = &self.entry.recipe;
        let wanted = |program: &&Program| name.is_none_or(|name| *program.name == *name);
        let path = |program: &Program| self.work.join(format!("{}.{extension}", &*program.name));
        if let Some(program) = recipe.program.iter().find(wanted) {
            return Ok(path(program));
        }
        let mut tests = recipe.suite.iter().flat_map(|suite| &suite.programs);
        if let Some(program) = tests.find(wanted) {
            let path = path(program);
            if !path.is_file() {
                bail!(
                    "{} is a program of the tests, which `cargo zvm port test {}` builds",
                    &*program.name,
                    &*recipe.name
                );
            }
            return Ok(path);
        }
        let names: Vec<_> = recipe
            .program
            .iter()
            .map(|program| &*program.name)
            .collect();
        match name {
            Some(name) if !names.is_empty() => bail!(
                "the port {} has no program `{name}`; it has {}",
                &*recipe.name,
                names.join(", ")
            ),
            _ => bail!(
                "the port {} is a library; there is nothing to run",
                &*recipe.name
            ),
        }
    }

    /// The files that go with the programs, if there are any.
    pub fn tar(&self) -> Option<PathBuf> {
        (!self.entry.recipe.pack.is_empty()).then(|| self.work.join(FILES))
    }

    /// The same files as a folder, for the native program.
    pub fn root(&self) -> PathBuf {
        self.work.join("root")
    }

    /// Where it is installed.
    pub fn prefix(&self) -> PathBuf {
        self.work.join("prefix")
    }

    /// What was noted when it was built.
    pub fn record(&self) -> Record {
        let text = fs::read_to_string(self.work.join("built.toml")).unwrap_or_default();
        toml::from_str(&text).unwrap_or_default()
    }
}

/// Builds the port `name` and what it needs, unless that is done.
///
/// # Errors
/// No such port; no provider has its source; a step or a link fails.
pub fn build(name: &str, sysroot: &Sysroot, progress: &Progress) -> Result<Built> {
    let built = plan(index::find(name)?, sysroot)?;
    for dep in &built.dependencies {
        compile(&plan(index::find(&dep.name)?, sysroot)?, sysroot, progress)?;
    }
    compile(&built, sysroot, progress)?;
    let recipe = &built.entry.recipe;
    let products = Products {
        programs: &recipe.program,
        files: &recipe.pack,
        stamp: "programs.stamp",
    };
    finish(&built, &products, sysroot)?;
    Ok(built)
}

/// Builds what only the tests of a built port need, unless that is done.
///
/// # Errors
/// A step or a link fails.
pub fn build_tests(built: &Built, sysroot: &Sysroot, progress: &Progress) -> Result<()> {
    let recipe = &built.entry.recipe;
    let Some(suite) = recipe.suite.as_ref().filter(|suite| !suite.step.is_empty()) else {
        return Ok(());
    };
    let stamp = Sha256Hex::new().with(format!("{:?}", suite.step)).finish();
    let done = built.work.join("tests.stamp");
    let current = || fs::read_to_string(&done).is_ok_and(|old| old == stamp);
    if !current() {
        let _lock = sysroot.cache().lock_port(&recipe.name, progress)?;
        // Somebody else may have done it while we waited.
        if !current() {
            let _ = fs::remove_file(&done);
            run_steps(built, &suite.step, sysroot, progress)?;
            fs::write(&done, &stamp).with_context(|| format!("cannot write {}", done.display()))?;
        }
    }
    let products = Products {
        programs: &suite.programs,
        files: &[],
        stamp: "test-programs.stamp",
    };
    finish(built, &products, sysroot)
}

/// Where the port is or would be.
///
/// # Errors
/// A dependency's recipe is wrong.
pub fn plan(entry: Entry, sysroot: &Sysroot) -> Result<Built> {
    let mut hash = Sha256Hex::new()
        .with(BUILDER)
        .with(entry.built_from()?)
        .with(sysroot.zig().as_os_str().as_encoded_bytes());
    // musl's own folder has its hash in the name; the sysroot around it, headers linked to musl's and one of its own, changes
    // with libzrt, which no object depends on.
    let headers = sysroot.include();
    let stdio = headers.join("stdio.h");
    let stdio =
        fs::canonicalize(&stdio).with_context(|| format!("cannot read {}", stdio.display()))?;
    hash = hash.with(stdio.as_os_str().as_encoded_bytes());
    let own = headers.join("zvm.h");
    hash = hash.with(fs::read(&own).with_context(|| format!("cannot read {}", own.display()))?);
    let mut dependencies: Vec<Dependency> = Vec::new();
    for name in &entry.recipe.deps {
        let dep = plan(index::find(name)?, sysroot)?;
        hash = hash.with(&dep.key);
        let prefix = dep.prefix();
        let this = Dependency {
            name: name.to_string(),
            prefix,
        };
        for each in dep.dependencies.into_iter().chain([this]) {
            if dependencies.iter().all(|known| known.name != each.name) {
                dependencies.push(each);
            }
        }
    }
    let key = hash.short();
    let folder = format!("{}-{key}", &*entry.recipe.name);
    Ok(Built {
        work: sysroot.cache().ports().join(folder),
        entry,
        dependencies,
        key,
    })
}

/// Source, edits, steps.
fn compile(built: &Built, sysroot: &Sysroot, progress: &Progress) -> Result<()> {
    let recipe = &built.entry.recipe;
    let work = &built.work;
    let done = work.join("built.toml");
    if done.exists() {
        return Ok(());
    }
    let sources = source::fetch_all(&recipe.source, sysroot.cache(), progress)?;
    let _lock = sysroot.cache().lock_port(&recipe.name, progress)?;
    if done.exists() {
        return Ok(());
    }
    if work.exists() {
        fs::remove_dir_all(work).with_context(|| format!("cannot remove {}", work.display()))?;
    }
    for folder in ["build", "prefix", "logs", "links"] {
        let path = work.join(folder);
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
    }
    for (index, (name, folder)) in sources.iter().enumerate() {
        let name = if index == 0 { "src" } else { name };
        tree::copy(folder, &work.join("build").join(name))?;
    }
    let src = work.join("build/src");
    for edit in &recipe.edit {
        apply(edit, &src)?;
    }
    let record = run_steps(built, &recipe.step, sysroot, progress)?;
    let text = toml::to_string(&record).context("cannot write down the times")?;
    fs::write(&done, text).with_context(|| format!("cannot write {}", done.display()))
}

/// Runs steps in the source's folder, one after the other.
fn run_steps(
    built: &Built,
    all: &[Step],
    sysroot: &Sysroot,
    progress: &Progress,
) -> Result<Record> {
    let (recipe, work) = (&built.entry.recipe, &built.work);
    let environment = Environment::prepare(recipe, work, &built.dependencies, sysroot)?;
    let mut record = Record::default();
    for (index, step) in all.iter().enumerate() {
        let number = index + 1;
        let log = work.join(format!("logs/{number}-{}.log", &*step.name));
        let title = format!(
            "{} {}: {} (step {number} of {})",
            &*recipe.name,
            recipe.version(),
            &*step.name,
            all.len()
        );
        let folder = work.join("build/src");
        let (time, ()) = timed(|| steps::run(step, &environment, &folder, &log, &title, progress))?;
        record.seconds.insert(step.name.to_string(), time.wall);
        record.processor.insert(step.name.to_string(), time.cpu);
    }
    Ok(record)
}

/// Replaces the text, and keeps the file's time, so that `make` does not think that generated files are old.
fn apply(edit: &Edit, src: &Path) -> Result<()> {
    let path = src.join(&edit.file);
    let context = || format!("cannot edit {}", path.display());
    let text = fs::read_to_string(&path).with_context(context)?;
    let count = text.matches(&edit.find).count();
    if count != 1 {
        bail!(
            "the edit of {} expects its text once, but finds it {count} times: {}",
            edit.file,
            edit.find
        );
    }
    let metadata = fs::metadata(&path).with_context(context)?;
    fs::write(&path, text.replacen(&edit.find, &edit.replace, 1)).with_context(context)?;
    let file = fs::File::options()
        .write(true)
        .open(&path)
        .with_context(context)?;
    file.set_modified(metadata.modified()?)
        .with_context(context)
}

/// What is linked and packed behind the steps.
struct Products<'a> {
    programs: &'a [Program],
    files: &'a [Pack],
    /// The name of the file that says what they were made from.
    stamp: &'static str,
}

/// Images, native programs and the tar file.
fn finish(built: &Built, products: &Products, sysroot: &Sysroot) -> Result<()> {
    if products.programs.is_empty() {
        return Ok(());
    }
    let mut stamp = Sha256Hex::new()
        .with(sysroot.root().as_os_str().as_encoded_bytes())
        .with(link_version()?);
    stamp = stamp.with(format!("{:?}", products.files));
    let mut links = Vec::new();
    for program in products.programs {
        let output = built.work.join("build/src").join(&program.output);
        let (link, text) = LinkRecord::find(&built.work.join("links"), &output)
            .with_context(|| format!("no step linked {}", program.output))?;
        stamp = stamp.with(text);
        links.push((program, link));
    }
    let stamp = stamp.finish();
    let stamp_path = built.work.join(products.stamp);
    let current = || fs::read_to_string(&stamp_path).is_ok_and(|old| old == stamp);
    if current() {
        return Ok(());
    }
    let _lock = sysroot
        .cache()
        .lock_port(&built.entry.recipe.name, &Progress::silent())?;
    // Somebody else may have done it while we waited.
    if current() {
        return Ok(());
    }
    let _ = fs::remove_file(&stamp_path);
    for (program, record) in links {
        for (product, extension) in [(Product::Image, "zvm"), (Product::Native, "native")] {
            let path = built.work.join(format!("{}.{extension}", &*program.name));
            say("Linking", path.display());
            link::link(sysroot, &record.job(product, &path))?;
        }
    }
    if !products.files.is_empty() {
        let tar = built.work.join(FILES);
        say("Packing", tar.display());
        pack::pack(products.files, &built.work, &tar)?;
        pack::unpack(&tar, &built.root())?;
    }
    fs::write(&stamp_path, stamp).with_context(|| format!("cannot write {}", stamp_path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_must_fit_exactly_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.c");
        let edit = |find: &str| Edit {
            file: "a.c".to_owned(),
            find: find.to_owned(),
            replace: "new".to_owned(),
            reason: "r".to_owned(),
        };
        fs::write(&path, "one two two").unwrap();
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        apply(&edit("one"), dir.path()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new two two");
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
        for (find, count) in [("two", "2 times"), ("three", "0 times")] {
            let error = apply(&edit(find), dir.path()).unwrap_err().to_string();
            assert!(error.contains(count) && error.contains("a.c"), "{error}");
        }
    }
}
