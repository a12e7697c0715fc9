//! Instructions that ask the machine or the kernel for something: libzrt answers instead. And those that nothing can answer.

use iced_x86::{Code, Instruction, Mnemonic, Register};

use super::{Lowerer, Outcome, cannot, number};
use crate::code::{self, Op, RAX, Target};
use crate::flags::{Flags, flags_live};

/// What takes an instruction's place.
pub(super) enum Answer {
    /// A call of one of libzrt's helpers.
    Helper(&'static str),
    /// A helper's random number, in the register asked for.
    Random,
    /// These bytes, an instruction each.
    Bytes(&'static [&'static [u8]]),
    /// The masked pair of C9: all registers' state is the sandbox's.
    MaskedPopfq,
    /// Frame set-up by simpler instructions.
    Enter,
    /// An ordinary store.
    Movnti,
    /// An ordinary mov.
    Moffs,
    /// Nothing can: why, and what to do.
    Refusal(&'static str, &'static str),
}

/// How the instruction is answered, if it is one of these.
pub(super) fn answer(insn: &Instruction) -> Option<Answer> {
    use Mnemonic as M;
    Some(match insn.mnemonic() {
        M::Syscall => Answer::Helper("__zrt_syscall"),
        M::Cpuid => Answer::Helper("__zrt_cpuid"),
        M::Xgetbv => Answer::Helper("__zrt_xgetbv"),
        M::Rdtsc => Answer::Helper("__zrt_rdtsc"),
        M::Rdtscp => Answer::Helper("__zrt_rdtscp"),
        // Who spins waits for another thread, which runs when this one makes a call.
        M::Pause => Answer::Helper("__zrt_pause"),
        M::F2xm1 => Answer::Helper("__zrt_f2xm1"),
        M::Fyl2x => Answer::Helper("__zrt_fyl2x"),
        M::Fyl2xp1 => Answer::Helper("__zrt_fyl2xp1"),
        M::Fpatan => Answer::Helper("__zrt_fpatan"),
        M::Fptan => Answer::Helper("__zrt_fptan"),
        M::Fsin => Answer::Helper("__zrt_fsin"),
        M::Fcos => Answer::Helper("__zrt_fcos"),
        M::Fsincos => Answer::Helper("__zrt_fsincos"),
        M::Rdrand | M::Rdseed => Answer::Random,
        M::Popfq => Answer::MaskedPopfq,
        M::Leave if insn.code() == Code::Leaveq => Answer::Bytes(&[&[0x89, 0xEC], &[0x5D]]),
        M::Enter => Answer::Enter,
        M::Pop if insn.op0_register() == Register::RSP => Answer::Bytes(&[&[0x8B, 0x24, 0x24]]),
        M::Movnti => Answer::Movnti,
        M::Mov if is_moffs(insn) => Answer::Moffs,
        // Hints about the cache: nothing depends on them. (A nop, as a label needs an operation of its own.)
        M::Clflush | M::Clflushopt | M::Clwb | M::Prefetchwt1 | M::Prefetch => {
            Answer::Bytes(&[&[0x90]])
        }
        mnemonic => {
            let (reason, way_out) = refused(mnemonic)?;
            Answer::Refusal(reason, way_out)
        }
    })
}

impl Lowerer<'_> {
    /// Lowers the instruction if it is one of these.
    pub(super) fn system(&mut self, index: usize) -> Option<Outcome> {
        let insn = &self.program.decoded(index);
        Some(match answer(insn)? {
            Answer::Helper(name) => self.instead(index, name),
            Answer::Random => self.random(insn),
            Answer::MaskedPopfq => {
                self.ops.extend(code::masked_popfq());
                Ok(())
            }
            Answer::Bytes(instructions) => {
                for bytes in instructions {
                    self.push(bytes);
                }
                Ok(())
            }
            Answer::Enter => self.enter(insn),
            Answer::Movnti => self.movnti(insn),
            Answer::Moffs => self.moffs(insn),
            Answer::Refusal(reason, way_out) => {
                cannot(format!("{:?} {reason}", insn.mnemonic()), way_out)
            }
        })
    }

    /// A helper's call in an instruction's place.
    fn instead(&mut self, index: usize, name: &'static str) -> Outcome {
        let keep_flags = flags_live(self.program, index + 1, Flags::Keep);
        // A system call leaves them in r11, as it does on Linux: a handler's context and a new thread have their stack as they
        // expect it, with nothing on it.
        let in_r11 = self.program.decoded(index).mnemonic() == Mnemonic::Syscall;
        self.call_keeping(name, keep_flags, in_r11)
    }

    /// A call of one of libzrt's helpers, which keeps every register that is not its result.
    pub(super) fn helper(&mut self, name: &'static str, keep_flags: bool) -> Outcome {
        self.call_keeping(name, keep_flags, false)
    }

    /// Flags are kept here, on the stack or in r11: no masked return can.
    fn call_keeping(&mut self, name: &'static str, keep_flags: bool, in_r11: bool) -> Outcome {
        self.leave_red_zone();
        if keep_flags {
            self.push(&[0x9C]);
            if in_r11 {
                self.push(&[0x41, 0x5B]);
            }
        }
        self.call_helper(name)?;
        if keep_flags {
            if in_r11 {
                self.push(&[0x41, 0x53]);
            }
            self.ops.extend(code::masked_popfq());
        }
        self.enter_red_zone();
        Ok(())
    }

    fn call_helper(&mut self, name: &'static str) -> Outcome {
        let (input, program) = (self.input, self.program);
        let find = || {
            let mut symbols = input.symbols.iter();
            let symbol = symbols.find(|s| s.name == name.as_bytes())?;
            program.at(symbol.address)
        };
        match *self.helpers.entry(name).or_insert_with(find) {
            Some(target) => {
                self.ops
                    .push(Op::branch(0xE8, Target::Code(target as u32), true));
                Ok(())
            }
            None => cannot(
                format!("this needs {name}, which is not linked in"),
                "link with zvm-cc, or add libzrt.a",
            ),
        }
    }

    /// rdrand and rdseed: rax comes back from the helper, CF says that it worked.
    fn random(&mut self, insn: &Instruction) -> Outcome {
        let Some(register) = number(insn.op0_register()) else {
            return cannot("no register", "use a register");
        };
        let size = insn.op0_register().size();
        self.leave_red_zone();
        if register == RAX && size > 2 {
            self.call_helper("__zrt_rdrand")?;
            if size == 4 {
                // mov %eax, %eax
                self.push(&[0x89, 0xC0]);
            }
        } else if register == RAX {
            self.push(&[0x50]);
            self.call_helper("__zrt_rdrand")?;
            // mov %ax, (%rsp)
            self.push(&[0x66, 0x89, 0x04, 0x24]);
            self.push(&[0x58]);
        } else {
            self.push(&[0x50]);
            self.call_helper("__zrt_rdrand")?;
            let (rex, low) = (register >> 3, register & 7);
            // mov %rax, %r, in the instruction's own width.
            match size {
                2 => self.push(&[0x66, 0x40 | rex, 0x89, 0xC0 | low]),
                4 => self.push(&[0x40 | rex, 0x89, 0xC0 | low]),
                _ => self.push(&[0x48 | rex, 0x89, 0xC0 | low]),
            }
            self.push(&[0x58]);
        }
        self.enter_red_zone();
        self.push(&[0xF9]);
        Ok(())
    }

    fn enter(&mut self, insn: &Instruction) -> Outcome {
        if insn.code() != Code::Enterq_imm16_imm8 || insn.immediate8_2nd() != 0 {
            return cannot("enter with nested frames", "use push and mov");
        }
        let size = (-i32::from(insn.immediate16())).to_le_bytes();
        self.push(&[0x55]);
        self.push(&[0x48, 0x89, 0xE5]);
        self.push(&[0x8D, 0xA4, 0x24, size[0], size[1], size[2], size[3]]);
        Ok(())
    }

    /// `movabs` with a 64-bit address: an ordinary mov, the sandbox's addresses have 32 bits.
    fn moffs(&mut self, insn: &Instruction) -> Outcome {
        let code = match insn.code() {
            Code::Mov_AL_moffs8 => Code::Mov_r8_rm8,
            Code::Mov_AX_moffs16 => Code::Mov_r16_rm16,
            Code::Mov_EAX_moffs32 => Code::Mov_r32_rm32,
            Code::Mov_RAX_moffs64 => Code::Mov_r64_rm64,
            Code::Mov_moffs8_AL => Code::Mov_rm8_r8,
            Code::Mov_moffs16_AX => Code::Mov_rm16_r16,
            Code::Mov_moffs32_EAX => Code::Mov_rm32_r32,
            _ => Code::Mov_rm64_r64,
        };
        let address = insn.memory_displacement64();
        if address >= 1 << 31 || insn.has_segment_prefix() {
            return cannot(
                "an absolute address outside the sandbox's lower half",
                "use a pointer in a register",
            );
        }
        let mut mov = *insn;
        mov.set_code(code);
        mov.set_memory_displ_size(8);
        self.emit(&mov)
    }
}

fn is_moffs(insn: &Instruction) -> bool {
    (Code::Mov_AL_moffs8 as u32..=Code::Mov_moffs64_RAX as u32).contains(&(insn.code() as u32))
}

/// Instructions that no sandboxed program may hold, why, and what to do instead.
fn refused(mnemonic: Mnemonic) -> Option<(&'static str, &'static str)> {
    use Mnemonic as M;
    Some(match mnemonic {
        M::Sysenter
        | M::Sysexit
        | M::Sysret
        | M::Int
        | M::Int1
        | M::Into
        | M::Iret
        | M::Iretd
        | M::Iretq => (
            "leaves the sandbox",
            "use syscall, which the SDK answers inside the sandbox",
        ),
        M::In | M::Out | M::Insb | M::Insw | M::Insd | M::Outsb | M::Outsw | M::Outsd => {
            ("talks to hardware", "remove it")
        }
        M::Lds | M::Les | M::Lfs | M::Lgs | M::Lss | M::Lsl | M::Lar | M::Verr | M::Verw => {
            ("uses segments", "remove it")
        }
        M::Sgdt | M::Sidt | M::Sldt | M::Smsw | M::Str => ("shows what the host is", "remove it"),
        M::Rdfsbase | M::Rdgsbase | M::Wrfsbase => (
            "uses a segment base",
            "use arch_prctl, or the language's thread-local variables",
        ),
        M::Rdpmc
        | M::Rdpid
        | M::Rdpru
        | M::Umwait
        | M::Umonitor
        | M::Tpause
        | M::Mwait
        | M::Monitor
        | M::Mwaitx
        | M::Monitorx => (
            "differs from run to run",
            "remove it, or build without the CPU feature",
        ),
        M::Rcpps
        | M::Rcpss
        | M::Rsqrtps
        | M::Rsqrtss
        | M::Vrcpps
        | M::Vrcpss
        | M::Vrsqrtps
        | M::Vrsqrtss => (
            "gives different results on different CPUs",
            "compile with -mno-recip, or divide instead",
        ),
        M::Fnstenv | M::Fstenv | M::Fnsave | M::Fsave | M::Frstor => (
            "stores the address of an instruction",
            "use <fenv.h>, fnstcw, fnstsw or stmxcsr",
        ),
        M::Fxsave
        | M::Fxsave64
        | M::Fxrstor
        | M::Fxrstor64
        | M::Xsave
        | M::Xsave64
        | M::Xsavec
        | M::Xsavec64
        | M::Xsaveopt
        | M::Xsaveopt64
        | M::Xrstor
        | M::Xrstor64
        | M::Xsaves
        | M::Xsaves64
        | M::Xrstors
        | M::Xrstors64 => (
            "stores state that the sandbox must not see",
            "save registers one by one",
        ),
        M::Maskmovq
        | M::Maskmovdqu
        | M::Vmaskmovdqu
        | M::Movdir64b
        | M::Movdiri
        | M::Clzero
        | M::Movntss
        | M::Movntsd => ("writes around the cache", "use an ordinary store"),
        M::Xbegin | M::Xend | M::Xabort | M::Xtest => {
            ("uses transactional memory", "build without -mrtm")
        }
        M::Wrpkru
        | M::Rdpkru
        | M::Vmcall
        | M::Vmmcall
        | M::Rdsspd
        | M::Rdsspq
        | M::Incsspd
        | M::Incsspq => ("belongs to the system", "remove it"),
        M::Popf | M::Popfd | M::Pushf => ("handles 16-bit flags", "use pushfq and popfq"),
        _ => return None,
    })
}
