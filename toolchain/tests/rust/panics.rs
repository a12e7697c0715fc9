// Panics: caught, through frames with destructors, out of threads of control that libstd starts, with payloads.
use std::panic::{self, AssertUnwindSafe};

struct Trace(&'static str);
impl Drop for Trace {
    fn drop(&mut self) {
        print!("-{} ", self.0);
    }
}

#[inline(never)]
fn deep(n: u32, limit: u32) -> u32 {
    let text = "x".repeat(n as usize % 17);
    if n == limit {
        panic!("limit {limit}");
    }
    deep(n + 1, limit) + text.len() as u32
}

fn middle(kind: u32) -> u32 {
    let _outer = Trace("outer");
    let list = vec![1, 2, 3];
    let _inner = Trace("inner");
    match kind {
        0 => list[list.len()],
        1 => "12z".parse::<u32>().unwrap(),
        2 => None.expect("nothing there"),
        3 => panic::panic_any(77_u64),
        4 => list.iter().sum::<u32>() / (list[0] - 1),
        5 => deep(0, 300),
        _ => list.iter().sum(),
    }
}

fn main() {
    panic::set_hook(Box::new(|info| print!("[{}] ", info.location().is_some())));
    for kind in 0..7 {
        match panic::catch_unwind(|| middle(kind)) {
            Ok(value) => println!("{value}"),
            Err(payload) => {
                if let Some(text) = payload.downcast_ref::<String>() {
                    println!("{text}");
                } else if let Some(text) = payload.downcast_ref::<&str>() {
                    println!("{text}");
                } else {
                    println!("{:?}", payload.downcast_ref::<u64>());
                }
            }
        }
    }
    let mut count = 0;
    for round in 0..3000 {
        let caught = panic::catch_unwind(AssertUnwindSafe(|| {
            count += 1;
            if round % 3 == 0 {
                panic::resume_unwind(Box::new(round));
            }
        }));
        count += caught.is_err() as i32 * 10;
    }
    println!("{count}");
    let _ = panic::take_hook();
    std::process::exit(panic::catch_unwind(|| 7).unwrap());
}
//#status: 7
