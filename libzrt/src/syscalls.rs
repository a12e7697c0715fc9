//! Every system call that is answered, by its x86-64 number (arch/x86/entry/syscalls/syscall_64.tbl). What is not here is
//! `ENOSYS`, as on a kernel that was built without it.

use crate::errno::Errno;
use crate::fs::calls as fs;
use crate::kernel::{Args, Kernel};
use crate::{identity, mm, posix_timer, process, random, signal, threads, time};

/// Answers a system call. What reads the arguments reads them where they are: a copy, made right after they were stored and in
/// larger pieces, would wait for them.
pub type Handler = fn(&mut Kernel, &Args) -> Result<u64, Errno>;

/// A system call.
#[derive(Clone, Copy)]
pub struct Call {
    /// Its name.
    pub name: &'static str,
    /// What its arguments are, and how they show, see [`crate::trace`].
    pub signature: &'static str,
    /// What answers it.
    pub handler: Handler,
    /// Which arguments are ints, and which of them have no sign: bit n is argument n.
    ints: u8,
    unsigned: u8,
}

impl Call {
    const fn new(name: &'static str, signature: &'static str, handler: Handler) -> Call {
        let unsigned = marked(signature, b"nfocOSDKWF");
        Call {
            name,
            signature,
            handler,
            ints: unsigned | marked(signature, b"i@C"),
            unsigned,
        }
    }

    /// Makes of the arguments what the handler gets. What stands in a register above an int means nothing: compilers leave there what
    /// was there.
    pub fn cut(&self, args: &mut Args) {
        let mut left = self.ints;
        // Of none that are left, the zeros are more than there are arguments.
        while let Some(value) = args.get_mut(left.trailing_zeros() as usize) {
            let first = left & left.wrapping_neg();
            *value = match self.unsigned & first {
                0 => *value as i32 as u64,
                _ => u64::from(*value as u32),
            };
            left ^= first;
        }
    }
}

/// Which arguments a signature gives one of these letters.
const fn marked(signature: &str, letters: &[u8]) -> u8 {
    let signature = signature.as_bytes();
    let (mut set, mut at, mut argument) = (0, 0, 0);
    while at < signature.len() {
        let mut index = 0;
        while index < letters.len() {
            set |= ((letters[index] == signature[at]) as u8) << argument;
            index += 1;
        }
        argument += (signature[at] != b'=') as u32;
        at += 1;
    }
    set
}

/// `rt_sigreturn` restores all registers, so that the kernel answers it itself.
pub const RT_SIGRETURN: u64 = 15;

/// The call of this number.
pub fn find(number: u64) -> Option<&'static Call> {
    TABLE.get(usize::try_from(number).ok()?)?.as_ref()
}

/// The call's name, for a person; of those that are not answered, the ones that programs try.
pub fn name(number: u64) -> &'static str {
    match number {
        RT_SIGRETURN => "rt_sigreturn",
        57 => "fork",
        58 => "vfork",
        59 => "execve",
        101 => "ptrace",
        _ => find(number).map_or("unknown", |call| call.name),
    }
}

/// Whether the call may wait for the open file of the descriptor that is its first argument. As on Linux, that is the file of
/// the call's beginning, whatever becomes of the descriptor meanwhile.
pub fn waits_for_file(number: u64) -> bool {
    const READ_WRITE: [u64; 11] = [0, 1, 17, 18, 19, 20, 40, 295, 296, 327, 328];
    const SOCKETS: [u64; 7] = [42, 43, 44, 45, 46, 47, 288];
    const LOCKS: [u64; 2] = [72, 73];
    const EPOLL: [u64; 3] = [232, 281, 441];
    [&READ_WRITE[..], &SOCKETS, &LOCKS, &EPOLL]
        .iter()
        .any(|numbers| numbers.contains(&number))
}

/// Whether the call makes sockets; other calls say `EAFNOSUPPORT` of an address.
pub fn makes_socket(number: u64) -> bool {
    const SOCKET: u64 = 41;
    const SOCKETPAIR: u64 = 53;
    matches!(number, SOCKET | SOCKETPAIR)
}

/// All calls with their numbers.
pub fn all() -> impl Iterator<Item = (u64, &'static Call)> {
    (0..)
        .zip(&TABLE)
        .filter_map(|(number, call)| Some((number, call.as_ref()?)))
}

const COUNT: usize = 463;

macro_rules! table {
    ($($number:literal $name:ident $signature:literal $handler:expr;)*) => {
        static TABLE: [Option<Call>; COUNT] = {
            let mut table = [None; COUNT];
            $(table[$number] = Some(Call::new(stringify!($name), $signature, |kernel, args| $handler(kernel, *args)));)*
            table
        };
    };
}

table! {
    0 read "iru" fs::read;
    1 write "iwu" fs::write;
    2 open "pOc" fs::open;
    3 close "i" fs::close;
    4 stat "pa" fs::stat;
    5 fstat "ia" fs::fstat;
    6 lstat "pa" fs::lstat;
    7 poll "xni" fs::poll;
    8 lseek "ilW" fs::lseek;
    9 mmap "=xuPMil" mm::mmap;
    10 mprotect "xuP" mm::mprotect;
    11 munmap "xu" mm::munmap;
    12 brk "=x" mm::brk;
    13 rt_sigaction "Sxxu" signal::calls::rt_sigaction;
    14 rt_sigprocmask "ixxu" signal::calls::rt_sigprocmask;
    16 ioctl "ifx" fs::ioctl;
    17 pread64 "irul" fs::pread64;
    18 pwrite64 "iwul" fs::pwrite64;
    19 readv "ixu" fs::readv;
    20 writev "ivu" fs::writev;
    21 access "pi" fs::access;
    22 pipe "2" fs::pipe;
    23 select "ixxxx" fs::select;
    24 sched_yield "" threads::sched_yield;
    25 mremap "=xuuxx" mm::mremap;
    26 msync "xui" mm::msync;
    27 mincore "xux" mm::mincore;
    28 madvise "xui" mm::madvise;
    32 dup "i" fs::dup;
    33 dup2 "ii" fs::dup2;
    34 pause "" process::pause;
    35 nanosleep "tT" time::nanosleep;
    36 getitimer "ix" time::getitimer;
    37 alarm "n" time::alarm;
    38 setitimer "ixx" time::setitimer;
    39 getpid "" process::getpid;
    40 sendfile "iixu" fs::sendfile;
    41 socket "DKi" fs::socket;
    42 connect "iAn" fs::connect;
    43 accept "iGx" fs::accept;
    44 sendto "iwuiAn" fs::sendto;
    45 recvfrom "iruiGx" fs::recvfrom;
    46 sendmsg "ixi" fs::sendmsg;
    47 recvmsg "ixi" fs::recvmsg;
    48 shutdown "ii" fs::shutdown;
    49 bind "iAn" fs::bind;
    50 listen "ii" fs::listen;
    51 getsockname "iGx" fs::getsockname;
    52 getpeername "iGx" fs::getpeername;
    53 socketpair "DKi2" fs::socketpair;
    54 setsockopt "iiixn" fs::setsockopt;
    55 getsockopt "iiixx" fs::getsockopt;
    56 clone "xxxxx" threads::clone;
    60 exit "i" threads::exit;
    61 wait4 "ixix" process::wait4;
    62 kill "iS" process::kill;
    63 uname "x" process::uname;
    72 fcntl "ifx" fs::fcntl;
    73 flock "ii" fs::flock;
    74 fsync "i" fs::fsync;
    75 fdatasync "i" fs::fsync;
    76 truncate "pl" fs::truncate;
    77 ftruncate "il" fs::ftruncate;
    79 getcwd "ru" fs::getcwd;
    80 chdir "p" fs::chdir;
    81 fchdir "i" fs::fchdir;
    82 rename "pp" fs::rename;
    83 mkdir "po" fs::mkdir;
    84 rmdir "p" fs::rmdir;
    85 creat "po" fs::creat;
    86 link "pp" fs::link;
    87 unlink "p" fs::unlink;
    88 symlink "pp" fs::symlink;
    89 readlink "pxi" fs::readlink;
    90 chmod "po" fs::chmod;
    91 fchmod "io" fs::fchmod;
    92 chown "pii" fs::chown;
    93 fchown "iii" fs::fchown;
    94 lchown "pii" fs::lchown;
    95 umask "o" fs::umask;
    96 gettimeofday "xx" time::gettimeofday;
    97 getrlimit "ix" process::getrlimit;
    98 getrusage "ix" process::getrusage;
    99 sysinfo "x" process::sysinfo;
    100 times "x" time::times;
    102 getuid "" identity::getuid;
    104 getgid "" identity::getgid;
    105 setuid "i" identity::setuid;
    106 setgid "i" identity::setgid;
    107 geteuid "" identity::geteuid;
    108 getegid "" identity::getegid;
    109 setpgid "ii" process::setpgid;
    110 getppid "" process::getppid;
    111 getpgrp "" process::getpid;
    112 setsid "" process::setsid;
    113 setreuid "ii" identity::setreuid;
    114 setregid "ii" identity::setregid;
    115 getgroups "ix" identity::getgroups;
    116 setgroups "ix" identity::setgroups;
    117 setresuid "iii" identity::setresuid;
    118 getresuid "xxx" identity::getresuid;
    119 setresgid "iii" identity::setresgid;
    120 getresgid "xxx" identity::getresgid;
    121 getpgid "i" process::getpgid;
    122 setfsuid "i" identity::setfsuid;
    123 setfsgid "i" identity::setfsgid;
    124 getsid "i" process::getpgid;
    127 rt_sigpending "xu" signal::calls::rt_sigpending;
    128 rt_sigtimedwait "xxtu" signal::calls::rt_sigtimedwait;
    129 rt_sigqueueinfo "iSx" signal::calls::rt_sigqueueinfo;
    130 rt_sigsuspend "xu" signal::calls::rt_sigsuspend;
    131 sigaltstack "xx" signal::sigaltstack;
    132 utime "px" fs::utime;
    133 mknod "pof" fs::mknod;
    135 personality "f" process::personality;
    137 statfs "px" fs::statfs;
    138 fstatfs "ix" fs::fstatfs;
    140 getpriority "ii" process::getpriority;
    141 setpriority "iii" process::setpriority;
    142 sched_setparam "ix" process::sched_setparam;
    143 sched_getparam "ix" process::sched_getparam;
    144 sched_setscheduler "iix" process::sched_setscheduler;
    145 sched_getscheduler "i" process::sched_getscheduler;
    146 sched_get_priority_max "i" process::sched_get_priority_max;
    147 sched_get_priority_min "i" process::sched_get_priority_min;
    149 mlock "xu" mm::mlock;
    150 munlock "xu" mm::munlock;
    151 mlockall "i" mm::mlockall;
    152 munlockall "" mm::success;
    157 prctl "ixxxx" process::prctl;
    158 arch_prctl "ix" process::arch_prctl;
    160 setrlimit "ix" process::setrlimit;
    162 sync "" fs::sync;
    186 gettid "" threads::gettid;
    187 readahead "ilu" fs::readahead;
    188 setxattr "ppwui" fs::no_attributes;
    189 lsetxattr "ppwui" fs::no_attributes;
    190 fsetxattr "ipwui" fs::no_attributes;
    191 getxattr "ppxu" fs::no_attributes;
    192 lgetxattr "ppxu" fs::no_attributes;
    193 fgetxattr "ipxu" fs::no_attributes;
    194 listxattr "pxu" fs::listxattr;
    195 llistxattr "pxu" fs::llistxattr;
    196 flistxattr "ixu" fs::flistxattr;
    197 removexattr "pp" fs::no_attributes;
    198 lremovexattr "pp" fs::no_attributes;
    199 fremovexattr "ip" fs::no_attributes;
    200 tkill "iS" process::tkill;
    201 time "x" time::time;
    202 futex "xFixxn" threads::futex;
    203 sched_setaffinity "inx" process::sched_setaffinity;
    204 sched_getaffinity "inx" process::sched_getaffinity;
    213 epoll_create "i" fs::epoll_create;
    217 getdents64 "ixn" fs::getdents64;
    218 set_tid_address "x" threads::set_tid_address;
    221 fadvise64 "illi" fs::fadvise64;
    222 timer_create "Cxx" posix_timer::timer_create;
    223 timer_settime "iixx" posix_timer::timer_settime;
    224 timer_gettime "ix" posix_timer::timer_gettime;
    225 timer_getoverrun "i" posix_timer::timer_getoverrun;
    226 timer_delete "i" posix_timer::timer_delete;
    227 clock_settime "Ct" time::clock_settime;
    228 clock_gettime "CT" time::clock_gettime;
    229 clock_getres "CT" time::clock_getres;
    230 clock_nanosleep "CitT" time::clock_nanosleep;
    231 exit_group "i" process::exit_group;
    232 epoll_wait "ixii" fs::epoll_wait;
    233 epoll_ctl "iiix" fs::epoll_ctl;
    234 tgkill "iiS" process::tgkill;
    235 utimes "px" fs::utimes;
    247 waitid "iixix" process::waitid;
    257 openat "@pOc" fs::openat;
    258 mkdirat "@po" fs::mkdirat;
    259 mknodat "@pof" fs::mknodat;
    260 fchownat "@piii" fs::fchownat;
    261 futimesat "@px" fs::futimesat;
    262 newfstatat "@paf" fs::newfstatat;
    263 unlinkat "@pf" fs::unlinkat;
    264 renameat "@p@p" fs::renameat;
    265 linkat "@p@pf" fs::linkat;
    266 symlinkat "p@p" fs::symlinkat;
    267 readlinkat "@pxi" fs::readlinkat;
    268 fchmodat "@po" fs::fchmodat;
    269 faccessat "@pi" fs::faccessat;
    270 pselect6 "ixxxtx" fs::pselect6;
    271 ppoll "xntxu" fs::ppoll;
    273 set_robust_list "xu" threads::set_robust_list;
    274 get_robust_list "ixx" threads::get_robust_list;
    277 sync_file_range "illf" fs::sync_file_range;
    280 utimensat "@pxf" fs::utimensat;
    285 fallocate "ifll" fs::fallocate;
    281 epoll_pwait "ixiixu" fs::epoll_pwait;
    283 timerfd_create "Cx" fs::timerfd_create;
    284 eventfd "i" fs::eventfd;
    286 timerfd_settime "iixx" fs::timerfd_settime;
    287 timerfd_gettime "ix" fs::timerfd_gettime;
    288 accept4 "iGxf" fs::accept4;
    290 eventfd2 "ii" fs::eventfd2;
    291 epoll_create1 "i" fs::epoll_create1;
    292 dup3 "iiO" fs::dup3;
    293 pipe2 "2O" fs::pipe2;
    295 preadv "ixul" fs::preadv;
    296 pwritev "ivul" fs::pwritev;
    297 rt_tgsigqueueinfo "iiSx" signal::calls::rt_tgsigqueueinfo;
    302 prlimit64 "iixx" process::prlimit64;
    306 syncfs "i" fs::syncfs;
    309 getcpu "xxx" process::getcpu;
    316 renameat2 "@p@pf" fs::renameat2;
    318 getrandom "ruf" random::getrandom;
    319 memfd_create "pf" fs::memfd_create;
    324 membarrier "iii" membarrier;
    326 copy_file_range "ixixuf" fs::copy_file_range;
    327 preadv2 "ixulxf" fs::preadv2;
    328 pwritev2 "ivulxf" fs::pwritev2;
    332 statx "@pffx" fs::statx;
    436 close_range "nnf" fs::close_range;
    439 faccessat2 "@pii" fs::faccessat2;
    441 epoll_pwait2 "ixitxu" fs::epoll_pwait2;
    452 fchmodat2 "@pof" fs::fchmodat2;
}

/// One thread is always in order with itself.
fn membarrier(_: &mut Kernel, [command, ..]: Args) -> Result<u64, Errno> {
    const QUERY: u64 = 0;
    // GLOBAL, PRIVATE_EXPEDITED and its registration.
    const KNOWN: u64 = 1 | 8 | 16;
    match command {
        QUERY => Ok(KNOWN),
        1 | 8 | 16 => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_linux_s() {
        for (number, name) in [
            (0, "read"),
            (9, "mmap"),
            (60, "exit"),
            (218, "set_tid_address"),
            (332, "statx"),
            (439, "faccessat2"),
        ] {
            assert_eq!(find(number).map(|call| call.name), Some(name));
        }
        // fork, vfork, execve, openat2.
        for number in [57, 58, 59, 437, 10_000, u64::MAX] {
            assert!(find(number).is_none(), "{number}");
        }
    }
}
