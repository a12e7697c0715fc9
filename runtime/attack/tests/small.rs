//! Small samples of the attacks; the `attack` command runs them at length.

use zvm_attack::processor::Canary;
use zvm_attack::{enumerate, hunt, mutate, processor};

/// The attacks that map the sandbox's addresses must not meet in one process.
static ADDRESSES: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ADDRESSES
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[test]
fn two_decoders_agree_with_what_is_accepted() {
    let findings = enumerate::run(2003, 0, &mut |_| {});
    let unexplained: Vec<String> = findings
        .unexplained
        .iter()
        .map(|(what, (example, times))| format!("{what}: {times} times, e.g. {example}"))
        .collect();
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    for counts in &findings.counts {
        println!(
            "{}: {} tried, {} accepted",
            counts.name, counts.tried, counts.accepted
        );
        // A validator that rejects everything would pass otherwise.
        assert!(counts.accepted > counts.tried / 2000, "{}", counts.name);
    }
}

#[test]
fn the_processor_agrees() {
    let _alone = alone();
    // The bench stays mapped: a process of its own.
    in_a_child(|| {
        let findings = processor::run(20_000, 7).expect("the addresses");
        assert!(findings.wrong.is_empty(), "{}", findings.wrong.join("\n"));
        assert!(findings.finished > findings.run / 2, "{findings:?}");
        assert!(findings.memory > findings.run / 100, "{findings:?}");
    });
}

#[test]
fn the_processor_s_bench_sees_what_the_validator_must_not_accept() {
    let _alone = alone();
    in_a_child(|| {
        // Without 67; rsp from a hostile register; too long and too short for what they claim.
        let seen = |code: &[u8]| {
            !processor::wrong_with(code, 200)
                .expect("the addresses")
                .is_empty()
        };
        assert!(seen(&[0x48, 0x8B, 0x03]), "mov (%rbx),%rax");
        assert!(seen(&[0x48, 0x89, 0xDC]), "mov %rbx,%rsp");
        assert!(seen(&[0x48, 0x0F, 0xAB, 0x04, 0x24]), "bts %rax,(%rsp)");
        assert!(seen(&[0xB8, 0, 0]), "a mov that is cut off");
        assert!(seen(&[0x90, 0x90]), "two nops as one");
        assert!(!seen(&[0x67, 0x48, 0x8B, 0x03]), "mov (%ebx),%rax");
    });
}

#[test]
fn no_random_program_escapes() {
    let _alone = alone();
    let findings = hunt::run(300, 3, &mut |_| {}).expect("the canary");
    assert!(findings.wrong.is_empty(), "{}", findings.wrong.join("\n"));
    assert!(
        findings.memory_faults > 0 && findings.rejected < findings.images / 10,
        "{findings:?}"
    );
}

#[test]
fn damaged_images_are_rejected_or_confined() {
    let _alone = alone();
    let findings = mutate::run(&hunt::sample(5), 1200, 10, 5).expect("an image");
    assert!(findings.wrong.is_empty(), "{}", findings.wrong.join("\n"));
    for (way, counts) in &findings.counts {
        assert!(
            counts.rejected > 0 && counts.tried == 200,
            "{way}: {counts:?}"
        );
    }
}

#[test]
fn a_touched_canary_shows() {
    let _alone = alone();
    let canary = Canary::new().expect("the canary");
    assert!(!canary.touched().expect("a size"));
    canary.touch();
    assert!(canary.touched().expect("a size"));
}

/// Runs `test` in a forked process; its panic is this one's.
fn in_a_child(test: fn()) {
    #[expect(unsafe_code, reason = "fork and waitpid")]
    // SAFETY: the child runs the test on this thread's copy and ends without destructors.
    let status = unsafe {
        let pid = libc::fork();
        assert!(pid >= 0);
        if pid == 0 {
            let ok = std::panic::catch_unwind(test).is_ok();
            libc::_exit(i32::from(!ok));
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(pid, &raw mut status, 0), pid);
        status
    };
    assert_eq!(status, 0, "see the output above");
}
