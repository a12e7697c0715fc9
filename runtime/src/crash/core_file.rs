//! An ELF core file of an instance: registers, signal, and all memory that the program has written. gdb opens it beside the image, which
//! has code and constants.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use zvm_abi::layout;

use super::snapshot::{Snapshot, joined};
use crate::record::{Fault, RIP, RSP};

const EHDR: u64 = 64;
const PHDR: u64 = 56;
/// Most ranges of memory: an ELF header can count so many program headers, and one more.
const SEGMENTS: usize = 64_999;
/// Bytes copied at a time.
const BLOCK: usize = 1 << 20;

/// Writes it, whole or not at all.
///
/// # Errors
/// The host's.
pub fn write(path: &Path, program: &Path, fault: &Fault, snapshot: &Snapshot) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let temporary = tempfile::Builder::new()
        .prefix(".core-")
        .tempfile_in(folder)?;
    fill(temporary.as_file(), program, fault, snapshot)?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn fill(file: &File, program: &Path, fault: &Fault, snapshot: &Snapshot) -> io::Result<()> {
    // Gaps that are filled are zeros.
    let ranges = joined(&snapshot.ranges()?, 0, SEGMENTS, |_, _| true);
    let notes = notes(program, fault);
    let count = ranges.len() + 1;
    let notes_at = EHDR + PHDR * count as u64;
    let data_at = (notes_at + notes.len() as u64).next_multiple_of(layout::PAGE);

    let mut out = BufWriter::new(file);
    out.write_all(&header(count as u16))?;
    out.write_all(&segment(4, 0, notes_at, 0, notes.len() as u64, 4))?;
    let mut offset = data_at;
    for &(start, end) in &ranges {
        // PT_LOAD, R and W.
        out.write_all(&segment(1, 6, offset, start, end - start, layout::PAGE))?;
        offset += end - start;
    }
    out.write_all(&notes)?;
    out.seek(SeekFrom::Start(data_at))?;
    let mut block = vec![0; BLOCK];
    for (start, end) in ranges {
        let mut at = start;
        while at < end {
            let size = (end - at).min(BLOCK as u64) as usize;
            snapshot.read(&mut block[..size], at)?;
            out.write_all(&block[..size])?;
            at += size as u64;
        }
    }
    out.flush()
}

fn header(segments: u16) -> Vec<u8> {
    let mut out = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for half in [4u16, 62] {
        // ET_CORE, EM_X86_64
        out.extend(half.to_le_bytes());
    }
    out.extend(1u32.to_le_bytes());
    for word in [0u64, EHDR, 0] {
        out.extend(word.to_le_bytes());
    }
    out.extend(0u32.to_le_bytes());
    for half in [EHDR as u16, PHDR as u16, segments, 0, 0, 0] {
        out.extend(half.to_le_bytes());
    }
    out
}

fn segment(kind: u32, rights: u32, offset: u64, address: u64, size: u64, align: u64) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(kind.to_le_bytes());
    out.extend(rights.to_le_bytes());
    let memory = if kind == 1 { size } else { 0 };
    for word in [offset, address, 0, size, memory, align] {
        out.extend(word.to_le_bytes());
    }
    out
}

/// The kernel's structures `elf_prpsinfo`, `elf_prstatus` and `siginfo`.
fn notes(program: &Path, fault: &Fault) -> Vec<u8> {
    let mut out = Vec::new();
    let name = program.file_name().unwrap_or_default().as_encoded_bytes();
    let mut info = vec![0; 136];
    put(&mut info, 40, &name[..name.len().min(15)]);
    put(&mut info, 56, &name[..name.len().min(79)]);
    note(&mut out, 3, &info);

    let mut status = vec![0; 336];
    put(&mut status, 0, &fault.signal.to_le_bytes());
    put(&mut status, 4, &fault.code.to_le_bytes());
    put(&mut status, 12, &(fault.signal as u16).to_le_bytes());
    // Any number: gdb wants one.
    put(&mut status, 32, &1u32.to_le_bytes());
    let [
        rax,
        rbx,
        rcx,
        rdx,
        rsi,
        rdi,
        rbp,
        rsp,
        r8,
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
        rip,
        flags,
    ] = fault.registers;
    debug_assert_eq!((rsp, rip), (fault.registers[RSP], fault.registers[RIP]));
    /// Selectors of user code and data in 64-bit mode.
    const CS: u64 = 0x33;
    const SS: u64 = 0x2b;
    let registers = [
        r15,
        r14,
        r13,
        r12,
        rbp,
        rbx,
        r11,
        r10,
        r9,
        r8,
        rax,
        rcx,
        rdx,
        rsi,
        rdi,
        u64::MAX,
        rip,
        CS,
        flags,
        rsp,
        SS,
        0,
        fault.gs_base,
    ];
    for (index, value) in registers.iter().enumerate() {
        put(&mut status, 112 + index * 8, &value.to_le_bytes());
    }
    note(&mut out, 1, &status);

    let mut signal = vec![0; 128];
    put(&mut signal, 0, &fault.signal.to_le_bytes());
    put(&mut signal, 8, &fault.code.to_le_bytes());
    put(&mut signal, 16, &fault.address.to_le_bytes());
    note(&mut out, 0x5349_4749, &signal);
    out
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn note(out: &mut Vec<u8>, kind: u32, bytes: &[u8]) {
    const OWNER: &[u8] = b"CORE\0\0\0\0";
    for word in [5, bytes.len() as u32, kind] {
        out.extend(word.to_le_bytes());
    }
    out.extend(OWNER);
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(4), 0);
}
