//! The recipes, which are part of the program: `sysroot/ports` at the time it was built. A folder in `ZVM_PORTS` goes before
//! them: recipes of one's own, or changed ones.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use super::recipe::Recipe;
use crate::problem::problem;

macro_rules! recipe {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../sysroot/ports/", $name, "/port.toml")),
        )
    };
}

/// Name and `port.toml` of each port, libraries first.
const RECIPES: &[(&str, &str)] = &[
    recipe!("zlib"),
    recipe!("bzip2"),
    recipe!("xz"),
    recipe!("zstd"),
    recipe!("expat"),
    recipe!("ncurses"),
    recipe!("libedit"),
    recipe!("libffi"),
    recipe!("openssl"),
    recipe!("sqlite"),
    recipe!("libxml2"),
    recipe!("oniguruma"),
    recipe!("lua"),
    recipe!("quickjs"),
    recipe!("python"),
    recipe!("php"),
    recipe!("posixtestsuite"),
];

/// A recipe and its text.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Read.
    pub recipe: Recipe,
    /// As written.
    pub text: Cow<'static, str>,
}

/// What a recipe says about using what is built, which is no reason to build again.
const ABOUT_USE: &[&str] = &[
    "about", "version", "license", "program", "pack", "run", "smoke", "suite", "bench", "snapshot",
];

impl Entry {
    /// The recipe's sources and steps, in one form whatever their order and comments.
    ///
    /// # Errors
    /// None for a recipe that was read.
    pub fn built_from(&self) -> Result<String> {
        let mut table: toml::Table = toml::from_str(&self.text)?;
        for key in ABOUT_USE {
            table.remove(*key);
        }
        Ok(toml::to_string(&table)?)
    }
}

/// The port called `name`.
///
/// # Errors
/// There is none of that name, or its recipe is wrong.
pub fn find(name: &str) -> Result<Entry> {
    let own = env::var_os("ZVM_PORTS").map(PathBuf::from);
    find_in(own.as_deref(), name)
}

fn find_in(own: Option<&Path>, name: &str) -> Result<Entry> {
    let path = own.map(|folder| folder.join(name).join("port.toml"));
    let (path, text) = if let Some(path) = path.filter(|path| path.is_file()) {
        let text = fs::read_to_string(&path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        (path, Cow::Owned(text))
    } else if let Some((_, text)) = RECIPES.iter().find(|(known, _)| *known == name) {
        let path = Path::new("sysroot/ports").join(name).join("port.toml");
        (path, Cow::Borrowed(*text))
    } else {
        return Err(problem(
            format!("there is no port `{name}`"),
            "see `cargo zvm port list`; ZVM_PORTS names a folder with recipes of your own",
        ));
    };
    let recipe = Recipe::parse(&text).with_context(|| path.display().to_string())?;
    if *recipe.name != *name {
        bail!("{} calls itself `{}`", path.display(), &*recipe.name);
    }
    Ok(Entry { recipe, text })
}

/// All ports.
///
/// # Errors
/// A recipe is wrong.
pub fn all() -> Result<Vec<Entry>> {
    RECIPES.iter().map(|(name, _)| find(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_reads_and_its_dependencies_stand_before_it() {
        let entries = all().unwrap();
        assert!(entries.len() >= 4);
        for (index, entry) in entries.iter().enumerate() {
            for dep in &entry.recipe.deps {
                let known = entries[..index].iter().any(|e| *e.recipe.name == **dep);
                assert!(known, "{} needs {}", &*entry.recipe.name, &**dep);
            }
        }
        assert!(find("nothing").unwrap_err().to_string().contains("nothing"));
    }

    #[test]
    fn a_check_more_is_no_reason_to_build_again_and_a_step_is_one() {
        let entry = find("lua").unwrap();
        let with = |more: &str| Entry {
            text: format!("{}\n{more}", entry.text).into(),
            recipe: entry.recipe.clone(),
        };
        let built_from = entry.built_from().unwrap();
        let check = with("[[smoke]]\nargs = []\nstdout = ''\n");
        assert_eq!(check.built_from().unwrap(), built_from);
        let step = with("[[step]]\nname = 'more'\nrun = 'true'\n");
        assert_ne!(step.built_from().unwrap(), built_from);
    }

    #[test]
    fn a_recipe_of_one_s_own_goes_before_the_program_s() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("lua");
        fs::create_dir(&folder).unwrap();
        let (_, text) = RECIPES.iter().find(|(name, _)| *name == "lua").unwrap();
        let text = text.replacen("name = \"lua\"", "name = \"luna\"", 1);
        fs::write(folder.join("port.toml"), text).unwrap();
        let error = find_in(Some(dir.path()), "lua").unwrap_err().to_string();
        assert!(error.contains("calls itself `luna`"), "{error}");
        assert!(find_in(Some(dir.path()), "zlib").is_ok());
    }
}
