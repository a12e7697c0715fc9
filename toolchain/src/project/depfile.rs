//! Dependency files, as `-MD` writes them for make.

use std::path::PathBuf;

/// The prerequisites of the rule in `text`.
pub fn prerequisites(text: &str) -> Vec<PathBuf> {
    let Some((_, list)) = text.split_once(": ") else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    let mut path = String::new();
    let mut characters = list.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            // A line that goes on.
            ('\\', Some('\n')) => {}
            ('\\', Some(&next @ (' ' | '#' | '\\'))) => {
                path.push(next);
                characters.next();
            }
            ('$', Some('$')) => {
                path.push('$');
                characters.next();
            }
            (' ' | '\n' | '\t', _) => {
                if !path.is_empty() {
                    paths.push(PathBuf::from(std::mem::take(&mut path)));
                }
            }
            _ => path.push(character),
        }
    }
    if !path.is_empty() {
        paths.push(PathBuf::from(path));
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continued_lines_and_odd_names() {
        let text = "x.o: /a/b.c \\\n  /inc/with\\ blank.h /inc/dollar$$.h \\\n  /inc/hash\\#.h\n";
        let expected = [
            "/a/b.c",
            "/inc/with blank.h",
            "/inc/dollar$.h",
            "/inc/hash#.h",
        ]
        .map(PathBuf::from);
        assert_eq!(prerequisites(text), expected);
        assert!(prerequisites("").is_empty());
    }
}
