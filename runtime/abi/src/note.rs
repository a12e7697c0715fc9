//! The note that makes an ELF file an image: what the code was rewritten for.

/// Owner of the note, in `PT_NOTE`.
pub const OWNER: &str = "ZVM";
/// Type of the note; its descriptor is one [`ImageNote`].
pub const TYPE: u32 = 1;
/// Version of the contract in ARCHITECTURE.md that an image keeps.
pub const VERSION: u32 = 1;

/// The note's descriptor.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageNote {
    /// [`VERSION`].
    pub version: u32,
    /// 1 to 4: the image's code is x86-64-v1 … v4 and nothing above.
    pub level: u32,
}

const _: () = assert!(size_of::<ImageNote>() == 8);

/// The bytes of padding in an image's `e_ident` (from offset 9 on): a kernel that is to start images directly (binfmt_misc) tells them by
/// these. Nobody else looks at them.
pub const MARK: [u8; 7] = *b"ZVM\0\0\0\0";
