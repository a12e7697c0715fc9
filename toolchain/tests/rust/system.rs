// Files, directories, environment, arguments, input, time, threads' local storage.
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};
use std::{env, fs};

thread_local! {
    static COUNTER: Cell<u32> = const { Cell::new(40) };
}

fn main() -> io::Result<()> {
    println!("{:?} {:?}", env::args().skip(1).collect::<Vec<_>>(), env::var("COLOUR"));
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let rest: Vec<String> = io::stdin().lines().collect::<Result<_, _>>()?;
    println!("{line:?} {rest:?}");
    let folder = env::temp_dir().join(format!("zvm-rust-{}", std::process::id()));
    fs::create_dir_all(folder.join("a/b"))?;
    let path = folder.join("a/file.txt");
    let mut file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
    for n in 0..1000 {
        writeln!(file, "line {n}")?;
    }
    file.seek(SeekFrom::Start(5))?;
    let mut three = [0; 3];
    file.read_exact(&mut three)?;
    println!("{three:?} {}", file.metadata()?.len());
    let sum: usize = BufReader::new(fs::File::open(&path)?).lines().map(|line| line.unwrap().len()).sum();
    println!("{sum}");
    fs::rename(&path, folder.join("a/b/moved"))?;
    fs::copy(folder.join("a/b/moved"), folder.join("copy"))?;
    let mut names: Vec<_> = fs::read_dir(folder.join("a/b"))?.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    println!("{names:?} {} {}", folder.join("copy").exists(), path.exists());
    println!("{:?}", fs::remove_dir(folder.join("a")).map_err(|error| error.kind()));
    println!("{:?}", fs::read_to_string(folder.join("none")).map_err(|error| error.kind()));
    fs::remove_dir_all(&folder)?;
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(20));
    println!("{}", start.elapsed() >= Duration::from_millis(20));
    COUNTER.with(|counter| counter.set(counter.get() + 2));
    println!("{}", COUNTER.get());
    io::stderr().write_all(b"done\n")
}
//#args: one two
//#env: COLOUR=blue
//#stdin: first\nsecond\nthird\n
