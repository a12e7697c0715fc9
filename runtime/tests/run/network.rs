//! Channels over TCP.

use std::net::{TcpListener, TcpStream};

use crate::*;

/// The tests of this file.
pub const TESTS: &[(&str, fn())] = &[
    ("bytes_and_their_end_pass", bytes_and_their_end_pass),
    (
        "a_writer_that_fails_is_no_end",
        a_writer_that_fails_is_no_end,
    ),
    ("forged_bytes_end_the_reader", forged_bytes_end_the_reader),
    ("a_reader_that_goes", a_reader_that_goes),
    ("strangers_are_sent_away", strangers_are_sent_away),
    ("nobody_there", nobody_there),
    ("two_nodes_by_name", two_nodes_by_name),
];

/// A port that was free a moment ago.
fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Copies channel 4, 64 bytes at a time, to stdout until `reads` reads are done; ends with the last one's result.
fn reader(reads: usize) -> File {
    let program = program(|p| {
        for _ in 0..reads {
            p.trap(trap::READ, [4, HEAP, 64, 0]);
            p.dump(HEAP, 16);
        }
        p.trap(trap::READ, [4, HEAP, 64, 0]);
        p.exit_rax();
    });
    File::new(&program.elf())
}

fn writer(end: impl FnOnce(&mut Program) -> &mut Program) -> File {
    let program = program(|p| {
        p.write(4, b"first, ").write(4, b"then this");
        end(p);
    });
    File::new(&program.elf())
}

fn start(file: &File, channel: &str, options: &[&str]) -> Child {
    let mut command = zvm();
    command.args(["run", "--timeout", "20", "--channel", channel]);
    command.args(options).arg(file.path()).spawn().unwrap()
}

fn ended(child: Child) -> Done {
    let output = child.wait_with_output().unwrap();
    Done {
        status: output.status.code().unwrap(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn reads(port: u16) -> String {
    format!("tcp:127.0.0.1:{port}, /dev/in/x, 0, 0, 99, 9999, 0, 0")
}

fn writes(port: u16) -> String {
    format!("tcp:127.0.0.1:{port}, /dev/out/x, 0, 0, 0, 0, 99, 9999")
}

fn bytes_and_their_end_pass() {
    let port = port();
    let (input, output) = (reader(2), writer(|p| p.exit(0)));
    let reports = tempfile::tempdir().unwrap();
    let report = |name: &str| reports.path().join(name).to_str().unwrap().to_owned();
    // Either side may be first.
    let first = start(&input, &reads(port), &["--report", &report("in")]);
    let second = start(&output, &writes(port), &["--report", &report("out")]);
    let first = ended(first);
    first.exits(0);
    ended(second).exits(0);
    assert!(first.stdout.starts_with(b"first, "), "{:?}", first.stdout);
    let lines = |name: &str| -> Vec<String> {
        let text = fs::read_to_string(report(name)).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    let (sent, got) = (lines("out"), lines("in"));
    let digest = |line: &str, alias: &str| {
        let mut words = line.split(' ').skip_while(|word| *word != alias);
        words.nth(1).unwrap().to_owned()
    };
    assert_eq!(
        digest(&sent[3], "/dev/out/x"),
        digest(&got[3], "/dev/in/x"),
        "what was sent is what came"
    );
    assert!(
        sent[4].ends_with(" 2 16"),
        "network bytes have columns of their own: {}",
        sent[4]
    );
}

fn a_writer_that_fails_is_no_end() {
    let port = port();
    let (input, output) = (reader(2), writer(|p| p.raw(&[0x0f, 0x0b])));
    let first = start(&input, &reads(port), &[]);
    ended(start(&output, &writes(port), &[])).says(132, "fault");
    ended(first).exits(minus(trap::errno::EIO));
}

/// A writer's side, spoken by hand.
fn speak(port: u16, bytes: &[&[u8]]) {
    let mut stream = loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) if stream.local_addr().unwrap() != stream.peer_addr().unwrap() => {
                break stream;
            }
            _ => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    };
    stream.write_all(&bytes.concat()).unwrap();
    // Until the reader has closed it.
    let _ = stream.read(&mut [0]);
}

const HELLO: &[u8] = b"ZVMCHAN1\0\0\0\0";

fn forged_bytes_end_the_reader() {
    let port = port();
    let input = reader(2);
    let child = start(&input, &reads(port), &[]);
    let digest = [7; 32];
    speak(port, &[HELLO, &[3, 0, 0, 0], b"abc", &[0; 4], &digest]);
    ended(child).says(
        32,
        "channel /dev/in/x: what came over the network is not what was sent",
    );
}

fn a_reader_that_goes() {
    let port = port();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let output = File::new(
        &program(|p| {
            // Waits for its input's end, by which the other side has gone.
            p.trap(trap::READ, [0, HEAP, 1, 0]);
            p.exit(0);
        })
        .elf(),
    );
    let mut command = zvm();
    command
        .args(["run", "--channel", &writes(port)])
        .arg(output.path());
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut hello = [0; HELLO.len()];
    stream.read_exact(&mut hello).unwrap();
    assert_eq!(hello, HELLO);
    #[allow(unsafe_code, reason = "std cannot reset a connection")]
    // SAFETY: the structure lives through the call.
    unsafe {
        let linger = libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        libc::setsockopt(
            std::os::fd::AsRawFd::as_raw_fd(&stream),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of::<libc::linger>() as libc::socklen_t,
        );
    }
    drop(stream);
    drop(child.stdin.take());
    ended(child).says(5, "channel /dev/out/x: the other end has gone");
}

fn strangers_are_sent_away() {
    let port = port();
    let input = reader(1);
    let child = start(&input, &reads(port), &[]);
    speak(port, &[b"GET / HTTP/1.1\r\n\r\n"]);
    let digest = blake3_of_abc();
    speak(port, &[HELLO, &[3, 0, 0, 0], b"abc", &[0; 4], &digest]);
    let done = ended(child);
    done.exits(0);
    assert!(done.stdout.starts_with(b"abc"));
}

/// The published digest.
fn blake3_of_abc() -> Vec<u8> {
    let hex = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn nobody_there() {
    let file = writer(|p| p.exit(0));
    for (channel, words) in [
        (reads(port()), "nobody connected"),
        (writes(port()), "Connection refused"),
    ] {
        let mut command = zvm();
        command.args(["run", "--timeout", "0.1", "--channel", &channel]);
        finish(command.arg(file.path())).says(5, words);
    }
}

/// Two nodes that write to each other, and know each other's number only.
fn two_nodes_by_name() {
    let mut server = zvm()
        .args(["name-server", "--nodes", "2", "udp:127.0.0.1:0"])
        .spawn()
        .unwrap();
    let mut address = String::new();
    let stdout = server.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut address).unwrap();
    let file = File::new(
        &program(|p| {
            p.write(4, b"to the other");
            p.trap(trap::READ, [5, HEAP, 64, 0]);
            p.dump(HEAP, 12).exit(0);
        })
        .elf(),
    );
    let child = |node: u32, other: u32| {
        let text = format!(
            "Version = 20130611\nProgram = {}\nMemory = 33554432, 0\nTimeout = 20\nNode = {node}\n\
             NameServer = {address}\
             Channel = /dev/null, /dev/stdin, 0, 0, 9, 9, 0, 0\n\
             Channel = {out}, /dev/stdout, 0, 0, 0, 0, 99, 999\n\
             Channel = /dev/null, /dev/stderr, 0, 0, 0, 0, 99, 999\n\
             Channel = tcp:{other}:, /dev/out/{other}, 0, 0, 0, 0, 99, 999\n\
             Channel = tcp:{other}:, /dev/in/{other}, 0, 0, 99, 999, 0, 0\n",
            file.path().display(),
            out = file.0.path().join(format!("out{node}")).display(),
        );
        let manifest = file.0.path().join(format!("manifest{node}"));
        fs::write(&manifest, text).unwrap();
        zvm().arg("manifest").arg(manifest).spawn().unwrap()
    };
    let nodes = [child(1, 2), child(2, 1)];
    nodes.into_iter().for_each(|node| ended(node).exits(0));
    for node in [1, 2] {
        let out = file.0.path().join(format!("out{node}"));
        assert_eq!(fs::read(out).unwrap(), b"to the other");
    }
    server.kill().unwrap();
    server.wait().unwrap();
}
