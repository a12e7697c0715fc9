_Thread_local int counter = 1000; _Thread_local long zeroed[16]; _Thread_local struct { char name[8]; double d; } record = {"tls", 2.5};
int bump(int by) { record.d += by; return counter += by; }
int *where(void) { return &counter; }
