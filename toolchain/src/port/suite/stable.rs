//! Words for `results.json` that are the same whenever a test fails in the same way: without what a run alone knows, its folders,
//! addresses and times.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// What differs from run to run, and what stands for it.
static CHANGING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let all = [
        // Python's temporary files, and the files of its tests, which have the process's number.
        (r"/tmp/tmp[0-9a-z_]{8}", "/tmp/…"),
        (r"@test_\d+_tmp", "@test_…_tmp"),
        // Addresses; flags are shorter.
        (r"\b0x[0-9a-f]{8,16}\b", "0x…"),
        // Digests, of a name that has the process's number in it for example.
        (r"\b[0-9a-f]{32}\b", "…"),
        // Times: a number with more digits behind its point than a person writes.
        (r"\b\d+\.\d{6,}(e-?\d+)?", "….…"),
    ];
    all.map(|(pattern, stands)| (Regex::new(pattern).expect("a right expression"), stands))
        .into()
});

/// The folders of a run, and what stands for each.
#[derive(Clone, Debug, Default)]
pub struct Stable {
    folders: Vec<(String, String)>,
}

impl Stable {
    /// Knows `folders`, and the name for each; one inside another comes before it.
    pub fn new(folders: &[(&Path, &str)]) -> Stable {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        Stable {
            folders: folders
                .iter()
                .map(|(folder, name)| (text(folder), (*name).to_owned()))
                .collect(),
        }
    }

    /// The text without what a run alone knows.
    pub fn of(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (folder, name) in &self.folders {
            text = text.replace(folder, name);
        }
        for (pattern, stands) in CHANGING.iter() {
            text = pattern.replace_all(&text, *stands).into_owned();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_say_the_same() {
        let say = |scratch: &str, number: u32, address: u32, time: &str| {
            let stable = Stable::new(&[
                (&Path::new(scratch).join("files"), "/suite"),
                (&Path::new(scratch).join("run-7"), "/tmp"),
            ]);
            stable.of(&format!(
                "{scratch}/files/a.php:12 {scratch}/run-7/x @test_{number}_tmp {address:#x} took {time}; clone(56) 0x1200011 = 3.14 of 2013"
            ))
        };
        let one = say("/tmp/.tmpAbC123", 32409, 0xffff_b158, "2.0994415283203");
        assert_eq!(
            one,
            "/suite/a.php:12 /tmp/x @test_…_tmp 0x… took ….…; clone(56) 0x1200011 = 3.14 of 2013"
        );
        assert_eq!(one, say("/tmp/.tmpZ", 7, 0x10a5_5ff8, "9.999999e-07"));
    }
}
