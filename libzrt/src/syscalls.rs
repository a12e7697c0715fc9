//! Every system call that is answered, by its x86-64 number (arch/x86/entry/syscalls/syscall_64.tbl). What is not here is
//! `ENOSYS`, as on a kernel that was built without it.

use crate::errno::Errno;
use crate::fs::calls as fs;
use crate::kernel::{Args, Kernel};
use crate::{mm, posix_timer, process, random, signal, threads, time};

/// Answers a system call.
pub type Handler = fn(&mut Kernel, Args) -> Result<u64, Errno>;

/// A system call.
#[derive(Clone, Copy)]
pub struct Call {
    /// Its name.
    pub name: &'static str,
    /// What answers it.
    pub handler: Handler,
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
        57 => "fork",
        58 => "vfork",
        59 => "execve",
        101 => "ptrace",
        _ => find(number).map_or("unknown", |call| call.name),
    }
}

const COUNT: usize = 463;

macro_rules! table {
    ($($number:literal $name:ident $handler:expr;)*) => {
        static TABLE: [Option<Call>; COUNT] = {
            let mut table = [None; COUNT];
            $(table[$number] = Some(Call { name: stringify!($name), handler: $handler });)*
            table
        };
    };
}

table! {
    0 read fs::read;
    1 write fs::write;
    2 open fs::open;
    3 close fs::close;
    4 stat fs::stat;
    5 fstat fs::fstat;
    6 lstat fs::lstat;
    7 poll fs::poll;
    8 lseek fs::lseek;
    9 mmap mm::mmap;
    10 mprotect mm::mprotect;
    11 munmap mm::munmap;
    12 brk mm::brk;
    13 rt_sigaction signal::rt_sigaction;
    14 rt_sigprocmask signal::rt_sigprocmask;
    16 ioctl fs::ioctl;
    17 pread64 fs::pread64;
    18 pwrite64 fs::pwrite64;
    19 readv fs::readv;
    20 writev fs::writev;
    21 access fs::access;
    22 pipe fs::pipe;
    23 select fs::select;
    24 sched_yield threads::sched_yield;
    25 mremap mm::mremap;
    26 msync mm::msync;
    27 mincore mm::mincore;
    28 madvise mm::madvise;
    32 dup fs::dup;
    33 dup2 fs::dup2;
    34 pause process::pause;
    35 nanosleep time::nanosleep;
    36 getitimer time::getitimer;
    37 alarm time::alarm;
    38 setitimer time::setitimer;
    39 getpid process::getpid;
    40 sendfile fs::sendfile;
    41 socket fs::socket;
    42 connect fs::connected;
    43 accept fs::connected;
    44 sendto fs::sendto;
    45 recvfrom fs::recvfrom;
    46 sendmsg fs::sendmsg;
    47 recvmsg fs::recvmsg;
    48 shutdown fs::shutdown;
    49 bind fs::connected;
    50 listen fs::connected;
    51 getsockname fs::socket_name;
    52 getpeername fs::getpeername;
    53 socketpair fs::socketpair;
    54 setsockopt fs::setsockopt;
    55 getsockopt fs::getsockopt;
    56 clone threads::clone;
    60 exit threads::exit;
    61 wait4 process::wait4;
    62 kill process::kill;
    63 uname process::uname;
    72 fcntl fs::fcntl;
    73 flock fs::flock;
    74 fsync fs::fsync;
    75 fdatasync fs::fsync;
    76 truncate fs::truncate;
    77 ftruncate fs::ftruncate;
    79 getcwd fs::getcwd;
    80 chdir fs::chdir;
    81 fchdir fs::fchdir;
    82 rename fs::rename;
    83 mkdir fs::mkdir;
    84 rmdir fs::rmdir;
    85 creat fs::creat;
    86 link fs::link;
    87 unlink fs::unlink;
    88 symlink fs::symlink;
    89 readlink fs::readlink;
    90 chmod fs::chmod;
    91 fchmod fs::fchmod;
    92 chown fs::chown;
    93 fchown fs::fchown;
    94 lchown fs::lchown;
    95 umask fs::umask;
    96 gettimeofday time::gettimeofday;
    97 getrlimit process::getrlimit;
    98 getrusage process::getrusage;
    99 sysinfo process::sysinfo;
    100 times time::times;
    102 getuid process::getuid;
    104 getgid process::getgid;
    105 setuid process::setuid;
    106 setgid process::setgid;
    107 geteuid process::geteuid;
    108 getegid process::getegid;
    109 setpgid process::setpgid;
    110 getppid process::getppid;
    111 getpgrp process::getpid;
    112 setsid process::setsid;
    113 setreuid process::setreuid;
    114 setregid process::setregid;
    115 getgroups process::getgroups;
    116 setgroups mm::success;
    117 setresuid process::setresuid;
    118 getresuid process::getresuid;
    119 setresgid process::setresgid;
    120 getresgid process::getresgid;
    121 getpgid process::getpgid;
    122 setfsuid process::setfsid;
    123 setfsgid process::setfsid;
    124 getsid process::getpgid;
    127 rt_sigpending signal::rt_sigpending;
    128 rt_sigtimedwait signal::rt_sigtimedwait;
    129 rt_sigqueueinfo signal::rt_sigqueueinfo;
    130 rt_sigsuspend signal::rt_sigsuspend;
    131 sigaltstack signal::sigaltstack;
    132 utime fs::utime;
    133 mknod fs::mknod;
    135 personality process::personality;
    137 statfs fs::statfs;
    138 fstatfs fs::fstatfs;
    140 getpriority process::getpriority;
    141 setpriority mm::success;
    142 sched_setparam process::sched_setparam;
    143 sched_getparam process::sched_getparam;
    144 sched_setscheduler process::sched_setscheduler;
    145 sched_getscheduler process::sched_getscheduler;
    146 sched_get_priority_max process::sched_get_priority_max;
    147 sched_get_priority_min process::sched_get_priority_min;
    149 mlock mm::success;
    150 munlock mm::success;
    151 mlockall mm::success;
    152 munlockall mm::success;
    157 prctl process::prctl;
    158 arch_prctl process::arch_prctl;
    160 setrlimit process::setrlimit;
    162 sync fs::sync;
    186 gettid threads::gettid;
    187 readahead fs::fsync;
    188 setxattr fs::no_attributes;
    189 lsetxattr fs::no_attributes;
    190 fsetxattr fs::no_attributes;
    191 getxattr fs::no_attributes;
    192 lgetxattr fs::no_attributes;
    193 fgetxattr fs::no_attributes;
    194 listxattr fs::no_attributes;
    195 llistxattr fs::no_attributes;
    196 flistxattr fs::no_attributes;
    197 removexattr fs::no_attributes;
    198 lremovexattr fs::no_attributes;
    199 fremovexattr fs::no_attributes;
    200 tkill process::tkill;
    201 time time::time;
    202 futex threads::futex;
    203 sched_setaffinity process::sched_setaffinity;
    204 sched_getaffinity process::sched_getaffinity;
    213 epoll_create fs::epoll_create;
    217 getdents64 fs::getdents64;
    218 set_tid_address threads::set_tid_address;
    221 fadvise64 fs::fadvise64;
    222 timer_create posix_timer::timer_create;
    223 timer_settime posix_timer::timer_settime;
    224 timer_gettime posix_timer::timer_gettime;
    225 timer_getoverrun posix_timer::timer_getoverrun;
    226 timer_delete posix_timer::timer_delete;
    227 clock_settime time::clock_settime;
    228 clock_gettime time::clock_gettime;
    229 clock_getres time::clock_getres;
    230 clock_nanosleep time::clock_nanosleep;
    231 exit_group process::exit_group;
    232 epoll_wait fs::epoll_wait;
    233 epoll_ctl fs::epoll_ctl;
    234 tgkill process::tgkill;
    235 utimes fs::utimes;
    247 waitid process::wait4;
    257 openat fs::openat;
    258 mkdirat fs::mkdirat;
    259 mknodat fs::mknodat;
    260 fchownat fs::fchownat;
    261 futimesat fs::futimesat;
    262 newfstatat fs::newfstatat;
    263 unlinkat fs::unlinkat;
    264 renameat fs::renameat;
    265 linkat fs::linkat;
    266 symlinkat fs::symlinkat;
    267 readlinkat fs::readlinkat;
    268 fchmodat fs::fchmodat;
    269 faccessat fs::faccessat;
    270 pselect6 fs::pselect6;
    271 ppoll fs::ppoll;
    273 set_robust_list threads::set_robust_list;
    274 get_robust_list threads::get_robust_list;
    277 sync_file_range fs::fsync;
    280 utimensat fs::utimensat;
    285 fallocate fs::fallocate;
    281 epoll_pwait fs::epoll_pwait;
    283 timerfd_create fs::timerfd_create;
    284 eventfd fs::eventfd;
    286 timerfd_settime fs::timerfd_settime;
    287 timerfd_gettime fs::timerfd_gettime;
    288 accept4 fs::connected;
    290 eventfd2 fs::eventfd2;
    291 epoll_create1 fs::epoll_create1;
    292 dup3 fs::dup3;
    293 pipe2 fs::pipe2;
    295 preadv fs::preadv;
    296 pwritev fs::pwritev;
    297 rt_tgsigqueueinfo signal::rt_tgsigqueueinfo;
    302 prlimit64 process::prlimit64;
    306 syncfs fs::fsync;
    309 getcpu process::getcpu;
    316 renameat2 fs::renameat2;
    318 getrandom random::getrandom;
    319 memfd_create fs::memfd_create;
    324 membarrier membarrier;
    326 copy_file_range fs::copy_file_range;
    327 preadv2 fs::preadv2;
    328 pwritev2 fs::pwritev2;
    332 statx fs::statx;
    436 close_range fs::close_range;
    439 faccessat2 fs::faccessat2;
    441 epoll_pwait2 fs::epoll_pwait2;
    452 fchmodat2 fs::fchmodat2;
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
