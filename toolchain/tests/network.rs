//! Ordinary socket code and a peer on this machine: the same program natively and in the sandbox, with equal outputs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

const ZVM: &str = env!("CARGO_BIN_EXE_zvm");

/// `tests/network/program.c`, natively and as an image.
fn builds() -> &'static [PathBuf; 2] {
    static BUILDS: OnceLock<[PathBuf; 2]> = OnceLock::new();
    BUILDS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("network");
        std::fs::create_dir_all(&folder).expect("a folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/network/program.c");
        let build = |name: &str, options: &[&str]| {
            let output = folder.join(name);
            let built = Command::new(env!("CARGO_BIN_EXE_zvm-cc"))
                .args(options)
                .args(["-O1", "-Wall"])
                .arg(&source)
                .arg("-o")
                .arg(&output)
                .output()
                .expect("zvm-cc starts");
            let stderr = String::from_utf8_lossy(&built.stderr);
            assert!(built.status.success(), "{stderr}");
            output
        };
        [build("native", &["--native"]), build("image.zvm", &[])]
    })
}

fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts")
}

fn ended(child: Child) -> Output {
    child.wait_with_output().expect("it ends")
}

/// The sandboxed program `what` with so many connections to `peer` as `peer:7000`, and more options.
fn sandboxed(what: &str, port: u16, connections: usize, options: &[&str]) -> Command {
    let mut command = Command::new(ZVM);
    command.args(["run", "--timeout", "60"]).args(options);
    for _ in 0..connections {
        command.arg(format!("--connect=peer:7000=127.0.0.1:{port}"));
    }
    command.arg(&builds()[1]).args([what, "peer", "7000"]);
    command
}

fn line(mut stream: &TcpStream) -> String {
    // Byte by byte: what comes behind it is the next reader's.
    let mut line = String::new();
    let mut byte = [0];
    while stream.read(&mut byte).expect("a byte") == 1 && byte != *b"\n" {
        line.push(byte[0].into());
    }
    line
}

/// Runs `what` natively and sandboxed, each time with `peer` on the other end of its connections, and compares.
fn same(what: &str, connections: usize, peer: fn(Vec<TcpStream>)) -> String {
    let outputs = [false, true].map(|in_sandbox| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().unwrap().port();
        let serving = thread::spawn(move || {
            let accept = |_| listener.accept().expect("a connection").0;
            peer((0..connections).map(accept).collect());
        });
        let child = if in_sandbox {
            start(&mut sandboxed(what, port, connections, &[]))
        } else {
            start(Command::new(&builds()[0]).args([what, "127.0.0.1", &port.to_string()]))
        };
        let output = ended(child);
        serving.join().expect("the peer is content");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{what}: {stderr}{output:?}");
        String::from_utf8(output.stdout).expect("text")
    });
    let [native, sandboxed] = outputs;
    assert_eq!(native, sandboxed, "{what}: natively, and in the sandbox");
    sandboxed
}

/// Natively it depends on the machine's /etc/services.
#[test]
fn ports_have_names() {
    let output = ended(start(&mut sandboxed("names", 0, 0, &[])));
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text, "http 80\nhttps 443\ndomain 53\nntp 123\nsmtp 25\n");
}

#[test]
fn a_question_and_its_answer() {
    let output = same("ask", 1, |mut streams| {
        let mut stream = streams.remove(0);
        let question = line(&stream);
        write!(stream, "you asked {question}\nthat is all\n").unwrap();
    });
    assert!(output.contains("got you asked a question\ngot that is all\nthe end 1"));
}

#[test]
fn each_direction_ends_alone() {
    let output = same("half", 1, |mut streams| {
        let mut stream = streams.remove(0);
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        stream.write_all(&all).unwrap();
    });
    assert!(output.contains("7 one two 0"), "{output}");
}

#[test]
fn a_flood_without_a_blocking_read() {
    let output = same("flood", 1, |mut streams| {
        let mut stream = streams.remove(0);
        line(&stream);
        for piece in 0..50_u32 {
            let bytes: Vec<u8> = (0..40_000).map(|n| (n * 7 + piece) as u8).collect();
            stream.write_all(&bytes).unwrap();
            thread::sleep(Duration::from_millis(1));
        }
    });
    assert!(output.contains("2000000 bytes"), "{output}");
}

#[test]
fn the_first_is_answered_when_the_second_was_heard() {
    let output = same("cross", 2, |mut streams| {
        let words: Vec<_> = streams.iter().map(line).collect();
        for (stream, word) in streams.iter_mut().zip(words.iter().rev()) {
            thread::sleep(Duration::from_millis(20));
            writeln!(stream, "the other said {word}").unwrap();
        }
    });
    assert!(output.starts_with("the other said second\n"), "{output}");
}

#[test]
fn a_thread_that_waits_stops_no_other() {
    let output = same("threads", 2, |mut streams| {
        let words: Vec<_> = streams.iter().map(line).collect();
        for stream in &mut streams {
            writeln!(stream, "heard {}", words.len()).unwrap();
        }
    });
    assert_eq!(output, "0 0\n");
}

#[test]
fn a_silent_connection_stops_no_clock() {
    let output = same("both", 1, |mut streams| {
        let mut stream = streams.remove(0);
        line(&stream);
        stream.write_all(b"here\n").unwrap();
    });
    assert!(output.ends_with("waiting 1\nhere\n"), "{output}");
}

#[test]
fn a_peer_that_hangs_up() {
    same("reset", 1, |mut streams| {
        // Closed with something unread: the other end hears a reset.
        let mut byte = [0];
        streams.remove(0).read_exact(&mut byte).unwrap();
    });
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().unwrap().port()
}

#[test]
fn a_server() {
    let outputs = [false, true].map(|in_sandbox| {
        let port = free_port();
        let child = if in_sandbox {
            let listen = format!("--listen=80=127.0.0.1:{port}");
            start(
                Command::new(ZVM)
                    .args(["run", "--timeout", "60", &listen, &listen])
                    .arg(&builds()[1])
                    .args(["serve", "", "80"]),
            )
        } else {
            start(Command::new(&builds()[0]).args(["serve", "", &port.to_string()]))
        };
        let dial = || loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) if stream.local_addr().unwrap().port() != port => break stream,
                _ => thread::sleep(Duration::from_millis(5)),
            }
        };
        let streams = [dial(), dial()];
        for (mut stream, word) in streams.into_iter().zip(["one", "two"]) {
            writeln!(stream, "{word}").unwrap();
            let mut answer = String::new();
            BufReader::new(&stream).read_line(&mut answer).unwrap();
            assert_eq!(answer, format!("you said {word}\n"));
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).unwrap();
            assert!(rest.is_empty(), "it has closed its end");
        }
        let output = ended(child);
        assert!(output.status.success(), "{output:?}");
        output.stdout
    });
    assert_eq!(outputs[0], outputs[1]);
}

#[test]
fn what_no_channel_names_is_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().unwrap().port();
    let serving = thread::spawn(move || line(&listener.accept().expect("a connection").0));
    let options = ["--clock", "host", "--strace"];
    let output = ended(start(&mut sandboxed("nothing", port, 1, &options)));
    assert_eq!(serving.join().unwrap(), "done");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        stdout,
        "peer: Connection refused\n192.0.2.1: Network unreachable\npoll 0\nonce more: Connection refused\n"
    );
    let trace = String::from_utf8_lossy(&output.stderr);
    for shown in [
        "socket(AF_INET, SOCK_STREAM, 0) = 3",
        "connect(3, {sa_family=AF_INET, port=9, addr=198.18.0.1}, 16) = -1 ECONNREFUSED",
        "{sa_family=AF_INET, port=7000, addr=198.18.0.1}, 16) = 0",
    ] {
        assert!(trace.contains(shown), "{shown}\n{trace}");
    }
}

#[test]
fn nobody_at_the_address() {
    let output = ended(start(&mut sandboxed("ask", free_port(), 1, &[])));
    assert_eq!(output.status.code(), Some(5));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.starts_with("zvm: channel /dev/tcp/peer/7000: connect:127.0.0.1:")
            && stderr.contains("Connection refused"),
        "{stderr}"
    );
}
