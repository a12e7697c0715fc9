//! The recipes, which are part of the program: `sysroot/ports` at the time it was built.

use anyhow::{Context, Result, bail};

use super::recipe::Recipe;

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
    recipe!("libffi"),
    recipe!("openssl"),
    recipe!("sqlite"),
    recipe!("lua"),
    recipe!("quickjs"),
    recipe!("python"),
];

/// A recipe and its text.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Read.
    pub recipe: Recipe,
    /// As written, which is part of what a build is known by.
    pub text: &'static str,
}

/// The port called `name`.
///
/// # Errors
/// There is none of that name, or its recipe is wrong.
pub fn find(name: &str) -> Result<Entry> {
    let Some((_, text)) = RECIPES.iter().find(|(known, _)| *known == name) else {
        let names: Vec<_> = RECIPES.iter().map(|(name, _)| *name).collect();
        bail!("no port `{name}`; there are {}", names.join(", "));
    };
    let recipe = Recipe::parse(text).with_context(|| format!("sysroot/ports/{name}/port.toml"))?;
    if *recipe.name != *name {
        bail!(
            "sysroot/ports/{name}/port.toml calls itself `{}`",
            &*recipe.name
        );
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
        assert!(find("nothing").unwrap_err().to_string().contains("zlib"));
    }
}
