//! Words for `results.json` that are the same whenever a test fails in the same way: without what a run alone knows, its folders,
//! addresses and times.

use std::sync::LazyLock;

use regex::Regex;

/// What differs from run to run, and what stands for it.
static CHANGING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let all = [
        // The folder of the port, and those of a run: natively they are what `/suite` and `/tmp` are in the sandbox.
        (r#"/[^\s'":]*/ports/[a-z0-9]+-[0-9a-f]{16}\b"#, "{port}"),
        (r#"/[^\s'":]*/\.tmp\w{6}/files\b"#, "/suite"),
        (r#"/[^\s'":]*/\.tmp\w{6}/run-\d+\b"#, "/tmp"),
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

/// The text without what a run alone knows.
pub fn stable(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, stands) in CHANGING.iter() {
        if pattern.is_match(&text) {
            text = pattern.replace_all(&text, *stands).into_owned();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_say_the_same() {
        let say = |scratch: &str, number: u32, address: u32, time: &str| {
            stable(&format!(
                "'/home/me/ports/x-{address:016x}/x.zvm' in {scratch}/files/a.php:12: {scratch}/run-{number}/x @test_{number}_tmp {address:#x} took {time}; clone(56) 0x1200011 = 3.14 of 2013"
            ))
        };
        let one = say("/tmp/.tmpAbC123", 32409, 0xffff_b158, "2.0994415283203");
        assert_eq!(
            one,
            "'{port}/x.zvm' in /suite/a.php:12: /tmp/x @test_…_tmp 0x… took ….…; clone(56) 0x1200011 = 3.14 of 2013"
        );
        assert_eq!(
            one,
            say("/var/tmp/.tmpZz0000", 7, 0x10a5_5ff8, "9.999999e-07")
        );
        assert_eq!(one, stable(&one));
    }
}
