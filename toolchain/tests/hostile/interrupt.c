// What no sandboxed program may hold: a system call of the 32-bit kind.
int forbidden_call(void) {
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(20));
    return result;
}

int main(void) { return forbidden_call(); }
