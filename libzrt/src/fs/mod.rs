//! Files: a tree of nodes in memory, whose regular files may still lie in mapped tar images.
//!
//! Mounts are grafted into one tree: the directory entry at a mount's point names the mount's root, and every node knows
//! its mount. Descriptors refer to open files, open files to nodes; a node lives as long as it has a name or is open.

pub(crate) mod calls;
mod contents;
mod directory;
mod epoll;
mod event;
mod export;
mod files;
mod path;
mod pipe;
mod proc;
mod setup;
pub(crate) mod socket;
pub mod tar;
mod tar_index;
mod tree;

pub use contents::Contents;
pub use directory::{Directory, Entry};
pub use epoll::{EDGE, EXCLUSIVE, Epoll, MANNER, ONE_SHOT, WAKE_UP, Watch, Watcher, Watchers};
pub use event::{Event, Timer};
pub use files::{Files, Held, OpenFile, flag, seal};
pub use path::{DESCRIPTOR, Found, Last, NAME_MAX, PATH_MAX, resolve, resolve_made};
pub use pipe::Pipe;
pub use socket::{Outside, Ports, Socket};
pub use tar_index::Unread;
pub use tree::{Device, Generated, Kind, Mount, Node, NodeId, Time, Tree};
