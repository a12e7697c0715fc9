//! Links that are made now for this machine and once more, later, as images.
//!
//! With `ZVM_LINKS=FOLDER` in the environment, `zvm-cc` links ordinary executables and leaves a [`LinkRecord`] of each in
//! FOLDER. A port's build runs so: programs that it makes and calls on the way do run, and a new libzrt or rewriter repeats
//! only the last link, from the same objects.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zvm_sysroot::Sha256Hex;

use super::error::CcError;
use super::link::{CxxLink, LinkJob, Product};
use super::reporting::Reporting;
use super::run::Show;

/// The environment variable with the folder.
pub const VARIABLE: &str = "ZVM_LINKS";

/// A link, as it can be repeated.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LinkRecord {
    folder: PathBuf,
    inputs: Vec<String>,
    level: u32,
    strip: bool,
    start_files: bool,
    cxx: Option<PathBuf>,
    cxx_implied: bool,
    #[serde(default)]
    gnu_ld: bool,
}

/// The folder for records, if links are to be recorded.
pub fn folder() -> Option<PathBuf> {
    env::var_os(VARIABLE)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Where what is kept of the link of `output` lies in `folder`.
fn path(folder: &Path, output: &Path, what: &str) -> PathBuf {
    let key = Sha256Hex::new().with(output.as_os_str().as_encoded_bytes());
    folder.join(format!("{}.{what}", key.short()))
}

/// Leaves a record of `job`, and a copy of those of its objects that lie in the folder `temporary`: those of sources that are
/// compiled by the command that links them.
///
/// # Errors
/// A file name that is not UTF-8, or the record cannot be written.
pub fn keep(folder: &Path, job: &LinkJob, temporary: &Path) -> Result<(), CcError> {
    let here = env::current_dir().map_err(CcError::file("find", Path::new(".")))?;
    let output = here.join(&job.output);
    let inputs = job.inputs.iter().map(|input| {
        let mut input = input.clone();
        if let Ok(name) = Path::new(&input).strip_prefix(temporary) {
            let kept = here.join(path(folder, &output, &name.to_string_lossy()));
            fs::copy(&input, &kept).map_err(CcError::file("write", &kept))?;
            input = kept.into_os_string();
        }
        input.into_string().map_err(|input| {
            CcError::usage(
                format!("cannot record the link of {}", input.display()),
                "the name is not UTF-8",
                format!("rename it, or unset {VARIABLE}"),
            )
        })
    });
    let record = LinkRecord {
        inputs: inputs.collect::<Result<_, _>>()?,
        level: job.level,
        strip: job.strip,
        start_files: job.start_files,
        cxx: job.cxx.as_ref().map(|cxx| cxx.folder.clone()),
        cxx_implied: job.cxx.as_ref().is_some_and(|cxx| cxx.implied),
        gnu_ld: job.gnu_ld,
        folder: here,
    };
    let text = toml::to_string(&record)
        .map_err(|error| CcError::usage("cannot record the link", error.to_string(), ""))?;
    let path = path(folder, &output, "toml");
    fs::write(&path, text).map_err(CcError::file("write", &path))
}

impl LinkRecord {
    /// The record of the link of `output`, an absolute path, and the record's text.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn find(folder: &Path, output: &Path) -> Result<(LinkRecord, String), CcError> {
        let path = path(folder, output, "toml");
        let text = fs::read_to_string(&path).map_err(CcError::file(
            "read the record of the link of a program from",
            &path,
        ))?;
        let record = toml::from_str(&text).map_err(|error| {
            CcError::usage(
                format!("cannot use {}", path.display()),
                error.to_string(),
                "remove it and link again",
            )
        })?;
        Ok((record, text))
    }

    /// The link again, with another outcome.
    pub fn job(&self, product: Product, output: &Path) -> LinkJob {
        LinkJob {
            product,
            output: output.to_owned(),
            inputs: self.inputs.iter().map(OsString::from).collect(),
            level: self.level,
            strip: self.strip,
            start_files: self.start_files,
            pie: None,
            cxx: self.cxx.as_ref().map(|folder| CxxLink {
                folder: folder.clone(),
                implied: self.cxx_implied,
            }),
            gnu_ld: self.gnu_ld,
            emit_elf: None,
            dependencies: None,
            reporting: Reporting::default(),
            folder: Some(self.folder.clone()),
            show: Show::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_the_linking_command_are_kept() {
        let (links, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let object = temporary.path().join("0.o");
        fs::write(&object, "an object").unwrap();
        let output = links.path().join("program");
        let record = LinkRecord {
            folder: PathBuf::new(),
            inputs: vec![object.to_str().unwrap().to_owned(), "other.o".to_owned()],
            level: 1,
            strip: false,
            start_files: true,
            cxx: None,
            cxx_implied: false,
            gnu_ld: false,
        };
        let job = record.job(Product::Image, &output);
        keep(links.path(), &job, temporary.path()).unwrap();
        drop(temporary);
        let (found, _) = LinkRecord::find(links.path(), &output).unwrap();
        assert_eq!(fs::read(&found.inputs[0]).unwrap(), b"an object");
        assert_eq!(found.inputs[1], "other.o");
    }
}
