//! Memory: the program's address space as system calls see it.

mod calls;
mod mapping;
mod memory;
pub mod pages;

pub(crate) use calls::{
    brk, madvise, mincore, mlock, mlockall, mmap, mprotect, mremap, msync, munlock, munmap, success,
};
pub(crate) use mapping::Part;
pub(crate) use memory::range_end;
pub use memory::{Memory, Plain, Region};
