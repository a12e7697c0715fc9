//! The user manifest: what the runtime tells the guest, read-only, at an address found in
//! [`crate::layout::MANIFEST_POINTER`]. ZeroVM's layout; pointers are 32 bits wide.

/// Most channels an instance may have (ZeroVM's limit).
pub const MAX_CHANNELS: usize = 10_914;
/// Largest tar image of a mount in bytes.
pub const MOUNT_BYTES: u64 = 3 << 30;
/// Largest tar that the guest may write back for one mount in bytes.
pub const EXPORT_BYTES: u64 = 4 << 30;

/// Head of the user manifest.
///
/// Behind the `channels_count` channels stands `u32 mapped_at[channels_count]`: the address at which the runtime mapped
/// the channel's bytes read-only, rounded up to whole pages, or 0 where it is not mapped (see [`Self::mapped_at`]).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserManifest {
    /// First byte of the memory that the guest may use as it likes: RW, zero at start, page-aligned.
    pub heap_ptr: u32,
    /// Its size in bytes, whole pages.
    pub heap_size: u32,
    /// Bytes of stack below [`crate::layout::STACK_TOP`].
    pub stack_size: u32,
    /// Number of channels.
    pub channels_count: u32,
    /// Address of the first [`Channel`].
    pub channels: u32,
    /// Keeps the channels 8-aligned when they follow the head; always 0.
    pub reserved: u32,
}

impl UserManifest {
    /// Address of `u32 mapped_at[channels_count]`.
    pub const fn mapped_at(&self) -> u32 {
        self.channels + self.channels_count * size_of::<Channel>() as u32
    }
}

/// Index into [`Channel::limits`].
pub mod limit {
    /// How many Read traps.
    pub const GETS: usize = 0;
    /// How many bytes read.
    pub const GET_SIZE: usize = 1;
    /// How many Write traps.
    pub const PUTS: usize = 2;
    /// How many bytes written.
    pub const PUT_SIZE: usize = 3;
}

/// [`Channel::kind`]: sequential read, sequential write.
pub const SEQUENTIAL: u32 = 0;
/// Random read, append-only write.
pub const RANDOM_READ: u32 = 1;
/// Sequential read, random write.
pub const RANDOM_WRITE: u32 = 2;
/// Random read and write.
pub const RANDOM: u32 = 3;

/// Alias of the channel that tells the host's clock, if the manifest asks for that: Read at an offset waits until the host's
/// monotonic clock shows that many nanoseconds, and gives two u64, nanoseconds since 1970 and of that monotonic clock.
pub const CLOCK: &str = "/dev/clock";
/// How the name of a channel begins that sockets reach by connecting to what follows: `NAME/PORT`, and `#` with more to tell
/// connections of one name apart.
pub const CONNECT: &str = "/dev/tcp/";
/// How the name of a channel begins that a socket gets by listening at what follows: `PORT`, and `#` as above.
pub const LISTEN: &str = "/dev/listen/";

/// One channel. 0, 1 and 2 are stdin, stdout and stderr. A channel with no gets cannot be read, with no puts not written.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// gets, get_size, puts, put_size; see [`limit`].
    pub limits: [i64; 4],
    /// Bytes at start; 0 where it has no size (a pipe, a terminal).
    pub size: i64,
    /// [`SEQUENTIAL`], [`RANDOM_READ`], [`RANDOM_WRITE`] or [`RANDOM`].
    pub kind: u32,
    /// Address of its alias, a NUL-terminated path such as `/dev/stdin`.
    pub name: u32,
}

const _: () = assert!(size_of::<UserManifest>() == 24 && align_of::<UserManifest>() == 4);
const _: () = assert!(size_of::<Channel>() == 48 && align_of::<Channel>() == 8);
