//! Work that is done by several threads, with one result whatever they are.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many threads there will be, if there is work for them.
pub(crate) fn count() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// What `work` makes of each item, in their order, by as many threads as there are processors, each with a `worker`.
pub(crate) fn each<T: Sync, U: Send, W>(
    items: &[T],
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, &T) -> U + Sync,
) -> Vec<U> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<U>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let run = || {
        let mut worker = worker();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            let result = work(&mut worker, item);
            *results[at].lock().expect("no other thread has it") = Some(result);
        }
    };
    thread::scope(|scope| {
        for _ in 1..count().min(items.len()) {
            scope.spawn(run);
        }
        run();
    });
    let taken = |result: Mutex<Option<U>>| result.into_inner().ok().flatten();
    results.into_iter().filter_map(taken).collect()
}

#[cfg(test)]
mod tests {
    use super::each;

    #[test]
    fn results_come_in_order() {
        let items: Vec<u64> = (0..1000).collect();
        let squares = each(
            &items,
            || 0,
            |done: &mut u64, &item| {
                *done += 1;
                item * item
            },
        );
        assert!(
            squares
                .iter()
                .zip(&items)
                .all(|(square, item)| *square == item * item)
        );
        assert_eq!(squares.len(), items.len());
        assert!(each(&[], || (), |(), item: &u64| *item).is_empty());
    }
}
