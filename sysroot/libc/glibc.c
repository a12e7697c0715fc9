/* What glibc has, musl has not, and Rust's std for x86_64-unknown-linux-gnu calls, for executables of the host; in images libzrt
   has it (guest/glibc.rs). The version answers one question of std's: 2.26 and later read /etc/resolv.conf again by themselves. */
const char *gnu_get_libc_version(void)
{
    return "2.26";
}
