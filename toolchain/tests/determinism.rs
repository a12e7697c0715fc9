//! Equal programs, inputs and seeds give equal reports: a program of everything that usually differs from run to run, with
//! surroundings that differ on purpose. `ZVM_DETERMINISM_RUNS` says how often; the book's claim is for 100.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = r#"
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>
#include <sys/stat.h>
#include <unistd.h>

using Clock = std::chrono::system_clock;

static long nanoseconds() { return Clock::now().time_since_epoch().count(); }

int main(int argc, char **argv) {
    std::mutex lock;
    std::condition_variable turn;
    std::vector<std::string> log;
    // The keys are addresses: the order of the map is the order of the heap.
    std::unordered_map<const void *, long> places;
    std::unordered_map<std::string, double> sums;
    std::vector<std::unique_ptr<std::vector<char>>> heap;
    std::vector<std::thread> threads;
    int ready = 0;
    for (int number = 0; number < 8; number++)
        threads.emplace_back([&, number] {
            std::random_device entropy;
            std::mt19937_64 random(entropy());
            for (int round = 0; round < 50; round++) {
                double value = std::sin(random() % 1000 / 7.0) * std::exp(-round / 9.0) + std::pow(round + 1.5, 0.3);
                float narrow = float(value) * 3.1f / float(number + 1);
                std::unique_lock<std::mutex> held(lock);
                heap.push_back(std::make_unique<std::vector<char>>(random() % 5000 + 1));
                places[heap.back()->data()] = nanoseconds();
                sums[std::to_string(random() % 20)] += narrow;
                char text[200];
                snprintf(text, sizeof text, "%d.%d %.17g %a %p", number, round, value, narrow, (void *)heap.back()->data());
                log.push_back(text);
                if (random() % 5 == 0) std::this_thread::yield();
                if (random() % 11 == 0) {
                    held.unlock();
                    std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
                }
            }
            std::lock_guard<std::mutex> held(lock);
            if (++ready == 8) turn.notify_all();
        });
    {
        std::unique_lock<std::mutex> held(lock);
        turn.wait_for(held, std::chrono::seconds(5), [&] { return ready == 8; });
    }
    for (auto &thread : threads) thread.join();
    for (auto &line : log) puts(line.c_str());
    for (auto &[place, time] : places) printf("%p %ld\n", place, time);
    for (auto &[name, sum] : sums) printf("%s %.17g\n", name.c_str(), sum);
    std::ofstream("/tmp/file") << "text";
    struct stat st;
    stat("/tmp/file", &st);
    stat(argv[0], &st);
    printf("%ld %ld.%ld pid %d %p %p %zu\n", (long)st.st_ino, (long)st.st_mtim.tv_sec, (long)st.st_mtim.tv_nsec, getpid(), (void *)&st,
           (void *)argv, std::hash<std::thread::id>()(std::this_thread::get_id()));
    for (char **variable = environ; *variable; variable++) puts(*variable);
    printf("%ld cpus, %ld ns, %ld clock\n", sysconf(_SC_NPROCESSORS_ONLN), nanoseconds(), (long)clock());
}
"#;

/// Digests, and what the program wrote.
fn run(folder: &Path, round: usize) -> (String, Vec<u8>) {
    let report = folder.join(format!("report{round}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_zvm"));
    command
        .env("SURROUNDINGS", "x".repeat(round * 37))
        .current_dir([folder, Path::new("/")][round % 2])
        .args(["run", "--report"])
        .arg(&report)
        .arg(folder.join("program.zvm"));
    if round % 3 == 1 {
        // As `nice` and `setarch --addr-no-randomize` would start it.
        let shell = "exec setarch --addr-no-randomize nice -n 5 \"$0\" \"$@\"";
        let mut other = Command::new("sh");
        other
            .args(["-c", shell])
            .arg(command.get_program())
            .args(command.get_args());
        other.env("SURROUNDINGS", "y");
        command = other;
    }
    command.arg0("zvm");
    let output = command.output().expect("zvm starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let report = fs::read_to_string(report).expect("a report");
    (
        report.lines().nth(3).expect("digests").to_owned(),
        output.stdout,
    )
}

#[test]
fn equal_runs_give_equal_reports() {
    let temp = tempfile::tempdir().expect("a folder");
    let source = temp.path().join("program.cpp");
    fs::write(&source, PROGRAM).expect("the source");
    let image = temp.path().join("program.zvm");
    let built = Command::new(env!("CARGO_BIN_EXE_zvm-cxx"))
        .args(["-std=c++17", "-O2"])
        .arg(&source)
        .arg("-o")
        .arg(&image)
        .status()
        .expect("zvm-cxx starts");
    assert!(built.success());

    let runs =
        std::env::var("ZVM_DETERMINISM_RUNS").map_or(6, |text| text.parse().expect("a number"));
    let (digests, output) = run(temp.path(), 0);
    for word in ["/dev/stdin ", "/dev/stdout ", "/dev/memory "] {
        assert!(digests.contains(word), "{digests}");
    }
    assert!(output.len() > 10_000, "the program did its work");
    for round in 1..runs {
        let (other, text) = run(temp.path(), round);
        assert!(text == output, "run {round} wrote something else");
        assert_eq!(other, digests, "run {round}");
    }
    println!("{runs} runs: {digests}");

    // What makes a difference does.
    let report = temp.path().join("report");
    let seeded = Command::new(env!("CARGO_BIN_EXE_zvm"))
        .args(["run", "--seed", "1", "--report"])
        .arg(&report)
        .arg(&image)
        .output()
        .expect("zvm starts");
    assert!(seeded.status.success() && seeded.stdout != output);
}
