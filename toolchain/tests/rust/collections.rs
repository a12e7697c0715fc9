// Collections, iterators, closures, trait objects, formatting, strings, sorting, arithmetic.
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::rc::Rc;

trait Shape {
    fn area(&self) -> f64;
    fn name(&self) -> String {
        "shape".into()
    }
}
struct Square(f64);
struct Circle {
    radius: f64,
}
impl Shape for Square {
    fn area(&self) -> f64 {
        self.0 * self.0
    }
    fn name(&self) -> String {
        format!("square of {}", self.0)
    }
}
impl Shape for Circle {
    fn area(&self) -> f64 {
        self.radius * self.radius * std::f64::consts::PI
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Token {
    Number(i64),
    Word(String),
    Open,
    Close { depth: usize },
}

struct Matrix([[i32; 3]; 3]);
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|row| writeln!(f, "{:>4}{:>4}{:>4}", row[0], row[1], row[2]))
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut depth = 0;
    text.split_whitespace()
        .map(|word| match word {
            "(" => {
                depth += 1;
                Token::Open
            }
            ")" => {
                depth -= 1;
                Token::Close { depth }
            }
            word => word.parse().map_or_else(|_| Token::Word(word.to_owned()), Token::Number),
        })
        .collect()
}

fn compose(list: Vec<Box<dyn Fn(i64) -> i64>>) -> impl Fn(i64) -> i64 {
    move |x| list.iter().fold(x, |x, f| f(x))
}

fn main() {
    let text = "the quick brown fox ( jumps over 13 ( lazy -7 ) dogs ) the end";
    let tokens = tokens(text);
    println!("{tokens:?}");
    let unique: HashSet<_> = tokens.iter().cloned().collect();
    let mut sorted: Vec<_> = unique.into_iter().collect();
    sorted.sort();
    println!("{sorted:?}");
    let mut counts: HashMap<char, usize> = HashMap::new();
    text.chars().filter(|c| c.is_alphabetic()).for_each(|c| *counts.entry(c).or_default() += 1);
    let ordered: BTreeMap<_, _> = counts.iter().map(|(c, n)| ((std::cmp::Reverse(*n), *c), *c)).collect();
    println!("{:?}", ordered.values().take(5).collect::<String>());
    let mut heap: BinaryHeap<_> = (0..20_u64).map(|n| n.wrapping_mul(2654435761) % 1009).collect();
    let mut queue = VecDeque::new();
    while let Some(top) = heap.pop() {
        if top % 2 == 0 { queue.push_front(top) } else { queue.push_back(top) }
    }
    println!("{queue:?}");
    let shapes: Vec<Rc<dyn Shape>> = vec![Rc::new(Square(3.0)), Rc::new(Circle { radius: 1.5 }), Rc::new(Square(0.5))];
    for shape in &shapes {
        println!("{:<16}|{:>10.4}|{:^+12.2e}|", shape.name(), shape.area(), shape.area());
    }
    let offset = 5;
    let f = compose(vec![Box::new(|x| x * 3), Box::new(move |x| x + offset), Box::new(|x| x.pow(2))]);
    println!("{} {}", f(1), f(-2));
    print!("{}", Matrix([[1, -2, 3], [40, 50, 60], [-700, 8, 9]]));
    println!("{:#?}", Token::Close { depth: 2 });
    println!("{:08.3} {:#010x} {:#b} {:e} {:?} {:?}", -3.14159, 48879, 5, 123456.0, f64::NAN, 0.1 + 0.2);
    println!("{:?} {:?}", "ünïcödé".to_uppercase(), "a,b,,c".split(',').rev().collect::<Vec<_>>());
    println!("{:?} {:?} {:?}", i32::MAX.checked_add(1), 200_u8.saturating_add(100), 5_i8.overflowing_mul(100));
    println!("{} {}", u128::MAX / 3, (-7_i128).rem_euclid(3));
    let windows: Vec<i32> = [3, 1, 4, 1, 5, 9, 2, 6].windows(3).map(|w| w.iter().sum()).collect();
    println!("{windows:?} {:?}", windows.iter().max_by_key(|&&n| n % 11));
    let mut big: Vec<u32> = (0..100_000).map(|n: u32| n.wrapping_mul(2246822519).rotate_left(13)).collect();
    big.sort_unstable();
    println!("{} {}", big[777], big.binary_search(&big[5000]).unwrap());
    let (even, odd): (Vec<_>, Vec<_>) = (1..10).partition(|n| n % 2 == 0);
    println!("{even:?} {odd:?} {:?}", even.iter().zip(&odd).map(|(a, b)| a * b).collect::<Vec<i32>>());
}
