//! Hand-made cases, `cases/*.txt`: a line holds bytes in hex | verdict | what it is. The verdict is `ok`, or the rule
//! broken; `@2` to `@4` before it mean level V2 to V4. The rest of the bundle is hlt; `..` pads with one-byte nops, so that
//! what follows ends the bundle; `/` starts the next bundle.

use std::collections::BTreeMap;

use zvm_validator::{Level, bitmap_len, validate};

const BASE: u32 = 0x2_0000;

fn bytes(text: &str) -> Vec<u8> {
    let mut code = Vec::new();
    for bundle in text.split('/') {
        let (before, after) = bundle
            .split_once("..")
            .map_or((bundle, None), |(b, a)| (b, Some(a)));
        let hex = |part: &str| -> Vec<u8> {
            part.split_whitespace()
                .map(|b| u8::from_str_radix(b, 16).unwrap_or_else(|_| panic!("{b}")))
                .collect()
        };
        let (mut head, tail) = (hex(before), after.map(hex));
        match tail {
            Some(tail) => {
                head.resize(32 - tail.len(), 0x90);
                head.extend(tail);
            }
            None => head.resize(head.len().next_multiple_of(32), 0xF4),
        }
        code.extend(head);
    }
    code
}

#[test]
fn every_rule_is_kept_and_broken() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let (mut cases, mut wrong) = (0, Vec::new());
    let mut verdicts = BTreeMap::<String, usize>::new();
    for entry in std::fs::read_dir(directory).expect("tests/cases") {
        let text =
            std::fs::read_to_string(entry.expect("an entry").path()).expect("a readable file");
        for line in text
            .lines()
            .filter(|l| !l.is_empty() && !l.starts_with('#'))
        {
            let mut columns = line.splitn(3, '|').map(str::trim);
            let (Some(hex), Some(verdict), Some(what)) =
                (columns.next(), columns.next(), columns.next())
            else {
                panic!("three columns: {line}");
            };
            let (level, verdict) = match verdict.split_once(' ') {
                Some(("@2", verdict)) => (Level::V2, verdict),
                Some(("@3", verdict)) => (Level::V3, verdict),
                Some(("@4", verdict)) => (Level::V4, verdict),
                _ => (Level::V1, verdict),
            };
            let code = bytes(hex);
            let mut starts = vec![0; bitmap_len(code.len())];
            let actual = match validate(&code, BASE, level, &mut starts) {
                Ok(_) => "ok".to_owned(),
                Err(rejected) => format!("{:?}", rejected.rule),
            };
            if actual != verdict {
                wrong.push(format!("{what}: {actual}, expected {verdict} ({hex})"));
            }
            cases += 1;
            *verdicts.entry(verdict.to_owned()).or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases >= 500, "only {cases} cases were found");
    for rule in 1..=10 {
        let broken = verdicts.get(&format!("C{rule}")).copied();
        assert!(broken >= Some(10), "C{rule} is broken by {broken:?} cases");
    }
    assert!(verdicts.get("ok").copied() >= Some(150), "{verdicts:?}");
}
