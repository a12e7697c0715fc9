// Threads of the standard library: scoped, channels, locks, parking, panics, thread-local destructors.
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Barrier, Condvar, LazyLock, Mutex, Once, RwLock};
use std::thread;
use std::time::{Duration, Instant};

static DROPPED: AtomicUsize = AtomicUsize::new(0);
static TABLE: LazyLock<HashMap<u32, &str>> = LazyLock::new(|| HashMap::from([(1, "one"), (2, "two")]));

struct Counted(usize);

impl Drop for Counted {
    fn drop(&mut self) {
        DROPPED.fetch_add(self.0, Ordering::SeqCst);
    }
}

thread_local! {
    static LOCAL: RefCell<Counted> = const { RefCell::new(Counted(0)) };
}

fn main() {
    let total = Arc::new(Mutex::new(0));
    let threads: Vec<_> = (0..16)
        .map(|n| {
            let total = total.clone();
            thread::Builder::new().name(format!("worker-{n}")).spawn(move || {
                LOCAL.with(|local| local.borrow_mut().0 = n);
                for _ in 0..100 {
                    *total.lock().unwrap() += n;
                }
                thread::current().name().unwrap().len()
            })
        })
        .collect();
    let names: usize = threads.into_iter().map(|thread| thread.unwrap().join().unwrap()).sum();
    println!("{names} {} {}", total.lock().unwrap(), DROPPED.load(Ordering::SeqCst));

    let mut data = vec![0_u64; 1000];
    thread::scope(|scope| {
        for (index, part) in data.chunks_mut(100).enumerate() {
            scope.spawn(move || part.iter_mut().for_each(|value| *value = index as u64));
        }
    });
    println!("{}", data.iter().sum::<u64>());

    let (sender, receiver) = mpsc::sync_channel(3);
    let producers: Vec<_> = (0..4)
        .map(|n| {
            let sender = sender.clone();
            thread::spawn(move || (0..50).for_each(|i| sender.send(n * 100 + i).unwrap()))
        })
        .collect();
    drop(sender);
    println!("{}", receiver.iter().sum::<i32>());
    producers.into_iter().for_each(|thread| thread.join().unwrap());

    let (sender, receiver) = mpsc::channel::<()>();
    let start = Instant::now();
    let late = receiver.recv_timeout(Duration::from_millis(30)) == Err(RecvTimeoutError::Timeout);
    println!("{late} {}", start.elapsed() >= Duration::from_millis(30));
    drop(sender);

    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let other = pair.clone();
    let waiter = thread::spawn(move || {
        let guard = other.1.wait_while(other.0.lock().unwrap(), |ready| !*ready).unwrap();
        *guard
    });
    *pair.0.lock().unwrap() = true;
    pair.1.notify_all();
    println!("{}", waiter.join().unwrap());

    let parked = thread::spawn(|| {
        thread::park();
        thread::park_timeout(Duration::from_millis(5));
        "unparked"
    });
    parked.thread().unpark();
    println!("{}", parked.join().unwrap());

    let barrier = Arc::new(Barrier::new(5));
    let leaders = (0..5)
        .map(|_| {
            let barrier = barrier.clone();
            thread::spawn(move || barrier.wait().is_leader())
        })
        .collect::<Vec<_>>()
        .into_iter()
        .filter(|_| true)
        .map(|thread| thread.join().unwrap())
        .filter(|&leader| leader)
        .count();
    let (once, runs) = (Once::new(), AtomicUsize::new(0));
    let lock = RwLock::new(5);
    thread::scope(|scope| {
        for n in 0..8 {
            let (once, runs, lock) = (&once, &runs, &lock);
            scope.spawn(move || {
                once.call_once(|| _ = runs.fetch_add(1, Ordering::SeqCst));
                if n % 4 == 0 { *lock.write().unwrap() += 1 } else { assert!(*lock.read().unwrap() >= 5) }
                thread::yield_now();
                assert_eq!(TABLE[&2], "two");
            });
        }
    });
    println!("{leaders} {} {}", runs.load(Ordering::SeqCst), lock.read().unwrap());

    std::panic::set_hook(Box::new(|_| ()));
    let died = thread::spawn(|| panic!("on purpose")).join().unwrap_err();
    println!("{:?}", died.downcast_ref::<&str>());
}
